import type { Socket } from 'node:net'
import { AddressList } from '../../core/network/address-list.ts'
import { TappedSocket } from '../../core/network/tapped-socket.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { ClientStream, type StreamEnd } from '../../net/client/client-stream.ts'
import { connectTcp } from '../../net/client/connect.ts'
import { alertOf, CERTIFICATE_REQUIRED, explainServer } from './tls/errors.ts'
import { type Endpoint, type LocalConnection, NotTested, VerifyError, type VerifyOptions } from './types.ts'

/** Longest line that is read. A server that sends a longer one does not speak a mail protocol. */
const MAX_LINE_OCTETS = 128 * 1024
/** Longest reply that is read. The list of all newsgroups of Usenet has about 4 MiB. */
export const MAX_REPLY_OCTETS = 8 * 1024 * 1024

/** The connection to an examined server, with what crossed it. */
export class Wire extends ClientStream {
  readonly tap: Tap
  readonly timeoutMs: number
  readonly connection: LocalConnection

  private constructor(tap: Tap, timeoutMs: number, connection: LocalConnection) {
    super(tap, { maxLineOctets: MAX_LINE_OCTETS, timeoutMs, errorOf })
    this.tap = tap
    this.timeoutMs = timeoutMs
    this.connection = connection
  }

  /** Connects. @throws VerifyError if nothing answers */
  static async open(
    { host, port, proxies = [] }: Pick<Endpoint, 'host' | 'port' | 'proxies'>,
    { timeoutMs, signal }: Pick<VerifyOptions, 'timeoutMs' | 'signal'>,
  ): Promise<Wire> {
    signal?.throwIfAborted()
    const socket = await connectTcp({ host, port }, { timeoutMs, signal }).catch((error: NodeJS.ErrnoException) => {
      const late = signal?.aborted ? CANCELLED : `no connection within ${timeoutMs / 1000} s`
      throw new VerifyError(error.name === 'AbortError' ? late : connectFailure(error))
    })
    const tap = new Tap(socket)
    const end = (): void => void tap.destroy(new VerifyError(CANCELLED))
    signal?.addEventListener('abort', end)
    tap.once('close', () => signal?.removeEventListener('abort', end))
    const { localAddress = '', localPort = 0 } = socket
    // This machine counts as a proxy, whose own connections have no other client.
    if (new AddressList(proxies).has(localAddress)) socket.write('PROXY UNKNOWN\r\n')
    return new Wire(tap, timeoutMs, { localAddress, localPort, remotePort: port })
  }

  /** Reads an answer in several parts. Ends the connection if they have not all arrived in time. */
  async answer<T>(read: () => Promise<T>): Promise<T> {
    const { timeoutMs } = this
    const timer = setTimeout(() => this.destroy(errorOf({ kind: 'silent', timeoutMs })), timeoutMs)
    try {
      return await read()
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    this.destroy()
    this.tap.destroy()
  }
}

const CANCELLED = 'the run was cancelled'

function errorOf(end: StreamEnd): Error {
  if (end.kind === 'lost') return explainLoss(end.error)
  if (end.kind === 'silent') return new Silence(`no answer within ${end.timeoutMs / 1000} s`)
  if (end.kind === 'closed') return new VerifyError('the server closes the connection')
  return new VerifyError(`the server sends a line of more than ${end.maxOctets / 1024} KiB`)
}

/** A server of TLS 1.3 demands a certificate only after the client's side of the handshake is done. */
function explainLoss(error: NodeJS.ErrnoException): Error {
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
