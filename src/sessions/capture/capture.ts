import { closeSync, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import type { Clock } from '../../common/clock.ts'
import { fileHeader, packet, secrets } from './pcapng.ts'
import { CapturedStream } from './stream.ts'
import type { TcpEndpoint } from './tcp.ts'

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
    this.#descriptor = openPrivate(options.file)
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
      this.#descriptor = openPrivate(file)
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

/** Whoever can read the file can read the sessions: it is its owner's alone, whatever it was before. */
function openPrivate(file: string): number {
  const descriptor = openSync(file, 'w', 0o600)
  if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600)
  return descriptor
}
