import type { Duplex } from 'node:stream'
import { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import type { ClientHelloFacts } from '../../core/sessions/types.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { type ClientHello, MAX_HELLO_OCTETS, parseClientHello, parseSslv2ClientHello } from './client-hello.ts'
import { clientHelloFacts } from './client-hello-facts.ts'
import { MalformedMessage } from './octets.ts'

/** A ClientHello, and what of it is recorded. */
export interface ReceivedHello {
  readonly kind: 'hello'
  readonly hello: ClientHello
  readonly facts: ClientHelloFacts
  /** Whether it is in SSL 2.0 format. */
  readonly sslv2: boolean
}

/** The content of the first octets of a connection; `more` means that the ClientHello is not complete yet. */
type HelloResult =
  | ReceivedHello
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly why: string }
  /** `start`: the first octets, one character per octet. */
  | { readonly kind: 'not-tls'; readonly start: string }

/** The first octets of a client: a ClientHello, one that cannot be read, or something that is not TLS. */
export type FirstOctets = Exclude<HelloResult, { readonly kind: 'more' }>

/** Longest ClientHello with its record headers. Many small records have many headers. */
const MAX_RECEIVED_OCTETS = 160 * 1024
const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const RECORD_HEADER_OCTETS = 5
const MESSAGE_HEADER_OCTETS = 4

/** A ClientHello is held as received and without its record headers, in buffers that double when they are full. */
const COPIES = 4

/** Why no ClientHello arrived: the client closed, sent nothing more in time, or there is no memory for it. */
export interface NoHello {
  readonly kind: 'gone'
  readonly how: 'closed' | 'silent' | 'no memory'
  readonly receivedOctets: number
}

/**
 * Reads the ClientHello from a raw socket and puts it back, so that the handshake still finds it. Leaves the socket paused.
 * @param reserve reserves memory, and returns false if none is left
 */
export function peekClientHello(
  raw: Duplex,
  timeoutMs: number,
  reserve: (octets: number) => boolean = () => true,
): Promise<FirstOctets | NoHello> {
  return new Promise((resolve) => {
    const reader = new ClientHelloReader()
    const done = (first: FirstOctets | NoHello): void => {
      clearTimeout(timer)
      raw.off('data', onData)
      raw.off('end', onGone)
      raw.off('close', onGone)
      raw.pause()
      if (reader.received.length > 0 && first.kind !== 'gone') raw.unshift(reader.received)
      resolve(first)
    }
    const gone = (how: NoHello['how']): void => done({ kind: 'gone', how, receivedOctets: reader.received.length })
    const onGone = (): void => gone('closed')
    const onData = (chunk: Buffer): void => {
      if (!reserve(COPIES * chunk.length)) return gone('no memory')
      const result = reader.add(chunk)
      if (result.kind !== 'more') done(result)
    }
    const timer = setTimeout(() => gone('silent'), timeoutMs)
    raw.on('end', onGone)
    raw.on('close', onGone)
    raw.on('data', onData)
    // The previous reader of the socket left it paused.
    raw.resume()
  })
}

/** Finds and reads a ClientHello in the first octets of a connection, in TLS records or in SSL 2.0 format. */
export function readClientHello(octets: Buffer): HelloResult {
  return new ClientHelloReader().add(octets)
}

/** Reads a ClientHello that arrives in pieces. Reads each octet once, even if the pieces and the TLS records are small. */
class ClientHelloReader {
  readonly #received = new GrowingBuffer()
  /** The content of the records so far. */
  readonly #message = new GrowingBuffer()
  /** Octets of `#received` that are already read. */
  #at = 0
  /** Octets of the current record that are not read yet. */
  #leftInRecord = 0

  get received(): Buffer {
    return this.#received.octets
  }

  add(piece: Buffer): HelloResult {
    this.#received.append(piece)
    const { received } = this
    if (received.length < 3) return { kind: 'more' }
    if (received[0] === HANDSHAKE_RECORD && received[1] === 3) return this.#readRecords(received)
    if (((received[0] as number) & 0x80) !== 0 && received[2] === CLIENT_HELLO) return readSslv2(received)
    return notTls(received)
  }

  #readRecords(received: Buffer): HelloResult {
    for (;;) {
      if (this.#leftInRecord === 0) {
        if (received.length - this.#at < RECORD_HEADER_OCTETS) break
        if (received[this.#at] !== HANDSHAKE_RECORD) return notTls(received)
        this.#leftInRecord = received.readUInt16BE(this.#at + 3)
        this.#at += RECORD_HEADER_OCTETS
      }
      const content = received.subarray(this.#at, this.#at + this.#leftInRecord)
      this.#at += content.length
      this.#leftInRecord -= content.length
      this.#message.append(content)
      const result = readHandshakeMessage(this.#message.octets)
      if (result.kind !== 'more') return result
      if (this.#leftInRecord > 0) break
    }
    return received.length > MAX_RECEIVED_OCTETS ? TOO_LONG : { kind: 'more' }
  }
}

/** How many of the first octets are kept to recognize what is not TLS. */
const START_OCTETS = 32
const notTls = (octets: Buffer): HelloResult => ({
  kind: 'not-tls',
  start: octets.toString('latin1', 0, START_OCTETS),
})
const TOO_LONG: HelloResult = { kind: 'malformed', why: `it is longer than ${MAX_HELLO_OCTETS} octets` }

function readHandshakeMessage(octets: Buffer): HelloResult {
  if (octets.length > 0 && octets[0] !== CLIENT_HELLO) return notTls(octets)
  if (octets.length < MESSAGE_HEADER_OCTETS) return { kind: 'more' }
  const bodyOctets = octets.readUIntBE(1, 3)
  if (bodyOctets > MAX_HELLO_OCTETS) return TOO_LONG
  const end = MESSAGE_HEADER_OCTETS + bodyOctets
  return octets.length < end ? { kind: 'more' } : helloResult(octets.subarray(MESSAGE_HEADER_OCTETS, end), false)
}

function readSslv2(octets: Buffer): HelloResult {
  const end = 2 + (octets.readUInt16BE(0) & 0x7fff)
  return octets.length < end ? { kind: 'more' } : helloResult(octets.subarray(2, end), true)
}

function helloResult(message: Buffer, sslv2: boolean): HelloResult {
  try {
    const hello = sslv2 ? parseSslv2ClientHello(message) : parseClientHello(message)
    return { kind: 'hello', hello, facts: clientHelloFacts(hello, sslv2), sslv2 }
  } catch (error) {
    if (error instanceof MalformedMessage) return { kind: 'malformed', why: error.message }
    throw error
  }
}
