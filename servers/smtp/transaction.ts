import { PieceCollector } from '../../src/common/pieces.ts'
import type { Destination } from './recipients.ts'

/** Whom a message is for, as RCPT said it. */
export interface Recipient {
  readonly address: string
  readonly destination: Destination
  /** NOTIFY, in capitals. RFC 3461 section 4.1. */
  readonly notify?: readonly string[]
  /** ORCPT, decoded. RFC 3461 section 4.2. */
  readonly originalRecipient?: string
}

/** A mail transaction, from MAIL to the end of the message. RFC 5321 section 3.3. */
export class Transaction {
  /** Without angle brackets; empty for the null reverse-path. */
  readonly reversePath: string
  readonly smtpUtf8: boolean
  /** ENVID, decoded. RFC 3461 section 4.4. */
  readonly envelopeId: string | undefined
  /** BDAT has begun the message, be it by a chunk of nothing: DATA cannot go on with it. RFC 3030 section 2. */
  inChunks = false
  /** What BDAT has brought of the message so far. */
  readonly chunks = new PieceCollector()
  chunkOctets = 0
  /** By address in lower case: one that is named again replaces the earlier one. */
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
    this.#recipients.set(recipient.address.toLowerCase(), recipient)
  }
}
