import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Target } from './types.ts'

const EMPTY = Buffer.alloc(0)
const LIMIT_MS = 120_000

const contexts = new Map<string, SecureContext>()
function contextFor(ca: string): SecureContext {
  const known = contexts.get(ca) ?? createSecureContext({ ca })
  contexts.set(ca, known)
  return known
}

/** A client that costs little compared with any server: it sends octets and counts patterns in the answer. */
export class LoadClient {
  readonly #socket: Socket
  /** Octets received since the last `until`. While counting, only the end is kept. */
  #held: Buffer = EMPTY
  #pattern: Buffer = EMPTY
  #left = 0
  #done: (() => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #error: Error | undefined
  /** Ends a wait that takes too long: the server must have sent something else. */
  readonly #limit: NodeJS.Timeout

  constructor(socket: Socket) {
    this.#socket = socket
    this.#limit = setTimeout(() => {
      if (this.#done) this.#fail(new Error(`the server did not say ${this.#pattern}`))
    }, LIMIT_MS).unref()
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** @param localAddress the address of the client. Default: chosen by the system */
  static open({ host, port }: Pick<Target, 'host' | 'port'>, localAddress?: string): Promise<LoadClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new LoadClient(socket))
      })
    })
  }

  send(octets: Buffer | string): void {
    this.#socket.write(octets)
  }

  /** Resolves when `pattern` has arrived `times` times. Octets after it are kept for the next call. */
  until(pattern: string, times = 1): Promise<void> {
    this.#pattern = Buffer.from(pattern, 'latin1')
    this.#left = times
    this.#limit.refresh()
    return new Promise((resolve, reject) => {
      if (this.#error) return reject(this.#error)
      this.#done = resolve
      this.#failed = reject
      const held = this.#held
      this.#held = EMPTY
      this.#count(held)
    })
  }

  /** Sends a command and waits for `pattern`. */
  async ask(octets: Buffer | string, pattern: string, times = 1): Promise<void> {
    const answered = this.until(pattern, times)
    this.send(octets)
    await answered
  }

  /** Makes a TLS handshake. Returns the client that speaks TLS on the same connection. @throws Error if it takes too long */
  async secure(ca: string): Promise<LoadClient> {
    clearTimeout(this.#limit)
    this.#socket.removeAllListeners()
    const secured = connectTls({ socket: this.#socket, secureContext: contextFor(ca), servername: 'localhost' })
    const tooLong = new Error('the server did not finish the TLS handshake')
    const limit = setTimeout(() => secured.destroy(tooLong), LIMIT_MS).unref()
    try {
      await once(secured, 'secureConnect')
    } finally {
      clearTimeout(limit)
    }
    return new LoadClient(secured)
  }

  close(): void {
    clearTimeout(this.#limit)
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    if (this.#done) this.#count(this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk)
    else this.#held = Buffer.concat([this.#held, chunk])
  }

  #count(octets: Buffer): void {
    let from = 0
    for (let at = octets.indexOf(this.#pattern); at !== -1; at = octets.indexOf(this.#pattern, from)) {
      from = at + this.#pattern.length
      if (--this.#left > 0) continue
      this.#held = octets.subarray(from)
      const done = this.#done
      this.#done = undefined
      done?.()
      return
    }
    this.#held = octets.subarray(Math.max(from, octets.length - this.#pattern.length + 1))
  }

  #fail(error: Error): void {
    this.#error ??= error
    if (this.#done) this.#failed?.(this.#error)
    this.#done = undefined
  }
}

/** Runs `work` on `count` connections at the same time and returns the sum of their results. */
export async function onConnections(count: number, work: () => Promise<number>): Promise<number> {
  const done = await Promise.all(Array.from({ length: count }, work))
  return done.reduce((sum, units) => sum + units, 0)
}

/** Opens a connection and logs on by IMAP4. */
export async function logOnByImap(target: Target, user = 'alice'): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await wire.ask(`l LOGIN ${user} secret\r\n`, 'l OK')
  await wire.until('\r\n')
  return wire
}
