import { Duplex } from 'node:stream'
import { LegacyTlsError } from './alerts.ts'
import type { HandshakeResult } from './handshake.ts'
import { handshakeTypes } from './messages.ts'
import { RawAddress } from './raw-address.ts'
import { contentTypes } from './record.ts'
import type { LegacySessionCache } from './session-cache.ts'
import type { LegacySuite } from './suites.ts'
import type { RecordContent, RecordTransport } from './transport.ts'

/** Attempts to renegotiate that are answered before the connection is closed. */
const MAX_RENEGOTIATIONS = 3

/** A connection under SSL 3.0 or TLS 1.0, with what sessions ask of a `TLSSocket`. */
export class LegacyTlsSocket extends Duplex {
  readonly encrypted = true
  /** No client certificate is asked for. */
  readonly authorized = false
  readonly alpnProtocol = false
  readonly servername: string | false
  readonly #transport: RecordTransport
  readonly #result: HandshakeResult
  readonly #sessions: LegacySessionCache
  readonly #address: RawAddress
  #failure: Error | undefined
  #renegotiations = 0
  #wanted = false
  #readEnded = false

  constructor(transport: RecordTransport, result: HandshakeResult, sessions: LegacySessionCache) {
    super({ allowHalfOpen: true, decodeStrings: true })
    this.#transport = transport
    this.#result = result
    this.#sessions = sessions
    this.#address = new RawAddress(transport.raw)
    this.servername = result.serverName ?? false
    transport.onInput = () => this.#pump()
    transport.raw.once('close', () => this.#onRawClose())
    transport.raw.on('error', (error) => this.destroy(error))
    transport.raw.on('timeout', () => this.emit('timeout'))
  }

  getCipher(): { name: string; standardName: string; version: string } {
    return { name: this.#result.suite.opensslName, standardName: this.#result.suite.name, version: 'SSLv3' }
  }

  getProtocol(): string {
    return this.#result.version
  }

  get suite(): LegacySuite {
    return this.#result.suite
  }

  isSessionReused(): boolean {
    return this.#result.resumed
  }

  getPeerCertificate(): Record<string, never> {
    return {}
  }

  get remoteAddress(): string | undefined {
    return this.#address.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#address.remotePort
  }

  get localAddress(): string | undefined {
    return this.#address.localAddress
  }

  get localPort(): number | undefined {
    return this.#address.localPort
  }

  setTimeout(timeoutMs: number, listener?: () => void): this {
    if (listener) this.once('timeout', listener)
    this.#address.setTimeout(timeoutMs)
    return this
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

  /** Hands on what has come, as long as it is wanted. */
  #pump(): void {
    while (this.#wanted && !this.#readEnded) {
      const record = this.#take()
      if (record === 'closed' || (record === undefined && this.#transport.ended)) return this.#endReading()
      if (record === undefined) return
      if (record.content.length > 0) this.#wanted = this.push(record.content)
    }
  }

  /** The next record of application data; after a failure none comes. */
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

  /** The client wants to renegotiate, which is refused: by a warning where the version has one. RFC 5746 section 4.4. */
  #refuseRenegotiation({ contentType, content }: RecordContent): void {
    const asks = contentType === contentTypes.handshake && content[0] === handshakeTypes.clientHello
    if (!asks) throw new LegacyTlsError('unexpected_message', `a record of type ${contentType} after the handshake`)
    if (this.#result.version === 'SSLv3' || ++this.#renegotiations > MAX_RENEGOTIATIONS) {
      throw new LegacyTlsError('handshake_failure', 'the client asks for renegotiation')
    }
    this.#transport.writeAlert('warning', 'no_renegotiation')
  }

  #fail(error: Error): void {
    // RFC 2246 section 7.2.2: a session that ended so is not to be resumed.
    this.#sessions.remove(this.#result.sessionId)
    this.#readEnded = true
    this.#failure = error
    void this.#transport.fail(error)
  }

  #onRawClose(): void {
    // Both sides have closed in order: what has come may still be read.
    if (this.#transport.raw.readableEnded && this.writableFinished) this.#pump()
    else this.destroy(this.#failure)
  }
}
