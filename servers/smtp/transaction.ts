import { PieceCollector } from '../../src/common/pieces.ts'
import type { Recipient } from '../../src/delivery/types.ts'

/** A mail transaction, from MAIL to the end of the message. RFC 5321 section 3.3. */
export class Transaction {
  /** The sender's address without angle brackets. Empty for the null reverse-path. */
  readonly reversePath: string
  readonly smtpUtf8: boolean
  /** ENVID, decoded. RFC 3461 section 4.4. */
  readonly envelopeId: string | undefined
  /** True after the first BDAT, even an empty one. DATA is not allowed then. RFC 3030 section 2. */
  inChunks = false
  /** The message so far, from BDAT. */
  readonly chunks = new PieceCollector()
  chunkOctets = 0
  /** Keyed by address in lower case. A repeated recipient replaces the earlier one, but keeps its account. */
  readonly #recipients = new Map<string, Recipient>()

  constructor(reversePath: string, smtpUtf8: boolean, envelopeId: string | undefined) {
    this.reversePath = reversePath
    this.smtpUtf8 = smtpUtf8
    this.envelopeId = envelopeId
  }

  get recipients(): readonly Recipient[] {
    return [...this.#recipients.values()]
  }

  get recipientCount(): number {
    return this.#recipients.size
  }

  has(address: string): boolean {
    return this.#recipients.has(address.toLowerCase())
  }

  add(recipient: Recipient): void {
    const key = recipient.address.toLowerCase()
    const { destination } = this.#recipients.get(key) ?? recipient
    this.#recipients.set(key, { ...recipient, destination })
  }
}
