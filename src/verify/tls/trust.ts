import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import tls from 'node:tls'
import { shortenAddresses } from '../../common/ip-address.ts'

/** Where systems keep the roots they trust; the first that is there. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
] as const

/** The roots that are trusted where none are given: the system's and those of Node.js. */
export function systemRoots(): string[] {
  const file = SYSTEM_FILES.find((name) => existsSync(name))
  const own = file ? splitPem(readFileSync(file, 'utf8')) : []
  return [...new Set([...own, ...tls.rootCertificates.map((pem) => pem.trim())])]
}

/** A chain as a client follows it. */
export interface Path {
  /** The server's certificate first. */
  readonly certificates: readonly X509Certificate[]
  /** The trusted root it ends in. */
  readonly root: X509Certificate | undefined
}

/** Follows issuers upward, first through what the server sent, to a trusted root. Dates are not its matter. RFC 5280 section 6.1. */
export function followChain(sent: readonly X509Certificate[], roots: readonly X509Certificate[]): Path {
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

/** Roots parsed once; what cannot be read is no root. */
export function parseRoots(pems: readonly string[]): X509Certificate[] {
  return pems.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)]
    } catch {
      return []
    }
  })
}

/** What a certificate is called: its common name, else its whole subject, else what it is issued to. */
export function titleOf({ subject, subjectAltName }: X509Certificate): string {
  // An empty subject is undefined in Node.js.
  const name = subjectAltName?.split(', ')[0]?.replace(/^[^:]+:/, '')
  return shortName(subject || undefined) ?? (name === undefined ? 'nameless' : shortenAddresses(name))
}

/** What the issuer of a certificate is called. */
export const issuerOf = ({ issuer }: X509Certificate): string =>
  shortName(issuer || undefined) ?? 'a nameless authority'

function shortName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : (/^CN=(.*)$/m.exec(name)?.[1] ?? name.replaceAll('\n', ', '))
}

/** The certificates of a PEM file, each by itself. */
export function splitPem(text: string): string[] {
  return text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
}
