import { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import {
  type ClientHello,
  MAX_HELLO_OCTETS,
  parseClientHello,
  parseSslv2ClientHello,
} from '../negotiation/client-hello.ts'
import { LegacyTlsError } from './alerts.ts'
import { handshakeTypes } from './messages.ts'
import { contentTypes } from './record.ts'
import type { RecordContent, RecordTransport } from './transport.ts'

const HEADER_OCTETS = 4
/** Longest message that is accepted after the ClientHello. Real clients' messages are shorter. */
const MAX_MESSAGE_OCTETS = 32 * 1024

/** Reads and sends the messages of one handshake in order. Keeps all of them, because Finished covers them. RFC 2246 section 7.4. */
export class HandshakeFlow {
  readonly transcript: Buffer[] = []
  /** Accepts a ChangeCipherSpec message in place of a handshake message: a defect. */
  onEarlyChangeCipherSpec: (() => void) | undefined
  readonly #transport: RecordTransport
  #received = new GrowingBuffer()

  constructor(transport: RecordTransport) {
    this.#transport = transport
  }

  /** Reads the ClientHello, in a TLS record or in SSL 2.0 format. @throws LegacyTlsError, MalformedMessage */
  async clientHello(): Promise<ClientHello> {
    const { reader } = this.#transport
    while (!reader.isFormatKnown) await this.#moreInput()
    if (!reader.startsAsSslv2) return parseClientHello(await this.message(handshakeTypes.clientHello))
    for (;;) {
      const message = reader.takeSslv2Hello()
      if (!message) {
        await this.#moreInput()
        continue
      }
      // RFC 2246 appendix E.1: Finished covers it without its two octets of length.
      this.transcript.push(message)
      return parseSslv2ClientHello(message)
    }
  }

  /** Returns the body of the next message, which must be of the given type. @throws LegacyTlsError */
  async message(type: number): Promise<Buffer> {
    for (;;) {
      const held = this.#received.octets
      const octets = held.length < HEADER_OCTETS ? 0 : held.readUIntBE(1, 3) + HEADER_OCTETS
      if (octets > (type === handshakeTypes.clientHello ? MAX_HELLO_OCTETS + HEADER_OCTETS : MAX_MESSAGE_OCTETS))
        throw new LegacyTlsError('illegal_parameter', `a message of ${octets} octets`)
      if (held.length > 0 && held[0] !== type) {
        throw new LegacyTlsError('unexpected_message', `handshake message ${held[0]} instead of ${type}`)
      }
      if (octets > 0 && held.length >= octets) {
        const message = held.subarray(0, octets)
        this.#received = new GrowingBuffer(held.subarray(octets))
        this.transcript.push(message)
        return message.subarray(HEADER_OCTETS)
      }
      const { content } = await this.#record(contentTypes.handshake)
      this.#received.append(content)
    }
  }

  /** Reads the ChangeCipherSpec message. @throws LegacyTlsError */
  async changeCipherSpec(): Promise<void> {
    // A message that begins under one protection must not end under another.
    this.expectNothingHeld()
    const { content } = await this.#record(contentTypes.changeCipherSpec)
    if (content.length !== 1 || content[0] !== 1) {
      // RFC 8446 section 5: any other value is answered with this alert. TLS 1.0 names none.
      throw new LegacyTlsError('unexpected_message', 'a malformed ChangeCipherSpec message')
    }
  }

  /** Checks that no octets follow the last message. @throws LegacyTlsError */
  expectNothingHeld(): void {
    if (this.#received.length > 0) throw new LegacyTlsError('unexpected_message', 'an unexpected handshake message')
  }

  /** Sends messages, each in a separate record, as servers of that time did. */
  send(...messages: readonly Buffer[]): void {
    this.#transport.raw.cork()
    for (const message of messages) {
      this.transcript.push(message)
      this.#transport.write(contentTypes.handshake, message)
    }
    this.#transport.raw.uncork()
  }

  async #record(contentType: number): Promise<RecordContent> {
    for (;;) {
      const record = this.#transport.take()
      if (record === 'closed') {
        throw new LegacyTlsError(undefined, 'the client closed the connection during the handshake', 0)
      }
      if (record) {
        if (record.contentType === contentType) return record
        if (record.contentType === contentTypes.changeCipherSpec && this.onEarlyChangeCipherSpec) {
          this.onEarlyChangeCipherSpec()
          continue
        }
        throw new LegacyTlsError('unexpected_message', `a record of type ${record.contentType} in the handshake`)
      }
      await this.#moreInput()
    }
  }

  #moreInput(): Promise<void> {
    const transport = this.#transport
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        transport.onInput = () => {}
        if (transport.ended)
          reject(new LegacyTlsError(undefined, 'the client closed the connection during the handshake'))
        else resolve()
      }
      if (transport.ended) settle()
      else transport.onInput = settle
    })
  }
}
