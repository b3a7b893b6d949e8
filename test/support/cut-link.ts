import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A TCP proxy on loopback that tests cut: between a node and its database, or a client and a node.
 * - `refuse` resets every connection and accepts none, as a host that is down
 * - `swallow` keeps connections and accepts more, but passes nothing, as a network that loses every packet
 */
export class CutLink implements AsyncDisposable {
  readonly #server: Server
  readonly #target: () => number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #state: 'whole' | 'refuse' | 'swallow' = 'whole'

  private constructor(target: () => number) {
    this.#target = target
    // Half-open connections pass as such.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket))
  }

  /** @param target the port that it leads to; a function if that changes */
  static async open(target: number | (() => number)): Promise<CutLink> {
    const link = new CutLink(typeof target === 'number' ? () => target : target)
    await once(link.#server.listen(0, '127.0.0.1'), 'listening')
    return link
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#pairs.size
  }

  cut(how: 'refuse' | 'swallow' = 'refuse'): void {
    this.#state = how
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (how === 'refuse') socket.resetAndDestroy()
        else socket.unpipe().pause()
      }
    }
  }

  /** Passes everything again, also what open connections sent meanwhile. */
  mend(): void {
    this.#state = 'whole'
    for (const pair of this.#pairs) this.#join(pair)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await once(this.#server.close(), 'close')
  }

  #accept(socket: Socket): void {
    if (this.#state === 'refuse') {
      socket.on('error', () => {}).resetAndDestroy()
      return
    }
    const pair = [socket, connect({ host: '127.0.0.1', port: this.#target(), allowHalfOpen: true })] as const
    this.#pairs.add(pair)
    for (const one of pair) {
      one.setNoDelay(true)
      one.on('error', () => {})
      one.on('close', () => {
        this.#pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    if (this.#state === 'whole') this.#join(pair)
  }

  #join([client, target]: readonly [Socket, Socket]): void {
    client.pipe(target)
    target.pipe(client)
  }
}
