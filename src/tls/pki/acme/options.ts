import { type TxtLookup, type TxtSource, txtLookup } from './validation/txt-records.ts'

/** A kind of certificate that a client can choose. draft-aaron-acme-profiles. */
export interface AcmeProfile {
  /** For people, in the directory. */
  readonly description: string
  readonly lifetimeMs: number
  /** The shortest RSA key that a request may have. Default: 2048. */
  readonly minRsaBits?: number
}

/** Makes the directory behave as differently as real authorities may, so that clients prove that they cope. */
export interface AcmeStrictness {
  /** Share of the good nonces that are refused, 0 to 1. */
  readonly rejectNonces: number
  /** Share of the valid authorizations that a new order reuses, 0 to 1. */
  readonly reuseAuthorizations: number
  /** Shortest and longest lifetime of an order. */
  readonly orderLifetimeMs: readonly [number, number]
  /** Longest wait before a challenge is validated. */
  readonly validationDelayMs: number
  /** Seed of the random numbers. */
  readonly seed: number
}

export interface AcmeOptions {
  /** Port of the clients' http-01 listeners. */
  readonly httpPort: number
  /** Port of the clients' tls-alpn-01 listeners. Default: 443. */
  readonly tlsAlpnPort?: number
  /** Addresses and networks that http-01 and tls-alpn-01 may connect to besides loopback. */
  readonly addresses: readonly string[]
  /** Reads TXT records. Without it, dns-01 is not offered. */
  readonly txt?: TxtLookup
  /** Domain names by which DNS records name this authority, in lower case. RFC 8659 section 4.2. */
  readonly caaIdentities: readonly string[]
  /** MAC keys in base64url by kid. If there are any, an account needs one of them. RFC 8555 section 7.3.4. */
  readonly externalAccounts: Readonly<Record<string, string>>
  readonly profiles?: Readonly<Record<string, AcmeProfile>>
  readonly strictness?: AcmeStrictness
}

/** The key `certificates.service.acme` of the configuration. */
interface AcmeSettings {
  readonly httpPort: number
  readonly tlsAlpnPort: number
  readonly from: readonly string[]
  readonly externalAccounts: Readonly<Record<string, string>>
  readonly caaIdentities: readonly string[]
  readonly dns?: TxtSource | undefined
  readonly profiles: Readonly<Record<string, Omit<AcmeProfile, 'lifetimeMs'> & { readonly lifetime: number }>>
  readonly strictness?:
    | (Omit<AcmeStrictness, 'orderLifetimeMs' | 'validationDelayMs'> & {
        readonly orderLifetime: readonly [number, number]
        readonly validationDelay: number
      })
    | undefined
}

/** @param txt reads TXT records; default: the source that the configuration names */
export function acmeOptions(
  { dns, from, profiles, strictness, ...rest }: AcmeSettings,
  txt: TxtLookup | undefined = dns === undefined ? undefined : txtLookup(dns),
): AcmeOptions {
  const kinds = Object.entries(profiles).map(([name, { lifetime, ...profile }]) => [
    name,
    { ...profile, lifetimeMs: lifetime },
  ])
  return {
    ...rest,
    addresses: from,
    profiles: Object.fromEntries(kinds) as Record<string, AcmeProfile>,
    ...(txt ? { txt } : {}),
    ...(strictness ? { strictness: strictnessOf(strictness) } : {}),
  }
}

const strictnessOf = ({
  orderLifetime: orderLifetimeMs,
  validationDelay: validationDelayMs,
  ...rest
}: NonNullable<AcmeSettings['strictness']>): AcmeStrictness => ({ ...rest, orderLifetimeMs, validationDelayMs })
