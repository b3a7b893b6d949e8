import { randomBytes } from 'node:crypto'
import { type CipherStream, cipherStream } from '../../../src/tls/legacy/ciphers.ts'
import { keySchedules, type SecurityParameters } from '../../../src/tls/legacy/key-schedule.ts'
import { macOctets, type RecordMac, recordMac } from '../../../src/tls/legacy/mac.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import { bulkCiphers, keyExchanges } from '../../../src/tls/legacy/suites.ts'

export const MAX_PADDING_OCTETS = 255

/** Defects of a record. Each keeps the record's length. */
export const cbcFaults = {
  'the first octet of the MAC': ({ plain, macAt }) => flip(plain, macAt),
  'the last octet of the MAC': ({ plain, paddingAt }) => flip(plain, paddingAt - 1),
  'the first octet of the padding': ({ plain, paddingAt }) => flip(plain, paddingAt),
  'the octet before the length of the padding': ({ plain }) => flip(plain, plain.length - 2),
  /** More than the record has, if it has fewer than 255 octets. */
  'the length of the padding': ({ plain }) => {
    plain[plain.length - 1] = Math.min(MAX_PADDING_OCTETS, plain.length)
  },
  'MAC and padding': ({ plain, macAt, paddingAt }) => {
    flip(plain, macAt)
    flip(plain, paddingAt)
  },
} as const satisfies Readonly<Record<string, (record: Layout) => void>>
export type CbcFault = keyof typeof cbcFaults

/** The plaintext of a record, and where its parts begin. */
interface Layout {
  readonly plain: Buffer
  readonly macAt: number
  readonly paddingAt: number
}

const flip = (plain: Buffer, at: number): void => {
  plain[at] = (plain[at] as number) ^ 1
}

/** A client's CBC protection that chooses the length of the padding and makes faults. RFC 5246 section 6.2.3.2. */
export class CbcWriter {
  readonly blockOctets: number
  readonly #ivOctets: number
  readonly #cipher: CipherStream
  readonly #mac: RecordMac

  /** @param lastBlock the last block on the wire, if the client has sent its Finished message */
  constructor({ version, suite, master, randoms }: SecurityParameters, lastBlock?: Buffer) {
    const schedule = keySchedules[version]
    const cipher = bulkCiphers[suite.cipher]
    const { isExport } = keyExchanges[suite.exchange]
    const [mac, material, iv] = [macOctets[suite.mac], cipher.materialOctets, isExport ? 0 : cipher.blockOctets]
    const block = schedule.keyBlock(master, randoms, 2 * (mac + material + iv))
    const keyMaterial = block.subarray(2 * mac, 2 * mac + material)
    const key = isExport ? schedule.exportKey('client', keyMaterial, randoms, cipher.keyOctets) : keyMaterial
    const ivAt = 2 * (mac + material)
    const firstIv = isExport
      ? schedule.exportIv('client', randoms, cipher.blockOctets)
      : block.subarray(ivAt, ivAt + iv)
    this.blockOctets = cipher.blockOctets
    this.#ivOctets = version === 'TLSv1.1' || version === 'TLSv1.2' ? cipher.blockOctets : 0
    this.#cipher = cipherStream(cipher, key, lastBlock ?? firstIv, 'encrypt')
    this.#mac = recordMac(version, suite.mac, block.subarray(0, mac))
    // Finished had sequence number 0.
    if (lastBlock) this.#mac.next(contentTypes.handshake, Buffer.alloc(0))
  }

  /** Returns a record of application data with as few octets of content as the padding allows, at least one. */
  record(paddingOctets: number, fault?: CbcFault): { content: Buffer; fragment: Buffer } {
    const rest = (this.#mac.octets + paddingOctets + 1) % this.blockOctets
    const content = Buffer.alloc(this.blockOctets - rest, 'x')
    const mac = this.#mac.next(contentTypes.applicationData, content)
    const padding = Buffer.alloc(paddingOctets + 1, paddingOctets)
    const plain = Buffer.concat([content, mac, padding])
    if (fault) cbcFaults[fault]({ plain, macAt: content.length, paddingAt: content.length + mac.length })
    const fragment = this.#cipher.update(Buffer.concat([randomBytes(this.#ivOctets), plain]))
    return { content, fragment }
  }
}
