import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { listen, listenFailure } from '../../../core/network/listen.ts'
import { performance } from '../../../core/time/real-timers.ts'
import { frameForTcp } from '../remote.ts'
import type { QuerySource } from './respond.ts'

/** Returns the messages of a response; empty if the server does not answer. */
type Respond = (query: Buffer, source: QuerySource) => Promise<readonly Buffer[]>

interface DnsServerOptions {
  readonly address: string
  /** 0 takes a free port. */
  readonly port: number
  /** It does not keep the process running. */
  readonly isBackground: boolean
  readonly respond: Respond
  /** Reports an error that no client causes. */
  readonly onError: (error: Error) => void
}

/** A port on which DNS cannot be served. */
class DnsListenError extends Error {
  override readonly name = 'DnsListenError'
}

const MAX_CONNECTIONS = 200
/** RFC 7766 section 6.2.3 */
const IDLE_MS = 10_000
/** Queries that wait for an answer, such as by the defect `slow`. */
const MAX_WAITING = 1000
/** Answers by UDP in a second. Beyond it, queries are dropped, so that the server cannot be used to flood others. */
const MAX_UDP_PER_SECOND = 20_000
/** How often a free port is tried that must be free for TCP and UDP. */
const FREE_PORT_ATTEMPTS = 10

/** Serves DNS on one port, by UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly #options: DnsServerOptions
  readonly #tcp: Server
  readonly #udp: UdpSocket
  readonly #connections = new Set<Socket>()
  readonly port: number
  #waiting = 0
  #second = 0
  #answered = 0

  private constructor(options: DnsServerOptions, tcp: Server, udp: UdpSocket) {
    this.#options = options
    this.#tcp = tcp
    this.#udp = udp
    this.port = (tcp.address() as AddressInfo).port
    tcp.maxConnections = MAX_CONNECTIONS
    tcp.on('connection', (socket) => this.#accept(socket))
    udp.on('message', (query, remote) => this.#answer(query, remote.port, remote.address))
    udp.on('error', options.onError)
    if (!options.isBackground) return
    tcp.unref()
    udp.unref()
  }

  /** Opens the port. @throws DnsListenError */
  static async open(options: DnsServerOptions): Promise<DnsServer> {
    const { address, port } = options
    for (let attempt = 1; ; attempt++) {
      const tcp = createServer()
      const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
      try {
        await listen(tcp, { host: address, port }, options.onError)
        udp.bind((tcp.address() as AddressInfo).port, address)
        await once(udp, 'listening')
        return new DnsServer(options, tcp, udp)
      } catch (cause) {
        tcp.close()
        udp.close()
        const { code } = cause as NodeJS.ErrnoException
        if (port === 0 && code === 'EADDRINUSE' && attempt < FREE_PORT_ATTEMPTS) continue
        const why = listenFailure(address, port, cause as NodeJS.ErrnoException)
        throw new DnsListenError(`DNS: ${why}`, { cause })
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    const closed = [once(this.#tcp, 'close'), once(this.#udp, 'close')]
    this.#tcp.close()
    this.#udp.close()
    await Promise.all(closed)
  }

  #answer(query: Buffer, port: number, address: string): void {
    if (!this.#mayAnswer()) return
    void this.#respond(query, { protocol: 'udp', address }).then(([response]) => {
      if (!response) return
      try {
        this.#udp.send(response, port, address, () => {})
      } catch {
        // The server has been stopped while the answer was waiting.
      }
    })
  }

  #mayAnswer(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) this.#answered = 0
    this.#second = second
    this.#answered += 1
    return this.#answered <= MAX_UDP_PER_SECOND
  }

  async #respond(query: Buffer, source: QuerySource): Promise<readonly Buffer[]> {
    if (this.#waiting >= MAX_WAITING) return []
    this.#waiting += 1
    try {
      return await this.#options.respond(query, source)
    } catch (error) {
      this.#options.onError(error as Error)
      return []
    } finally {
      this.#waiting -= 1
    }
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket)
    if (this.#options.isBackground) socket.unref()
    const address = socket.remoteAddress ?? ''
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => this.#connections.delete(socket))
    void this.#serve(socket, address).catch(() => socket.destroy())
  }

  /** Answers the queries of a connection in their order. Does not read on before a client takes its responses. */
  async #serve(socket: Socket, address: string): Promise<void> {
    const closed = new AbortController()
    socket.on('close', () => closed.abort())
    let received: Buffer = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      // RFC 1035 section 4.2.2
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const query = received.subarray(2, end)
        received = received.subarray(end)
        for (const response of await this.#respond(query, { protocol: 'tcp', address })) {
          if (!socket.write(frameForTcp(response))) await once(socket, 'drain', { signal: closed.signal })
        }
      }
    }
    socket.end()
  }
}
