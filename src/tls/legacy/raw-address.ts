import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What only a network socket knows, of a raw stream that may be none. */
export class RawAddress {
  readonly #socket: Socket | undefined

  constructor(raw: Duplex) {
    this.#socket = raw instanceof Socket ? raw : undefined
  }

  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket?.remotePort
  }

  get localAddress(): string | undefined {
    return this.#socket?.localAddress
  }

  get localPort(): number | undefined {
    return this.#socket?.localPort
  }

  setTimeout(timeoutMs: number): void {
    this.#socket?.setTimeout(timeoutMs)
  }
}
