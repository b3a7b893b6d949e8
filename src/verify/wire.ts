import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { AddressList } from '../common/address-list.ts'
import { TappedSocket } from '../common/tapped-socket.ts'
import { alertOf, CERTIFICATE_REQUIRED, explainServer } from './tls/errors.ts'
import { type Endpoint, type LocalConnection, NotTested, VerifyError, type VerifyOptions } from './types.ts'

/** Most octets held. A server that sends more at once or without a line end does not speak a mail protocol. */
const MAX_HELD_OCTETS = 16 * 1024 * 1024

/** The client's end of a connection: reads lines or octets, writes text, and starts TLS. */
export class Wire {
  readonly tap: Tap
  readonly timeoutMs: number
  readonly connection: LocalConnection
  #stream: Duplex
  #held: Buffer = Buffer.alloc(0)
  #end: Error | undefined
  #wake: () => void = () => {}

  private constructor(tap: Tap, timeoutMs: number, connection: LocalConnection) {
    this.tap = tap
    this.timeoutMs = timeoutMs
    this.connection = connection
    this.#stream = tap
    this.#listen()
  }

  /** Connects. @throws VerifyError if nothing answers */
  static async open(
    { host, port, proxies = [] }: Pick<Endpoint, 'host' | 'port' | 'proxies'>,
    { timeoutMs, signal }: Pick<VerifyOptions, 'timeoutMs' | 'signal'>,
  ): Promise<Wire> {
    signal?.throwIfAborted()
    const socket = connect({ host, port, noDelay: true })
    const tap = new Tap(socket)
    const end = (): void => void tap.destroy(new VerifyError('the run was cancelled'))
    signal?.addEventListener('abort', end)
    socket.once('close', () => signal?.removeEventListener('abort', end))
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer)
        tap.destroy()
        reject(new VerifyError(why))
      }
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs / 1000} s`), timeoutMs)
      tap.once('error', (error: NodeJS.ErrnoException) => fail(connectFailure(error)))
      socket.once('connect', () => {
        clearTimeout(timer)
        // This machine counts as a proxy, whose own connections have no other client.
        if (new AddressList(proxies).has(socket.localAddress ?? '')) socket.write('PROXY UNKNOWN\r\n')
        resolve()
      })
    })
    const { localAddress = '', localPort = 0 } = socket
    return new Wire(tap, timeoutMs, { localAddress, localPort, remotePort: port })
  }

  /** Reads a line, without its line end. @throws VerifyError on a timeout or at the end of the connection */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(0x0a)
      if (end !== -1) {
        const line = this.#held.subarray(0, end)
        this.#held = this.#held.subarray(end + 1)
        return line.toString('utf8').replace(/\r$/, '')
      }
      await this.#more()
    }
  }

  /** Returns the octets received so far, or waits for the next ones. @throws Silence VerifyError */
  async octets(timeoutMs = this.timeoutMs): Promise<Buffer> {
    while (this.#held.length === 0) await this.#more(timeoutMs)
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }

  write(data: string | Buffer): void {
    if (!this.#stream.destroyed) this.#stream.write(data)
  }

  /** Does the client's handshake. Discards clear text received behind the STARTTLS reply. @throws what `secure` throws */
  async startTls(secure: (raw: Duplex) => Promise<TLSSocket>): Promise<TLSSocket> {
    this.#stream.removeAllListeners('data')
    this.#stream.pause()
    this.#held = Buffer.alloc(0)
    const socket = await secure(this.#stream)
    this.#stream = socket
    this.#listen()
    return socket
  }

  /** Closes the direction to the server. Its answers can still be read. */
  endWriting(): void {
    this.#stream.end()
  }

  close(): void {
    this.#stream.destroy()
    this.tap.destroy()
  }

  #listen(): void {
    this.#stream.on('data', (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
      if (this.#held.length > MAX_HELD_OCTETS)
        this.#ended(new VerifyError('the server sends more than the limit of 16 MiB'))
      this.#wake()
    })
    this.#stream.on('error', (error) => this.#ended(lost(error)))
    for (const event of ['end', 'close']) {
      this.#stream.on(event, () => this.#ended(new VerifyError('the server closes the connection')))
    }
  }

  #ended(error: Error): void {
    this.#end ??= error
    this.#wake()
  }

  #more(timeoutMs = this.timeoutMs): Promise<void> {
    if (this.#end) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = () => {}
        reject(new Silence(`no answer within ${timeoutMs / 1000} s`))
      }, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = () => {}
        resolve()
      }
    })
  }
}

/** A server of TLS 1.3 demands a certificate only after the client's side of the handshake is done. */
function lost(error: NodeJS.ErrnoException): Error {
  const words = error.code === 'ECONNRESET' ? 'the server resets it (ECONNRESET)' : explainServer(error)
  return alertOf(error) === CERTIFICATE_REQUIRED ? new NotTested(words) : new VerifyError(`connection lost: ${words}`)
}

/** The server sent nothing for as long as the client waits. */
export class Silence extends VerifyError {}

function connectFailure({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'connection refused: nothing listens on this port'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name does not resolve to an address'
  return message || (code ?? 'no connection')
}

/** Octets kept of both directions together: more than any probe exchanges. */
const MAX_KEPT_OCTETS = 4 * 1024 * 1024

/** A socket that keeps what crossed the wire, in both directions, for later inspection. */
export class Tap extends TappedSocket {
  readonly received: Buffer[]
  readonly sent: Buffer[]
  readonly #octets: () => number

  constructor(socket: Socket) {
    const received: Buffer[] = []
    const sent: Buffer[] = []
    let octets = 0
    const keep = (side: Buffer[], chunk: Buffer): void => {
      octets += chunk.length
      if (octets <= MAX_KEPT_OCTETS) side.push(chunk)
    }
    super(socket, [{ received: (chunk) => keep(received, chunk), sent: (chunk) => keep(sent, chunk), close: () => {} }])
    this.received = received
    this.sent = sent
    this.#octets = () => octets
  }

  /** Octets that crossed the wire, kept or not. */
  get octets(): number {
    return this.#octets()
  }

  /** Returns whether a text crossed the wire in readable form. */
  saw(text: string): boolean {
    return [this.received, this.sent].some((side) => Buffer.concat(side).includes(text))
  }
}
