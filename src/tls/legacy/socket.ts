import { Duplex } from 'node:stream'
import { MalformedMessage } from '../negotiation/octets.ts'
import { LegacyTlsError } from './alerts.ts'
import { type HandshakeResult, serverHandshake } from './handshake.ts'
import { handshakeTypes } from './messages.ts'
import type { LegacySessionCache, LegacyTlsOptions } from './options.ts'
import { contentTypes } from './record.ts'
import { type RecordContent, RecordTransport } from './transport.ts'

/** Renegotiation requests that are answered before the connection is closed. */
const MAX_RENEGOTIATIONS = 3

/**
 * Performs the server's side of a handshake, from SSL 3.0 to TLS 1.2, on a raw socket. Sets no time limit: the caller destroys
 * the raw socket to end the handshake.
 * @throws LegacyTlsError after its alert was sent and the raw socket was closed
 */
export async function acceptLegacy(raw: Duplex, options: LegacyTlsOptions): Promise<LegacyTlsSocket> {
  const transport = new RecordTransport(raw)
  try {
    const result = await serverHandshake(transport, options)
    return new LegacyTlsSocket(transport, result, options.sessionCache)
  } catch (error) {
    const failure = error instanceof MalformedMessage ? new LegacyTlsError('decode_error', error.message) : error
    await transport.fail(failure)
    throw failure
  }
}

/** A connection under SSL 3.0 to TLS 1.2 after its handshake: a stream of the decrypted octets. */
export class LegacyTlsSocket extends Duplex {
  /** The result of the handshake. */
  readonly negotiated: HandshakeResult
  readonly #transport: RecordTransport
  readonly #sessions: LegacySessionCache
  #failure: Error | undefined
  #renegotiations = 0
  #wanted = false
  #readEnded = false

  constructor(transport: RecordTransport, negotiated: HandshakeResult, sessions: LegacySessionCache) {
    super({ allowHalfOpen: true, decodeStrings: true })
    this.negotiated = negotiated
    this.#transport = transport
    this.#sessions = sessions
    transport.onInput = () => this.#pump()
    transport.raw.once('close', () => this.#onRawClose())
    transport.raw.on('error', (error) => this.destroy(error))
  }

  override _read(): void {
    this.#wanted = true
    this.#pump()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) done()
    else this.#transport.write(contentTypes.applicationData, chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    const { raw } = this.#transport
    this.#transport.writeAlert('warning', 'close_notify')
    if (raw.writable) raw.end(() => done())
    else done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#transport.onInput = () => {}
    this.#transport.raw.destroy()
    done(error)
  }

  /** Pushes received content while the reader wants more. */
  #pump(): void {
    while (this.#wanted && !this.#readEnded) {
      const record = this.#take()
      if (record === 'closed' || (record === undefined && this.#transport.ended)) return this.#endReading()
      if (record === undefined) return
      if (record.content.length > 0) this.#wanted = this.push(record.content)
    }
  }

  /** Returns the next record of application data; nothing after a failure. */
  #take(): RecordContent | 'closed' | undefined {
    try {
      for (;;) {
        const record = this.#transport.take()
        if (record === undefined || record === 'closed') return record
        if (record.contentType === contentTypes.applicationData) return record
        this.#refuseRenegotiation(record)
      }
    } catch (error) {
      this.#fail(error as Error)
      return undefined
    }
  }

  #endReading(): void {
    if (this.#readEnded) return
    this.#readEnded = true
    this.push(null)
  }

  /** Refuses to renegotiate: with a warning in TLS 1.0, fatally in SSL 3.0, which has no such warning. RFC 5746 section 4.4. */
  #refuseRenegotiation({ contentType, content }: RecordContent): void {
    const isRequest = contentType === contentTypes.handshake && content[0] === handshakeTypes.clientHello
    if (!isRequest)
      throw new LegacyTlsError('unexpected_message', `a record of type ${contentType} after the handshake`)
    if (this.negotiated.version === 'SSLv3' || ++this.#renegotiations > MAX_RENEGOTIATIONS) {
      throw new LegacyTlsError('handshake_failure', 'the client asks for renegotiation')
    }
    this.#transport.writeAlert('warning', 'no_renegotiation')
    this.emit('renegotiation')
  }

  #fail(error: Error): void {
    // RFC 2246 section 7.2.2: a session that ended in a fatal alert must not be resumed.
    this.#sessions.remove(this.negotiated.sessionId)
    this.#readEnded = true
    this.#failure = error
    void this.#transport.fail(error)
  }

  #onRawClose(): void {
    // After an orderly close by both sides, received content can still be read.
    if (this.#transport.raw.readableEnded && this.writableFinished) this.#pump()
    else this.destroy(this.#failure)
  }
}
