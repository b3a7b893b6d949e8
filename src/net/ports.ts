import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { SocketAddress } from '../core/network/ip-address.ts'
import { listenFailure } from '../core/network/listen.ts'
import type { Blackhole } from './blackhole.ts'

/** The two ports of a virtual server: `port` starts in clear text, `tlsPort` with a TLS handshake. */
const portKinds = ['port', 'tlsPort'] as const
export type PortKind = (typeof portKinds)[number]

/** The settings that decide which ports are open. */
interface PortSettings {
  readonly name: string
  readonly address: string
  /** 0: any free port, which is then kept. */
  readonly port: number | 'off'
  readonly tlsPort: number | 'off'
  /** Absent: no certificate is assigned, and the TLS port stays closed. */
  readonly tls?: object
  /** Neither the ports nor their connections keep the process running. Default: they do. */
  readonly isBackground?: boolean
}

/** A port that cannot be opened. The message states the port, the reason and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

interface PortEvents {
  readonly onSocket: (socket: Socket, local: SocketAddress, kind: PortKind) => void
  /** Reports that a connection could not be accepted, for example for lack of file descriptors. */
  readonly onError: (error: Error) => void
}

/** The open ports of one virtual server. */
export class Ports {
  readonly #events: PortEvents
  readonly #open: Partial<Record<PortKind, Listener>> = {}
  /** The numbers of the ports that were open before `suspend`. */
  #suspended: Readonly<Record<PortKind, number | undefined>> | undefined
  #blackholes: readonly Blackhole[] = []
  #settings: PortSettings | undefined

  constructor(events: PortEvents) {
    this.#events = events
  }

  /** Returns the port that is listened on, or that was before `suspend`; undefined while it is closed. */
  number(kind: PortKind): number | undefined {
    return this.#suspended ? this.#suspended[kind] : this.#open[kind]?.port
  }

  /** Whether `suspend` or `blackhole` keeps clients away. */
  get isSuspended(): boolean {
    return this.#suspended !== undefined
  }

  /**
   * Opens the ports that settings require and are not open yet. Suspended ports stay closed until `resume`.
   * @throws ListenError; nothing has changed then
   */
  async open(settings: PortSettings): Promise<void> {
    if (this.#suspended) this.#settings = settings
    else await this.#listen(settings)
  }

  /** Closes the ports for a while: connections are refused. They keep their numbers. */
  async suspend(): Promise<void> {
    await this.#fillBlackholes()
    this.#suspended ??= { port: this.#open.port?.port, tlsPort: this.#open.tlsPort?.port }
    for (const kind of portKinds) this.#close(kind)
  }

  /** Closes the ports so that connections are neither accepted nor refused. @throws if the system cannot do it */
  async blackhole(): Promise<void> {
    await this.suspend()
    const { Blackhole } = await import('./blackhole.ts')
    for (const kind of portKinds) {
      const port = this.#suspended?.[kind]
      if (port !== undefined) this.#blackholes = [...this.#blackholes, await Blackhole.open(this.#address, port)]
    }
  }

  /** Opens the ports again after `suspend` or `blackhole`. @throws ListenError; they stay closed then */
  async resume(): Promise<void> {
    const suspended = this.#suspended
    const settings = this.#settings
    if (!suspended || !settings) return
    await this.#fillBlackholes()
    const chosen = (kind: PortKind): number | 'off' => (settings[kind] === 0 ? (suspended[kind] ?? 0) : settings[kind])
    await this.#listen({ ...settings, port: chosen('port'), tlsPort: chosen('tlsPort') })
    this.#settings = settings
    this.#suspended = undefined
  }

  get #address(): string {
    return this.#settings?.address ?? ''
  }

  async #fillBlackholes(): Promise<void> {
    const blackholes = this.#blackholes
    this.#blackholes = []
    await Promise.all(blackholes.map((blackhole) => blackhole.close()))
  }

  async #listen(settings: PortSettings): Promise<void> {
    const opened: Partial<Record<PortKind, Listener>> = {}
    try {
      for (const kind of portKinds) {
        const port = settings[kind]
        if (port === 'off' || !isWanted(kind, settings) || this.#isOpen(kind, settings)) continue
        opened[kind] = await Listener.open(settings, port, kind, this.#events)
      }
    } catch (error) {
      for (const listener of Object.values(opened)) listener.close()
      throw error
    }
    for (const kind of portKinds) {
      if (!opened[kind]) continue
      this.#close(kind)
      this.#open[kind] = opened[kind]
    }
    this.#settings = settings
  }

  /** Closes the ports that the settings switch off. */
  closeUnwanted(settings: PortSettings): void {
    for (const kind of portKinds) if (!isWanted(kind, settings)) this.#close(kind)
  }

  /** Closes every port that the settings switch off or move, so that another virtual server can open it. */
  vacate(settings: PortSettings): void {
    for (const kind of portKinds) if (!isWanted(kind, settings) || !this.#isOpen(kind, settings)) this.#close(kind)
  }

  async closeAll(): Promise<void> {
    for (const kind of portKinds) this.#close(kind)
    await this.#fillBlackholes()
  }

  #isOpen(kind: PortKind, settings: PortSettings): boolean {
    const listener = this.#open[kind]
    if (!listener || listener.address !== settings.address) return false
    return settings[kind] === listener.port || (settings[kind] === 0 && this.#settings?.[kind] === 0)
  }

  #close(kind: PortKind): void {
    this.#open[kind]?.close()
    delete this.#open[kind]
  }
}

const isWanted = (kind: PortKind, settings: PortSettings): boolean =>
  settings[kind] !== 'off' && (kind === 'port' || settings.tls !== undefined)

/** One address and port that is listened on. */
class Listener {
  readonly #server: Server
  readonly address: string
  /** The port in use: if 0 was requested, the one that the system chose. */
  readonly port: number

  private constructor(server: Server, address: string, port: number) {
    this.#server = server
    this.address = address
    this.port = port
  }

  /** Starts to listen on a port. @throws ListenError */
  static open(settings: PortSettings, port: number, kind: PortKind, events: PortEvents): Promise<Listener> {
    const { name, address, isBackground = false } = settings
    return new Promise((resolve, reject) => {
      // Half-open: a client that closes its side after its commands still receives the replies.
      const server = createServer({ allowHalfOpen: true, noDelay: true })
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new ListenError(`${name}: ${listenFailure(address, port, error)}`, { cause: error }))
      })
      server.listen({ host: address, port, backlog: 1024 }, () => {
        server.removeAllListeners('error')
        server.on('error', events.onError)
        const bound = server.address() as AddressInfo
        if (isBackground) server.unref()
        server.on('connection', (socket: Socket) => {
          if (isBackground) socket.unref()
          events.onSocket(socket, localAddress(socket, bound), kind)
        })
        resolve(new Listener(server, address, bound.port))
      })
    })
  }

  /** Accepts no more connections; open ones continue. */
  close(): void {
    this.#server.close()
  }
}

const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::']

/** Returns the address a client connected to. Asks the system only where the server listens on all addresses. */
function localAddress(socket: Socket, { address, port }: AddressInfo): SocketAddress {
  return { address: ANY_ADDRESS.includes(address) ? (socket.localAddress ?? '') : address, port }
}
