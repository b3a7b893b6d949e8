import type { X509Certificate } from 'node:crypto'
import { item, items, oidOf } from '../der/decode.ts'
import { signsTls13 } from '../servability.ts'
import { type CertificateFacts, certificateFields, readFacts } from './certificate.ts'
import { isRoot } from './chain.ts'
import { commonName } from './names.ts'
import { signatureHashOf } from './signature-hash.ts'

/** Something about a certificate that makes some clients refuse it. */
interface ClientLimit {
  readonly code: 'small-key' | 'unusual-key' | 'weak-signature' | 'critical-extension'
  /** error: every client refuses it. */
  readonly severity: 'error' | 'warning'
  /** A predicate that names the clients: "is signed with SHA-1: browsers … refuse it". */
  readonly message: string
}

/** Returns what the keys, signatures and extensions of a chain, the certificate first, keep clients from. */
export const clientLimits = (path: readonly X509Certificate[]): ClientLimit[] => [
  ...path.slice(0, 1).flatMap((leaf) => keyLimits(leaf, readFacts(leaf))),
  // The signature of a root proves nothing, and clients do not check it.
  ...path
    .filter((one) => !isRoot(one))
    .flatMap((one, above) => [...signatureLimits(one, above), ...extensionLimits(one, above)]),
]

/** Required by OpenSSL's security level 2, the default of Node.js. */
const minimumBits = { rsa: 2048, dsa: 2048, ec: 224, ed: 0, 'ml-dsa': 0 } as const
/** Below, nearly all clients refuse a key. */
const MOST_REFUSE_BITS = { ...minimumBits, rsa: 1024 } as const

function keyLimits({ publicKey }: X509Certificate, { key, keyBits, keyFamily }: CertificateFacts): ClientLimit[] {
  const minimum = minimumBits[keyFamily]
  if (keyBits < minimum) {
    const clients =
      keyBits < MOST_REFUSE_BITS[keyFamily]
        ? 'browsers, Windows, Apple and Java clients, Go, and OpenSSL at its default level'
        : 'Apple clients and OpenSSL 3.2 and later'
    const message = `has a key of ${keyBits} bits; current TLS policies require at least ${minimum}: ${clients} refuse it`
    return [{ code: 'small-key', severity: 'warning', message }]
  }
  if (signsTls13(publicKey)) return []
  const message = `has a key on the curve ${key}, which TLS 1.3 does not have: browsers, Windows, Apple and Java clients, and Go refuse it`
  return [{ code: 'unusual-key', severity: 'warning', message }]
}

const signatures: Readonly<Record<string, string>> = {
  md5: 'MD5: all current clients refuse it, only those of the 1990s do not',
  sha1: 'SHA-1: browsers, Windows and Apple clients, Go, and OpenSSL 3 at its default level refuse it, Java does not',
}

function signatureLimits(certificate: X509Certificate, above: number): ClientLimit[] {
  const found = signatures[signatureHashOf(certificate.raw) ?? '']
  if (found === undefined) return []
  return [
    {
      code: 'weak-signature',
      severity: 'warning',
      message: `${partOf(certificate, above)} is signed with ${found}`.trim(),
    },
  ]
}

/** The extensions that clients know, below 2.5.29 and 1.3.6.1.5.5.7.1. RFC 5280 section 4.2, RFC 7633, RFC 8737. */
const knownExtensions =
  /^(?:2\.5\.29\.(?:14|15|17|18|19|30|31|32|33|35|36|37|46|54)|1\.3\.6\.1\.5\.5\.7\.1\.(?:1|11|24|31))$/

/** RFC 5280 section 4.2: a client refuses a certificate with a critical extension that it does not know. */
function extensionLimits(certificate: X509Certificate, above: number): ClientLimit[] {
  return certificateFields(certificate.raw).extensions.flatMap((extension) => {
    const id = oidOf(item(extension, 0))
    // Identifier, critical, value. Critical is absent if false.
    if (items(extension).length < 3 || knownExtensions.test(id)) return []
    const message = `${partOf(certificate, above)} has a critical extension that no client knows (${id}): all clients refuse it`
    return [{ code: 'critical-extension', severity: 'error', message: message.trim() } as const]
  })
}

/** The certificate itself is the subject of the message already. */
const partOf = (certificate: X509Certificate, above: number): string =>
  above === 0 ? '' : `was issued by ${commonName(readFacts(certificate).subject)}, which`
