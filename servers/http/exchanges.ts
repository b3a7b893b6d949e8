import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connection } from '../../src/net/connection.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Requests of one connection that wait for the answer to the one before them. */
const MAX_PIPELINED = 64

/**
 * The requests of one connection, answered one after the other: Node.js would start all pipelined requests together,
 * whatever their methods, and a client could have thousands in progress. RFC 9112 section 9.3.2.
 */
export class Exchanges {
  readonly #connection: Connection
  readonly #listener: Listener
  readonly #waiting: [IncomingMessage, ServerResponse][] = []
  #current: ServerResponse | undefined
  #isLast = false

  constructor(connection: Connection, listener: Listener) {
    this.#connection = connection
    this.#listener = listener
  }

  /** Whether no request is in progress. */
  get isIdle(): boolean {
    return this.#current === undefined
  }

  /** Whether an answer that the parser causes reaches the client as the answer to its latest request. */
  get isSilent(): boolean {
    return this.#current === undefined || !(this.#current.headersSent || this.#waiting.length > 0)
  }

  /** Ends the connection after the answers to the requests that have arrived. RFC 9112 section 9.6. */
  finish(): void {
    this.#isLast = true
    if (!this.#current) return this.#connection.end()
    // The last answer says so, unless its header has been sent.
    const last = this.#waiting.at(-1)?.[1] ?? this.#current
    last.shouldKeepAlive = false
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#current) return this.#run(request, response)
    if (this.#waiting.push([request, response]) <= MAX_PIPELINED) return
    this.#connection.record.refused(`the client sent more than ${MAX_PIPELINED} requests without waiting for an answer`)
    this.#waiting.length = 0
    this.#connection.destroy()
  }

  #run(request: IncomingMessage, response: ServerResponse): void {
    this.#current = response
    response.once('close', () => {
      this.#current = undefined
      const next = this.#waiting.shift()
      if (next) this.#run(...next)
      else if (this.#isLast) this.#connection.end()
    })
    this.#listener(request, response)
  }
}
