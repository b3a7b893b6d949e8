import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { SocketAddress } from '../core/network/ip-address.ts'
import { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'
import type { ServedTls } from '../tls/negotiation/routing.ts'
import { type AcceptedSocket, isPortCheck, OWNER_ADDRESS, sessionStart } from './accepted-socket.ts'
import { type ArrivedClient, arrive, connect, type Secure } from './arrived-client.ts'
import { ClientAddresses } from './client-addresses.ts'
import type { Connection } from './connection.ts'
import { ConnectionEnded, HandshakeFailure } from './errors.ts'
import { FailedLogons } from './failed-logons.ts'
import { faultsBeforeHandshake } from './faults/handshake-faults.ts'
import { type PortKind, Ports } from './ports.ts'
import type { Announcement, Proxies } from './proxy-protocol/proxies.ts'
import type { ServedClient } from './served-client.ts'
import { TlsAcceptor } from './tls-acceptor.ts'
import type { LimitedBy, TlsSettings, VirtualServerSettings } from './virtual-server-settings.ts'

/** Whether clients reach a virtual server: its ports can refuse connections, or swallow them without an answer. */
export type Reach = 'open' | 'refused' | 'blackholed'

/** How sessions end: without a word (`close`), with a TCP reset, or with the farewell of their protocol. */
export type Disconnection = 'close' | 'reset' | 'farewell'

/** About what a connection takes: its socket, its TLS state and its session. */
const CONNECTION_OCTETS = 64 * 1024

/** How long sessions may take to send their farewell when the lab stops. */
const STOP_MS = 3_000

/** The limit that refuses a client. */
interface Refusal {
  readonly limited: LimitedBy
  /** Undefined: the record has it. */
  readonly why?: string
}

/** One virtual server: its ports, its certificate, its connections. */
export class VirtualServer {
  readonly #log: Logger
  readonly #sessions: SessionLog
  /** Open connections, and how each is reset. */
  readonly #connections = new Map<Connection, () => void>()
  /** Everything that has been accepted and has not ended. */
  readonly #served = new Set<Promise<void>>()
  /** Sockets whose PROXY header or handshake is in progress. */
  readonly #handshakes = new Set<Duplex>()
  readonly #ports: Ports
  readonly #addresses = new ClientAddresses()
  readonly #failedLogons: FailedLogons
  readonly #intake: Intake
  #settings: VirtualServerSettings
  #acceptor: TlsAcceptor | undefined
  #isDraining = false

  /**
   * @param failedLogons shared by the virtual servers of a lab
   * @param intake shared by them, too. Default: without a limit
   */
  constructor(
    settings: VirtualServerSettings,
    sessions: SessionLog,
    log: Logger,
    failedLogons: FailedLogons = new FailedLogons(),
    intake: Intake = new Intake(),
  ) {
    this.#failedLogons = failedLogons
    this.#intake = intake
    this.#settings = settings
    this.#sessions = sessions
    this.#log = log
    this.#ports = new Ports({
      onSocket: (socket, local, kind) => this.#follow(this.#accept(socket, local, kind)),
      onError: (err) => log.error({ server: this.#settings.name, err }, 'a connection could not be accepted'),
    })
    if (settings.tls) this.#acceptor = new TlsAcceptor(settings.tls)
  }

  get settings(): VirtualServerSettings {
    return this.#settings
  }

  /** The port that is listened on; undefined while it is closed. */
  get port(): number | undefined {
    return this.#ports.number('port')
  }

  /** Whether clients reach its ports. */
  get isReachable(): boolean {
    return !this.#ports.isSuspended
  }

  get tlsPort(): number | undefined {
    return this.#ports.number('tlsPort')
  }

  /** Opens the ports. @throws ListenError; no port is open then */
  async start(): Promise<void> {
    await this.#ports.open(this.#settings)
  }

  /**
   * Applies new settings to new connections, and opens and closes ports accordingly.
   * @throws ListenError, or the error of an unusable certificate; the old settings stay in force then
   */
  async update(settings: VirtualServerSettings): Promise<void> {
    const acceptor = settings.tls ? new TlsAcceptor(settings.tls) : undefined
    await this.#ports.open(settings)
    this.#acceptor = acceptor
    this.#settings = settings
    this.#ports.closeUnwanted(settings)
  }

  /** Closes the ports that new settings switch off or move, before `update` opens the new ones. */
  vacate(settings: VirtualServerSettings): void {
    this.#ports.vacate(settings)
  }

  /** Changes only certificate and policy. */
  async setTls(tls: TlsSettings | undefined): Promise<void> {
    const { tls: _, ...rest } = this.#settings
    await this.update(tls ? { ...rest, tls } : rest)
  }

  /** Closes the ports, lets every session send its farewell, and closes the remaining connections after a few seconds. */
  async stop(): Promise<void> {
    const closed = this.#ports.closeAll()
    await this.#endSessions()
    await closed
  }

  /**
   * Closes the ports, and lets every session finish what it does. Resolves when all have ended, or at the signal.
   * @returns how many sessions are left; `stop` ends them
   */
  async drain(signal: AbortSignal): Promise<number> {
    this.#isDraining = true
    await this.#ports.closeAll()
    for (const connection of this.#connections.keys()) connection.finish()
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    while (this.#served.size > 0 && !signal.aborted) await Promise.race([aborted, Promise.all(this.#served)])
    return this.#served.size
  }

  /** Ends every session as `stop` does, and opens the same ports again, with new TLS session keys. @throws ListenError */
  async restart(): Promise<void> {
    await this.#ports.suspend()
    await this.#endSessions()
    const { tls } = this.#settings
    this.#acceptor = tls && new TlsAcceptor(tls)
    await this.#ports.resume()
  }

  /** Lets clients reach the ports or not. Open connections continue. @throws ListenError; Error if it is not possible here */
  async reach(reach: Reach): Promise<void> {
    if (reach === 'refused') await this.#ports.suspend()
    else if (reach === 'blackholed') await this.#ports.blackhole()
    else await this.#ports.resume()
  }

  /**
   * Serves the owner of the lab over a socket that is not one of the ports. The limits for single clients do not apply, and
   * the owner needs no TLS and no log-on.
   * @param owner what the session record says about who it is
   */
  serveOwner(socket: Socket, owner: string): void {
    const accepted = { socket, owner, kind: 'port', remote: OWNER_ADDRESS, local: OWNER_ADDRESS } as const
    this.#follow(this.#serveClient(accepted, this.#settings))
  }

  /** Ends the sessions with these ids, and returns how many were open. Resolves once they have ended. */
  async disconnect(ids: ReadonlySet<string>, how: Disconnection, asking?: string): Promise<number> {
    const open = [...this.#connections].filter(([{ record }]) => ids.has(record.id))
    for (const [connection, reset] of open) {
      connection.record.note(`disconnected by the lab (${how})`)
      if (how === 'reset') reset()
      if (how !== 'farewell') connection.destroy('server closed')
    }
    if (how === 'farewell')
      await this.#sayFarewell(
        open.map(([connection]) => connection),
        asking,
      )
    else await Promise.all(open.map(([connection]) => connection.closed))
    return open.length
  }

  async #endSessions(): Promise<void> {
    for (const socket of this.#handshakes) socket.destroy()
    await this.#sayFarewell([...this.#connections.keys()])
  }

  /** @param asking the id of the session that asks for it. Its answer would never come if it were waited for */
  async #sayFarewell(open: readonly Connection[], asking?: string): Promise<void> {
    for (const connection of open) connection.stop()
    const ending = open.filter(({ record }) => record.id !== asking)
    const deadline = setTimeout(() => {
      for (const connection of ending) connection.destroy('stopping')
    }, STOP_MS)
    await Promise.all(ending.map((connection) => connection.closed))
    clearTimeout(deadline)
  }

  #follow(served: Promise<void>): void {
    this.#served.add(served)
    void served.then(() => this.#served.delete(served))
  }

  /** Serves a socket from its first octet to its last. Never rejects. */
  #accept(socket: Socket, local: SocketAddress, kind: PortKind): Promise<void> {
    const { remoteAddress: address = '', remotePort: port = 0 } = socket
    const accepted = { socket, local, kind, remote: { address, port } }
    const settings = this.#settings
    const { proxies } = settings
    if (!proxies) return this.#serveClient(accepted, settings)
    // A health check of a proxy that has already reset its connection: whose it was is not known any more.
    if (address === '') {
      socket.destroy()
      return Promise.resolve()
    }
    return proxies.has(address) ? this.#acceptProxy(accepted, settings, proxies) : this.#serveClient(accepted, settings)
  }

  /** Serves the client that a proxy announces, or the proxy itself. */
  async #acceptProxy(accepted: AcceptedSocket, settings: VirtualServerSettings, proxies: Proxies): Promise<void> {
    const { socket, remote: proxy } = accepted
    const { maxConnections } = settings
    const isFull = maxConnections !== 'off' && this.#handshakes.size >= maxConnections
    this.#handshakes.add(socket)
    const announced = isFull
      ? tooManyHeaders(maxConnections)
      : await proxies.announcement(socket, accepted.kind === 'tlsPort')
    this.#handshakes.delete(socket)
    if (announced.kind === 'header') {
      const { header } = announced
      const client = header.source ? { remote: header.source, proxy } : {}
      return this.#serveClient({ ...accepted, ...client, header }, settings)
    }
    socket.destroy()
    // A health check that only connects would displace the sessions of clients.
    if (announced.kind === 'closed') return
    const record = this.#sessions.open(sessionStart(accepted, settings))
    record.refused(announced.why)
    record.end('server closed')
  }

  /** Serves a client from its handshake to the end of its connection. Never rejects. */
  async #serveClient(accepted: AcceptedSocket, settings: VirtualServerSettings): Promise<void> {
    const arrived = arrive(accepted, settings, {
      addresses: this.#addresses,
      failedLogons: this.#failedLogons,
      sessions: this.#sessions,
      isTlsAvailable: () => this.#acceptor !== undefined,
      secure: this.#secure,
    })
    const { client, record, raw } = arrived
    const { admission, refusal } = client.counted
    if (refusal !== undefined) record.refused(refusal)
    const memory = this.#intake.memory.reservation('connections')
    let connection: Connection | undefined
    let cause = 'handshake failed'
    try {
      if (admission === 'dropped') throw new HandshakeFailure('too many connections are being refused')
      const hasMemory = memory.tryGrow(CONNECTION_OCTETS)
      connection = await connect(arrived, this.#intake)
      const refused = this.#refusal(settings, client, hasMemory)
      cause = refused ? await refuse(connection, settings, refused) : await this.#serve(connection, arrived)
    } catch (error) {
      raw.destroy()
      if (!(error instanceof HandshakeFailure)) {
        cause = 'internal error'
        this.#log.error({ session: record.id, server: settings.name, err: error }, 'a session failed')
      }
    } finally {
      client.release()
      connection?.release()
      memory.release()
      if (connection?.isHealthCheck || isPortCheck(accepted, record.record)) this.#sessions.forget(arrived.start)
      record.end(cause)
    }
  }

  /** Returns why a client is refused, and by which limit; undefined if it is served. Counts it for the rate of connections. */
  #refusal({ maxConnections }: VirtualServerSettings, client: ServedClient, hasMemory: boolean): Refusal | undefined {
    if (client.counted.admission === 'refused') return { limited: 'address' }
    if (!hasMemory) return { limited: 'memory', why: 'the memory limit of the lab (memoryLimit) is reached' }
    const { rateRefusal } = client
    if (rateRefusal !== undefined) return { limited: 'address', why: rateRefusal }
    if (maxConnections !== 'off' && this.#connections.size >= maxConnections)
      return { limited: 'server', why: `the limit of ${maxConnections} connections is reached` }
    return undefined
  }

  /** Runs the session of a connection. Returns why the connection ended. */
  async #serve(connection: Connection, { settings, reset }: ArrivedClient): Promise<string> {
    this.#connections.set(connection, reset)
    // Its handshake had begun before.
    if (this.#isDraining) connection.finish()
    try {
      const faults = connection.meetFirstFaults()
      if (!faults || (await faults)) await settings.serve(connection)
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
    } finally {
      // A session that failed must not leave its client waiting.
      connection.end()
      connection.closed.then(() => this.#connections.delete(connection))
    }
    const cause = await connection.closed
    if (cause === 'connection lost') connection.recordUnread()
    return cause
  }

  /** Returns what clients can negotiate by TLS; undefined without a certificate. */
  servedTls(): Promise<ServedTls> | undefined {
    return this.#acceptor?.served()
  }

  /** Performs a TLS handshake on a raw socket. @throws HandshakeFailure */
  readonly #secure: Secure = async (raw, record, keyLog, faults) => {
    const { maxConnections, tls } = this.#settings
    if (maxConnections !== 'off' && this.#handshakes.size >= maxConnections) {
      const why = `${maxConnections} TLS handshakes are in progress, which is the connection limit`
      record.refused(why)
      throw new HandshakeFailure(why)
    }
    this.#handshakes.add(raw)
    const memory = this.#intake.memory.reservation('connections')
    try {
      const due = faults?.due('handshake') ?? []
      if (faults && tls && due.length > 0) await faultsBeforeHandshake(faults, due, raw, record, tls)
      // The current certificate, even if it changed since the client connected.
      if (!this.#acceptor) throw new HandshakeFailure('no certificate is assigned')
      return await this.#acceptor.accept(raw, record, keyLog, memory)
    } finally {
      this.#handshakes.delete(raw)
      memory.release()
    }
  }
}

const tooManyHeaders = (limit: number): Announcement => ({
  kind: 'refused',
  why: `${limit} PROXY headers or TLS handshakes are in progress, which is the connection limit`,
})

function refuse(
  connection: Connection,
  { busyLine }: VirtualServerSettings,
  { limited, why }: Refusal,
): Promise<string> {
  if (why !== undefined) connection.record.refused(why)
  connection.write(`${busyLine(limited)}\r\n`)
  connection.end()
  return connection.closed
}
