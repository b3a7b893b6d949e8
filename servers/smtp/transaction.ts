import type { MemoryReservation } from '../../src/core/octets/memory-budget.ts'
import type { ReceivedOctets } from '../../src/core/octets/received-octets.ts'
import type { Recipient } from '../../src/transport/delivery/types.ts'
import { LineEnds } from './line-ends.ts'

/** A mail transaction, from MAIL to the end of the message. RFC 5321 section 3.3. */
export class Transaction {
  /** The sender's address without angle brackets. Empty for the null reverse-path. */
  readonly reversePath: string
  readonly smtpUtf8: boolean
  /** ENVID, decoded. RFC 3461 section 4.4. */
  readonly envelopeId: string | undefined
  /** RFC 3461 section 4.3. */
  readonly ret: 'FULL' | 'HDRS' | undefined
  /** Whether every host on the way must use verified TLS. RFC 8689. */
  readonly requireTls: boolean
  /** The message so far, from BDAT. Undefined before the first BDAT. */
  chunks: ReceivedOctets | undefined
  /** SIZE of MAIL; 0 if the client did not announce it. RFC 1870 section 6.1. */
  readonly announcedOctets: number
  /** BODY, unless it is 7BIT. RFC 6152, RFC 3030. */
  readonly body: '8BITMIME' | 'BINARYMIME' | undefined
  /** LMTP: the recipients of all accepted RCPT commands, repeated ones too. */
  readonly accepted: string[] = []
  /** The line ends of the message. */
  readonly lineEnds = new LineEnds()
  readonly #memory: MemoryReservation
  /** In the order of RCPT. A repeated recipient replaces the earlier one, but keeps its account. */
  readonly #recipients: Recipient[] = []
  /** Index of each recipient by its address in lower case, once there can be two. */
  #indexes: Map<string, number> | undefined

  /** @param memory counts the recipients */
  constructor(
    reversePath: string,
    smtpUtf8: boolean,
    envelopeId: string | undefined,
    memory: MemoryReservation,
    announcedOctets = 0,
    body?: '8BITMIME' | 'BINARYMIME',
    ret?: 'FULL' | 'HDRS',
    requireTls = false,
  ) {
    this.requireTls = requireTls
    this.ret = ret
    this.body = body
    this.announcedOctets = announcedOctets
    this.reversePath = reversePath
    this.smtpUtf8 = smtpUtf8
    this.envelopeId = envelopeId
    this.#memory = memory
  }

  /** True after the first BDAT, even an empty one. DATA is not allowed then. RFC 3030 section 2. */
  get inChunks(): boolean {
    return this.chunks !== undefined
  }

  /** Whether the message is not made of lines. RFC 3030 section 3. */
  get isBinary(): boolean {
    return this.body === 'BINARYMIME'
  }

  /** Returns the list of the recipients, in the order of RCPT. Later ones are added to it. */
  recipients(): readonly Recipient[] {
    return this.#recipients
  }

  get recipientCount(): number {
    return this.#recipients.length
  }

  has(address: string): boolean {
    return this.#indexOf(address) !== undefined
  }

  /** Adds a recipient. @throws MemoryLimitReached */
  add(recipient: Recipient): void {
    const index = this.#indexOf(recipient.address)
    const known = index === undefined ? undefined : this.#recipients[index]
    this.#memory.grow(memoryOf(recipient) - (known ? memoryOf(known) : 0))
    if (index !== undefined && known) {
      const { destination, onDemand } = known
      this.#recipients[index] = { ...recipient, destination, onDemand }
      return
    }
    this.#indexes?.set(recipient.address.toLowerCase(), this.#recipients.length)
    this.#recipients.push(recipient)
  }

  #indexOf(address: string): number | undefined {
    const [first] = this.#recipients
    if (!first) return undefined
    this.#indexes ??= new Map([[first.address.toLowerCase(), 0]])
    return this.#indexes.get(address.toLowerCase())
  }

  /** Releases the memory of the recipients, and what has arrived of the message. */
  close(): void {
    this.chunks?.[Symbol.dispose]()
    this.#memory.release()
  }
}

/** Memory of a recipient besides its texts. */
const RECIPIENT_OCTETS = 400

/** Returns about how much memory a recipient takes. Its address can be kept twice. */
const memoryOf = ({ address, originalRecipient = '' }: Recipient): number =>
  RECIPIENT_OCTETS + 2 * address.length + originalRecipient.length
