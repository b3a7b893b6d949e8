import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import type { Clock } from '../../clock.ts'
import { fileHeader, packet, secrets } from './pcapng.ts'
import { ipPacket, type TcpEndpoint, type TcpFlags } from './tcp.ts'

export interface CaptureOptions {
  readonly file: string
  /** Whether TLS secrets go into the file, so that Wireshark shows the plain protocol. */
  readonly secrets: boolean
  /** A file that would grow beyond it is renamed to FILE.1 (FILE.1 to FILE.2 …) and begun anew. */
  readonly maxOctets: number
  /** Files kept, the current one included. */
  readonly maxFiles: number
  readonly clock: Clock
  /** Called once when the file can no more be written (a full disk): the capture ends, the lab goes on. */
  readonly onError: (error: Error) => void
}

/** What a segment carries at most: one loopback packet. */
const MAX_PAYLOAD = 65_000

/**
 * What the sockets carried, as a pcapng file: each connection as a TCP stream with handshake, acknowledged segments and
 * end, in the form that Wireshark reads. Written at once, so that a file is whole whenever the process ends.
 */
export class Capture {
  readonly #options: CaptureOptions
  readonly #streams = new Set<CapturedStream>()
  #descriptor: number | undefined
  #octets = 0

  /** @throws when the file cannot be made */
  constructor(options: CaptureOptions) {
    this.#options = options
    // Whoever can read the file can read the sessions.
    this.#descriptor = openSync(options.file, 'w', 0o600)
    this.#write(fileHeader('Sealpost'))
  }

  /** A connection that was just accepted. */
  open(client: TcpEndpoint, server: TcpEndpoint): CapturedStream {
    const stream = new CapturedStream(client, server, {
      packet: (ip) => this.#put(packet(ip, this.#options.clock.now())),
      secret: (line) => this.#secret(line),
      closed: () => this.#streams.delete(stream),
    })
    this.#streams.add(stream)
    stream.begin()
    return stream
  }

  get wantsSecrets(): boolean {
    return this.#options.secrets
  }

  close(): void {
    for (const stream of this.#streams) stream.flush()
    this.#end()
  }

  #end(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #secret(line: Buffer): void {
    if (this.#options.secrets) this.#put(secrets(line))
  }

  #put(block: Buffer): void {
    if (this.#descriptor !== undefined && this.#octets + block.length > this.#options.maxOctets) this.#rotate()
    this.#write(block)
  }

  /** The secrets of streams that go on are needed in the new file too. */
  #rotate(): void {
    const { file, maxFiles } = this.#options
    this.#end()
    this.#guarded(() => {
      for (let n = maxFiles - 1; n > 0; n--) {
        const older = n === 1 ? file : `${file}.${n - 1}`
        try {
          renameSync(older, `${file}.${n}`)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
      }
      this.#descriptor = openSync(file, 'w', 0o600)
    })
    this.#octets = 0
    this.#write(fileHeader('Sealpost'))
    for (const stream of this.#streams) for (const line of stream.secrets) this.#write(secrets(line))
  }

  #write(octets: Buffer): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    this.#guarded(() => writeSync(descriptor, octets))
    this.#octets += octets.length
  }

  #guarded(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#end()
      this.#options.onError(error as Error)
    }
  }
}

interface Sink {
  readonly packet: (ip: Buffer) => void
  readonly secret: (line: Buffer) => void
  readonly closed: () => void
}

/** One captured connection: counts what each side sent, so that every segment has its right numbers. */
export class CapturedStream {
  readonly secrets: Buffer[] = []
  readonly #client: TcpEndpoint
  readonly #server: TcpEndpoint
  readonly #sink: Sink
  #clientNext = 1_000
  #serverNext = 2_000
  #closed = false
  readonly #waiting: (() => void)[] = []

  constructor(client: TcpEndpoint, server: TcpEndpoint, sink: Sink) {
    this.#client = client
    this.#server = server
    this.#sink = sink
  }

  /** The three segments of the opening. RFC 9293 section 3.5. */
  begin(): void {
    this.#fromClient({ syn: true })
    this.#clientNext++
    this.#fromServer({ syn: true, ack: true })
    this.#serverNext++
    this.#fromClient({ ack: true })
  }

  /** Octets that the client sent. */
  received(octets: Buffer): void {
    this.#soon(() => this.#received(octets))
  }

  /** Octets that the server sent. */
  sent(octets: Buffer): void {
    this.#soon(() => this.#sent(octets))
  }

  #received(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += MAX_PAYLOAD) {
      const payload = octets.subarray(at, at + MAX_PAYLOAD)
      this.#fromClient({ ack: true, psh: true }, payload)
      this.#clientNext += payload.length
    }
    this.#fromServer({ ack: true })
  }

  #sent(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += MAX_PAYLOAD) {
      const payload = octets.subarray(at, at + MAX_PAYLOAD)
      this.#fromServer({ ack: true, psh: true }, payload)
      this.#serverNext += payload.length
    }
    this.#fromClient({ ack: true })
  }

  /** A line of the NSS key log. */
  secret(line: Buffer): void {
    this.secrets.push(line)
    this.#sink.secret(line)
  }

  /** The connection is over. RFC 9293 section 3.6. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.flush()
    this.#fromServer({ ack: true, fin: true })
    this.#serverNext++
    this.#fromClient({ ack: true, fin: true })
    this.#clientNext++
    this.#fromServer({ ack: true })
    this.#sink.closed()
  }

  /** Writes what still waits. */
  flush(): void {
    for (const write of this.#waiting.splice(0)) write()
  }

  /**
   * Octets wait a turn of the event loop, so that the secrets which they lead to come before them in the file: Wireshark
   * reads it from front to back, and up to TLS 1.2 it must know the secret when it sees the client's ChangeCipherSpec.
   */
  #soon(write: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush())
    this.#waiting.push(write)
  }

  #fromClient(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const { sequence, acknowledgment } = {
      sequence: this.#clientNext,
      acknowledgment: flags.ack ? this.#serverNext : 0,
    }
    this.#sink.packet(ipPacket({ from: this.#client, to: this.#server, sequence, acknowledgment, flags, payload }))
  }

  #fromServer(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const { sequence, acknowledgment } = {
      sequence: this.#serverNext,
      acknowledgment: flags.ack ? this.#clientNext : 0,
    }
    this.#sink.packet(ipPacket({ from: this.#server, to: this.#client, sequence, acknowledgment, flags, payload }))
  }
}

const EMPTY = Buffer.alloc(0)
