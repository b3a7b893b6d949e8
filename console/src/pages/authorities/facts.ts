/** A certificate authority of the lab. */
export interface Authority {
  readonly name: string
  readonly role: 'root' | 'subordinate'
  readonly type: 'enterprise' | 'standalone'
  readonly default: boolean
  readonly ready: boolean
  readonly issuedBy?: string
  readonly notAfter?: string
  readonly key?: string
  readonly thumbprint?: string
  readonly issued: number
  readonly revoked: number
  readonly waiting: number
}

/** A certificate that an authority has issued. */
export interface Issued {
  readonly serial: string
  readonly subject: string
  readonly thumbprint: string
  readonly notBefore: string
  readonly notAfter: string
  readonly revoked?: { readonly at: string; readonly reason: string }
}

/** A request at a standalone authority. */
export interface QueuedRequest {
  readonly id: number
  readonly authority: string
  readonly subject: string
  readonly receivedAt: string
  readonly state: 'pending' | 'denied' | 'issued'
}

/** Returns the authorities with their depth below a root, each after its issuer. */
export function asTree(authorities: readonly Authority[]): readonly (Authority & { readonly depth: number })[] {
  const isBelow = (one: Authority, issuer: Authority): boolean => one !== issuer && one.issuedBy === issuer.name
  const tops = authorities.filter((one) => !authorities.some((issuer) => isBelow(one, issuer)))
  const below = (one: Authority, depth: number): (Authority & { readonly depth: number })[] => [
    { ...one, depth },
    ...authorities.filter((other) => isBelow(other, one)).flatMap((other) => below(other, depth + 1)),
  ]
  return tops.flatMap((one) => below(one, 0))
}
