import type { Mistake } from './mistakes.ts'
import { nearest } from './nearest.ts'
import { defectOf, type VirtualServerConfig } from './schema.ts'

/** Settings of `certificate:` that name no certificate. */
const certificateWords = ['auto', 'assigned', 'none'] as const

/** What a certificate can be pinned by. */
export interface KnownCertificate {
  readonly friendlyName: string
  /** Hexadecimal; case and separators do not count. */
  readonly thumbprint: string
}

/** The certificates that virtual servers name and the store does not have. */
export function unknownCertificates(
  virtualServers: readonly Pick<VirtualServerConfig, 'certificate'>[],
  known: readonly KnownCertificate[],
): Mistake[] {
  return virtualServers.flatMap(({ certificate }, index) => {
    const at = ['virtualServers', index, 'certificate']
    if (typeof certificate === 'string') return isKnown(certificate, known) ? [] : [unknown(certificate, at, known)]
    return certificate.flatMap((name, n) => (isKnown(name, known) ? [] : [unknown(name, [...at, n], known)]))
  })
}

function isKnown(name: string, known: readonly KnownCertificate[]): boolean {
  if (certificateWords.some((word) => word === name) || defectOf(name)) return true
  const digits = name.replaceAll(/[\s:]/g, '').toUpperCase()
  return known.some((one) => one.friendlyName === name || one.thumbprint.toUpperCase() === digits)
}

function unknown(name: string, path: Mistake['path'], known: readonly KnownCertificate[]): Mistake {
  const near = nearest(name, [...known.map(({ friendlyName }) => friendlyName), ...certificateWords])
  const right = near === undefined ? 'sealpost cert list shows those there are' : `did you mean ${near}?`
  return { path, message: `no certificate "${name}" is in the store; ${right}` }
}
