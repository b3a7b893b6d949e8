import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { nameOctets } from '../names.ts'
import { dataOctets } from '../zone-text/record-types.ts'

/** ECDSA Curve P-256 with SHA-256. RFC 6605 section 2. */
export const ALGORITHM = 13
/** A key for zones that is also a trust anchor: Zone Key and SEP. RFC 4034 section 2.1.1. */
const FLAGS = 257
/** SHA-256. RFC 4509. */
const DIGEST_TYPE = 2

interface DnskeyData {
  readonly flags: number
  readonly algorithm: number
  readonly key: Buffer
}

interface DsData {
  readonly keyTag: number
  readonly algorithm: number
  readonly digestType: number
  readonly digest: Buffer
}

/** The key that signs every zone of a lab: the only key of each (a combined signing key). */
export class ZoneKey {
  readonly dnskey: DnskeyData
  readonly keyTag: number
  readonly #private: KeyObject

  /** @param pem the private key, PKCS#8 */
  constructor(pem: string) {
    this.#private = createPrivateKey(pem)
    const { x = '', y = '' } = this.#private.export({ format: 'jwk' })
    // RFC 6605 section 4
    const key = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
    this.dnskey = { flags: FLAGS, algorithm: ALGORITHM, key }
    this.keyTag = keyTagOf(dnskeyOctets(this.dnskey))
  }

  /** Returns a new private key in PEM. */
  static generate(): string {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }

  /** Returns the delegation signer of a zone. RFC 4034 section 5.1.4. */
  ds(zone: string): DsData {
    const owner = nameOctets(zone)
    const digest = createHash('sha256').update(owner).update(dnskeyOctets(this.dnskey)).digest()
    return { keyTag: this.keyTag, algorithm: ALGORITHM, digestType: DIGEST_TYPE, digest }
  }

  /** Signs octets. The signature is r and s, 32 octets each (RFC 6605 section 4). */
  sign(octets: Buffer): Buffer {
    return sign('sha256', octets, { key: this.#private, dsaEncoding: 'ieee-p1363' })
  }
}

const dnskeyOctets = (data: DnskeyData): Buffer => dataOctets('DNSKEY', data)

/** RFC 4034 appendix B. */
function keyTagOf(octets: Buffer): number {
  const sum = octets.reduce((total, octet, index) => total + (index % 2 === 0 ? octet << 8 : octet), 0)
  return (sum + (sum >> 16)) & 0xffff
}
