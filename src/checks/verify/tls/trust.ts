import { X509Certificate } from 'node:crypto'
import { shortenAddresses } from '../../../core/network/ip-address.ts'
import { splitPem } from '../../../tls/pki/system-roots.ts'

/** A chain built from a server's certificates. */
export interface CertificatePath {
  /** The server's certificate first. */
  readonly certificates: readonly X509Certificate[]
  /** The trusted root at its end, if any. */
  readonly root: X509Certificate | undefined
}

/** Follows issuers from the server's certificate to a trusted root. Does not check dates. RFC 5280 section 6.1. */
export function followChain(sent: readonly X509Certificate[], roots: readonly X509Certificate[]): CertificatePath {
  const [leaf] = sent
  const certificates: X509Certificate[] = leaf ? [leaf] : []
  for (let last = leaf; last; ) {
    const current: X509Certificate = last
    const same = roots.find((root) => root.raw.equals(current.raw))
    if (same) return { certificates, root: same }
    const root = roots.find((candidate) => issued(current, candidate))
    if (root) return { certificates, root }
    const next = sent.find((candidate) => !certificates.includes(candidate) && issued(current, candidate))
    if (next) certificates.push(next)
    last = next
  }
  return { certificates, root: undefined }
}

export const issued = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.issuer === issuer.subject && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

export const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

/** Roots by their list: all endpoints of a run have the same one. */
const parsed = new WeakMap<readonly string[], X509Certificate[]>()

/** Parses roots once, each text one or several in PEM, and skips malformed ones. */
export function parseRoots(pems: readonly string[]): X509Certificate[] {
  const roots = parsed.get(pems) ?? wellFormedCertificates(pems.flatMap(splitPem))
  parsed.set(pems, roots)
  return roots
}

/** Parses certificates in DER or PEM, and skips malformed ones. */
export function wellFormedCertificates(encoded: readonly (Buffer | string)[]): X509Certificate[] {
  return encoded.flatMap((each) => {
    try {
      return [new X509Certificate(each)]
    } catch {
      return []
    }
  })
}

/** Returns a certificate's common name, else its whole subject, else its first alternative name. */
export function titleOf({ subject, subjectAltName }: X509Certificate): string {
  // Node.js returns undefined for an empty subject.
  const name = subjectAltName?.split(', ')[0]?.replace(/^[^:]+:/, '')
  return (
    shortName(subject || undefined) ?? (name === undefined ? 'a certificate without a name' : shortenAddresses(name))
  )
}

/** Returns the name of a certificate's issuer. */
export const issuerOf = ({ issuer }: X509Certificate): string =>
  shortName(issuer || undefined) ?? 'an authority without a name'

function shortName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : (/^CN=(.*)$/m.exec(name)?.[1] ?? name.replaceAll('\n', ', '))
}
