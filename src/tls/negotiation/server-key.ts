import type { X509Certificate } from 'node:crypto'

/** The key of a certificate, as far as it decides what can be negotiated. */
export interface ServerKey {
  /** As in a suite's name, up to TLS 1.2. EdDSA keys work with ECDSA suites (RFC 8422 section 5.1). */
  readonly authentication: 'RSA' | 'ECDSA' | undefined
  /** Whether the client can encrypt to it, which suites without Diffie-Hellman need. */
  readonly encrypts: boolean
  /** The key's curve as a code point of supported_groups; undefined for keys without one there. */
  readonly curve?: number | undefined
  /** The signature algorithms that it can make, in TLS 1.2 and in TLS 1.3. RFC 8446 section 4.2.3. */
  readonly signs12: readonly number[]
  readonly signs13: readonly number[]
}

const rsaPkcs1 = [0x0201, 0x0301, 0x0401, 0x0501, 0x0601]
const rsaPss = [0x0804, 0x0805, 0x0806]
const rsaPssOfPssKey = [0x0809, 0x080a, 0x080b]
const ecdsa = [0x0203, 0x0303, 0x0403, 0x0503, 0x0603]
const mlDsa: Readonly<Record<string, number>> = { 'ml-dsa-44': 0x0904, 'ml-dsa-65': 0x0905, 'ml-dsa-87': 0x0906 }

/** Curves by OpenSSL's name: the group, and the one signature algorithm that TLS 1.3 allows. RFC 8446 section 4.2.3. */
const curves: Readonly<Record<string, { group: number; signs13: readonly number[] }>> = {
  prime256v1: { group: 0x0017, signs13: [0x0403] },
  secp384r1: { group: 0x0018, signs13: [0x0503] },
  secp521r1: { group: 0x0019, signs13: [0x0603] },
  secp256k1: { group: 0x0016, signs13: [] },
}

/** Returns the key of a certificate. */
export function serverKey({ publicKey }: X509Certificate): ServerKey {
  const type = publicKey.asymmetricKeyType as string
  const curve = curves[publicKey.asymmetricKeyDetails?.namedCurve ?? '']
  const byType: Readonly<Record<string, ServerKey>> = {
    rsa: { authentication: 'RSA', encrypts: true, signs12: [...rsaPkcs1, ...rsaPss], signs13: rsaPss },
    'rsa-pss': { authentication: 'RSA', encrypts: false, signs12: rsaPssOfPssKey, signs13: rsaPssOfPssKey },
    ec: {
      authentication: 'ECDSA',
      encrypts: false,
      curve: curve?.group,
      signs12: ecdsa,
      signs13: curve?.signs13 ?? [],
    },
    ed25519: { authentication: 'ECDSA', encrypts: false, signs12: [0x0807], signs13: [0x0807] },
    ed448: { authentication: 'ECDSA', encrypts: false, signs12: [0x0808], signs13: [0x0808] },
  }
  const mlDsaAlgorithm = mlDsa[type]
  const unknown = mlDsaAlgorithm === undefined ? [] : [mlDsaAlgorithm]
  return byType[type] ?? { authentication: undefined, encrypts: false, signs12: [], signs13: unknown }
}
