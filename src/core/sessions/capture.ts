import { closeSync, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { fileError } from '../files/file-errors.ts'
import type { SocketAddress } from '../network/ip-address.ts'
import type { Clock } from '../time/clock.ts'
import { CapturedConnection } from './captured-connection.ts'
import { fileHeader, packetBlock, secretsBlock } from './pcapng.ts'

export interface CaptureOptions {
  readonly file: string
  /** Whether to write TLS secrets, so that Wireshark can decrypt the sessions. */
  readonly secrets: boolean
  /** A file that would grow larger is renamed to FILE.1 (FILE.1 to FILE.2 …), and a new one is started. */
  readonly maxOctets: number
  /** Files kept, including the current one. */
  readonly maxFiles: number
  readonly clock: Clock
  /** Receives the error when the file can no longer be written (full disk). The capture ends, the lab continues. */
  readonly onError: (error: Error) => void
}

/** Records the octets of connections. */
export interface TrafficRecorder {
  /** Starts the recording of a connection that was just accepted. @param session the id of its session */
  open(client: SocketAddress, server: SocketAddress, session: string): CapturedConnection
}

/**
 * A pcapng file of the octets on a lab's sockets, for Wireshark. Each connection appears as a TCP stream with handshake,
 * acknowledged segments and end. Writes are synchronous, so that no packet is lost when the process ends.
 */
export class Capture implements TrafficRecorder {
  readonly #options: CaptureOptions
  readonly #open = new Set<CapturedConnection>()
  #descriptor: number | undefined
  #octets = 0

  /** Creates the file. @throws when it cannot be created */
  constructor(options: CaptureOptions) {
    this.#options = options
    this.#descriptor = openPrivate(options.file)
    this.#write(fileHeader('Sealpost'))
  }

  /** Starts the capture of a connection that was just accepted. */
  open(client: SocketAddress, server: SocketAddress): CapturedConnection {
    const connection = new CapturedConnection(client, server, {
      packet: (ip) => this.#put(packetBlock(ip, this.#options.clock.now())),
      secret: (line) => this.#secret(line),
      closed: () => this.#open.delete(connection),
    })
    this.#open.add(connection)
    connection.begin()
    return connection
  }

  close(): void {
    for (const connection of this.#open) connection.flush()
    this.#end()
  }

  #end(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #secret(line: Buffer): void {
    if (this.#options.secrets) this.#put(secretsBlock(line))
  }

  #put(block: Buffer): void {
    if (this.#descriptor !== undefined && this.#octets + block.length > this.#options.maxOctets) this.#rotate()
    this.#write(block)
  }

  /** Starts a new file, with the secrets of open connections. */
  #rotate(): void {
    const { file, maxFiles } = this.#options
    this.#end()
    this.#guard(() => {
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
    for (const connection of this.#open) for (const line of connection.secrets) this.#write(secretsBlock(line))
  }

  #write(octets: Buffer): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    this.#guard(() => writeSync(descriptor, octets))
    this.#octets += octets.length
  }

  #guard(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#end()
      this.#options.onError(error as Error)
    }
  }
}

/** Opens a file that only its owner can read, because it shows whole sessions. Changes the mode of an existing file. */
function openPrivate(file: string): number {
  try {
    const descriptor = openSync(file, 'w', 0o600)
    if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600)
    return descriptor
  } catch (error) {
    throw fileError(error, `the capture ${file}`, 'written')
  }
}
