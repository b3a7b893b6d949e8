import { type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls'
import { supportsGroup } from '../../core/config/openssl.ts'
import { memoizeText } from '../../core/values/memoize-text.ts'
import { certificatePem } from './certificate/certificate.ts'
import { isRoot } from './certificate/chain.ts'
import { PkiError } from './errors.ts'
import { describeKey, privateKeyPem } from './keys.ts'
import type { InstalledCertificate, ServerNeeds } from './types.ts'

/** How a server uses a certificate: the settings that it needs, or why no server can use it with this Node.js. */
interface Servability {
  readonly needs?: ServerNeeds
  readonly unservable?: string
}

type Material = Pick<InstalledCertificate, 'certificatePem' | 'chainPem' | 'privateKeyPem'>

const judged = new WeakMap<InstalledCertificate, InstalledCertificate>()

/** Returns a certificate with how servers can use it. Examines it at the first call only. */
export function judge(installed: InstalledCertificate): InstalledCertificate {
  const found = judged.get(installed) ?? { ...installed, ...servability(installed) }
  judged.set(installed, found)
  return found
}

/** The results by the PEM texts: each reading of the store makes new objects of the same certificates. */
const remembered = memoizeText<Servability>(100)

/** Returns how OpenSSL serves a certificate. Examines the same certificate, chain and key once. */
export const servability = (material: Material): Servability =>
  remembered([material.certificatePem, ...material.chainPem, material.privateKeyPem].join('\n'), () =>
    examine(material),
  )

/** Finds out how OpenSSL serves a certificate, by building a context. It depends on the version of Node.js. */
function examine(material: Material): Servability {
  const { publicKey } = new X509Certificate(material.certificatePem)
  const unservable = keyProblem(publicKey)
  if (unservable !== undefined) return { unservable }
  const certificate: SecureContextOptions = {
    key: material.privateKeyPem,
    cert: [material.certificatePem, ...material.chainPem].join('\n'),
  }
  const needs: ServerNeeds = signsTls13(publicKey) ? {} : { maxVersion: 'TLSv1.2' }
  if (contextProblem(certificate) === undefined) return needs.maxVersion ? { needs } : {}
  const problem = contextProblem({ ...certificate, ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` })
  return problem === undefined ? { needs: { ...needs, securityLevel: 0 } } : { unservable: problem }
}

/** Returns why OpenSSL builds no context with these options; undefined if it does. */
export function contextProblem(options: SecureContextOptions): string | undefined {
  try {
    createSecureContext(options)
    return undefined
  } catch (error) {
    const { message, reason = message } = error as Error & { readonly reason?: string }
    return `OpenSSL ${process.versions.openssl} refuses it: ${reason.replace(/^error:[0-9A-F]+:.*:/, '')}`
  }
}

/** Keys that sign handshakes. RFC 8446 section 4.2.3; ML-DSA: draft-ietf-tls-mldsa */
const signingKeys = ['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87']

/** The least bits of an RSA key for RSASSA-PSS with SHA-256: two hashes and two octets. RFC 8017 section 9.1.1 */
const PSS_BITS = 8 * (2 * 32 + 2)

/** Returns why no handshake can use a key. OpenSSL builds contexts with such keys, and then refuses every client. */
function keyProblem(key: KeyObject): string | undefined {
  const type: string = key.asymmetricKeyType ?? 'unknown'
  const { namedCurve, modulusLength = PSS_BITS } = key.asymmetricKeyDetails ?? {}
  if (type === 'dsa') return 'DSA keys need suites that Node.js does not have (DHE-DSS)'
  if (!signingKeys.includes(type)) return `TLS has no signatures with keys of type ${type}`
  if (type === 'rsa-pss' && modulusLength < PSS_BITS)
    return `an RSA-PSS key of ${modulusLength} bits is too short to sign`
  // OpenSSL has more curves than TLS has groups. RFC 8422 section 5.1.1
  const isGroup = namedCurve === undefined || supportsGroup(namedCurve)
  return isGroup ? undefined : `TLS has no group for the curve ${describeKey(key).title}`
}

/** The curves of ECDSA in TLS 1.3. RFC 8446 section 4.2.3 */
const tls13Curves = ['prime256v1', 'secp384r1', 'secp521r1']

/** Returns whether a key can sign in TLS 1.3. Other keys work up to TLS 1.2. */
export function signsTls13(key: KeyObject): boolean {
  const { namedCurve, modulusLength = PSS_BITS } = key.asymmetricKeyDetails ?? {}
  return modulusLength >= PSS_BITS && (namedCurve === undefined || tls13Curves.includes(namedCurve))
}

/** Refuses a certificate that no server can use. @throws PkiError `refused` */
export function refuseUnservable(
  [leaf, ...chain]: readonly [X509Certificate, ...X509Certificate[]],
  key: KeyObject,
): void {
  const chainPem = chain.filter((one) => !isRoot(one)).map(certificatePem)
  const material = { certificatePem: certificatePem(leaf), chainPem, privateKeyPem: privateKeyPem(key) }
  refuse(servability(material).unservable)
}

/** Refuses a key whose certificates no server could use. @throws PkiError `refused` */
export const refuseUnservableKey = (key: KeyObject): void => refuse(keyProblem(key))

function refuse(why: string | undefined): void {
  if (why !== undefined) throw new PkiError('refused', `no server can use this certificate: ${why}`)
}
