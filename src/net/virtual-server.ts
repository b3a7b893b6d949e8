import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { Capture } from '../sessions/capture/capture.ts'
import type { SessionLog, SessionStart } from '../sessions/log.ts'
import type { SessionRecorder } from '../sessions/types.ts'
import { Connection, type Endpoint, type SecuredSocket, type Securer } from './connection.ts'
import { ConnectionEnded, HandshakeFailure } from './errors.ts'
import type { ConnectionFaults, FaultBook, Strike } from './faults/fault-book.ts'
import { strikeHandshake } from './faults/perform.ts'
import { Listener } from './listener.ts'
import type { KeyLog } from './node-tls.ts'
import { peekFirstWords } from './peek.ts'
import { TappedSocket } from './tapped-socket.ts'
import { TlsAcceptor, type TlsSettings } from './tls-acceptor.ts'

/** Everything of a virtual server that a reload, or another certificate, can change. */
export interface VirtualServerSettings {
  readonly name: string
  readonly protocol: string
  readonly address: string
  /** 0: any free port, which is then kept. */
  readonly port: number | 'off'
  readonly tlsPort: number | 'off'
  /** Absent: no certificate is assigned; then there is no STARTTLS, and the TLS port is closed. */
  readonly tls?: TlsSettings
  /** Where the octets of its connections are captured. */
  readonly captures?: readonly Capture[]
  /** What goes wrong on purpose. */
  readonly faults?: FaultBook
  readonly maxConnections: number | 'off'
  readonly idleTimeoutMs: number
  /** Serves one connection to its end. */
  readonly serve: (connection: Connection) => Promise<void>
  /** What a client over the connection limit is told. */
  readonly busyLine: string
}

type Form = 'port' | 'tlsPort'
/** How long sessions have to say good-bye when the lab stops. */
const STOP_MS = 3_000
/** How long a fault waits for a ClientHello. */
const FIRST_WORDS_MS = 30_000

/** One virtual server: its ports, its certificate, its connections. */
export class VirtualServer {
  readonly #log: Logger
  readonly #sessions: SessionLog
  readonly #connections = new Set<Connection>()
  /** Sockets in their handshake. */
  readonly #pending = new Set<Duplex>()
  readonly #listeners: Partial<Record<Form, Listener>> = {}
  #settings: VirtualServerSettings
  #acceptor: TlsAcceptor | undefined

  constructor(settings: VirtualServerSettings, sessions: SessionLog, log: Logger) {
    this.#settings = settings
    this.#sessions = sessions
    this.#log = log
    if (settings.tls) this.#acceptor = new TlsAcceptor(settings.tls)
  }

  get settings(): VirtualServerSettings {
    return this.#settings
  }

  /** The ports as they are listened on; undefined where one is closed. */
  get port(): number | undefined {
    return this.#listeners.port?.port
  }

  get tlsPort(): number | undefined {
    return this.#listeners.tlsPort?.port
  }

  /** Opens the ports. @throws ListenError, with none left open */
  async start(): Promise<void> {
    await this.#openPorts(this.#settings)
  }

  /**
   * Takes new settings: for new connections at once, ports opened and closed as they ask.
   * @throws ListenError, or what makes a certificate unusable: the old settings stay
   */
  async update(settings: VirtualServerSettings): Promise<void> {
    const acceptor = settings.tls ? new TlsAcceptor(settings.tls) : undefined
    await this.#openPorts(settings)
    this.#acceptor = acceptor
    this.#settings = settings
    for (const form of ['port', 'tlsPort'] as const) {
      if (!this.#wanted(form, settings)) this.#closePort(form)
    }
  }

  /** Lets go of the ports that new settings do not want, before `update` opens the new ones. */
  vacate(settings: VirtualServerSettings): void {
    for (const form of ['port', 'tlsPort'] as const) {
      if (!this.#wanted(form, settings) || !this.#fits(form, settings)) this.#closePort(form)
    }
  }

  /** Another certificate or policy, nothing else. */
  async setTls(tls: TlsSettings | undefined): Promise<void> {
    const { tls: _, ...rest } = this.#settings
    await this.update(tls ? { ...rest, tls } : rest)
  }

  /** Closes the ports, lets every session say good-bye, and closes what is still open after a few seconds. */
  async stop(): Promise<void> {
    this.#closePort('port')
    this.#closePort('tlsPort')
    for (const socket of this.#pending) socket.destroy()
    const open = [...this.#connections]
    for (const connection of open) connection.stop()
    const last = setTimeout(() => {
      for (const connection of open) connection.destroy('stopping')
    }, STOP_MS)
    await Promise.all(open.map((connection) => connection.closed))
    clearTimeout(last)
  }

  /** Whether a form is to be listened on, and the listener there is fits. */
  #wanted(form: Form, settings: VirtualServerSettings): boolean {
    return settings[form] !== 'off' && (form === 'port' || settings.tls !== undefined)
  }

  #fits(form: Form, settings: VirtualServerSettings): boolean {
    const listener = this.#listeners[form]
    if (!listener || listener.address !== settings.address) return false
    return settings[form] === listener.port || (settings[form] === 0 && this.#settings[form] === 0)
  }

  async #openPorts(settings: VirtualServerSettings): Promise<void> {
    const opened: Partial<Record<Form, Listener>> = {}
    try {
      for (const form of ['port', 'tlsPort'] as const) {
        const port = settings[form]
        if (port === 'off' || !this.#wanted(form, settings) || this.#fits(form, settings)) continue
        opened[form] = await Listener.open(
          settings.name,
          settings.address,
          port,
          (socket, local) => {
            void this.#accept(socket, local, form === 'tlsPort')
          },
          (error) => this.#log.error({ server: settings.name, err: error }, 'a connection could not be accepted'),
        )
      }
    } catch (error) {
      for (const listener of Object.values(opened)) listener.close()
      throw error
    }
    for (const form of ['port', 'tlsPort'] as const) {
      if (!opened[form]) continue
      this.#closePort(form)
      this.#listeners[form] = opened[form]
    }
  }

  #closePort(form: Form): void {
    this.#listeners[form]?.close()
    delete this.#listeners[form]
  }

  /** One client, from its first octet to its last. Never rejects. */
  async #accept(socket: Socket, local: Endpoint, implicitTls: boolean): Promise<void> {
    const settings = this.#settings
    const start = sessionStart(socket, local, settings)
    const recorder = this.#sessions.open(start)
    let cause = 'handshake failed'
    const wire = tapped(socket, start, settings.captures ?? [])
    const faults = settings.faults?.open({
      ...start,
      user: () => recorder.record.user,
      secure: () => recorder.record.tls !== undefined,
    })
    const securer = this.#securer(recorder, faults, wire instanceof TappedSocket ? wire.keyLog : undefined)
    try {
      const secured = implicitTls ? await securer.secure(wire) : undefined
      const connection = connectionOf(start, wire, secured, { record: recorder, securer, faults, settings })
      cause = await this.#serve(connection, settings)
    } catch (error) {
      wire.destroy()
      if (!(error instanceof HandshakeFailure)) {
        cause = 'internal error'
        this.#log.error({ session: recorder.id, server: settings.name, err: error }, 'a session failed')
      }
    } finally {
      recorder.end(cause)
    }
  }

  async #secure(raw: Duplex, recorder: SessionRecorder, keyLog: KeyLog | undefined): Promise<SecuredSocket> {
    const { maxConnections } = this.#settings
    if (maxConnections !== 'off' && this.#pending.size >= maxConnections) {
      const why = `${maxConnections} TLS handshakes are under way, as many as there may be connections`
      recorder.refused(why)
      throw new HandshakeFailure(why)
    }
    this.#pending.add(raw)
    try {
      // The one worn now, whatever was worn when the client connected.
      if (!this.#acceptor) throw new HandshakeFailure('no certificate is assigned')
      return await this.#acceptor.accept(raw, recorder, keyLog)
    } finally {
      this.#pending.delete(raw)
    }
  }

  #securer(recorder: SessionRecorder, faults: ConnectionFaults | undefined, keyLog: KeyLog | undefined): Securer {
    const available = (): boolean => this.#acceptor !== undefined
    return {
      get available() {
        return available()
      },
      secure: (raw) => {
        const strikes = faults?.due('handshake') ?? []
        if (!faults || strikes.length === 0) return this.#secure(raw, recorder, keyLog)
        return struck(faults, strikes, raw, recorder).then(() => this.#secure(raw, recorder, keyLog))
      },
    }
  }

  async #serve(connection: Connection, settings: VirtualServerSettings): Promise<string> {
    if (settings.maxConnections !== 'off' && this.#connections.size >= settings.maxConnections) {
      connection.record.refused(`the limit of ${settings.maxConnections} connections is reached`)
      connection.write(`${settings.busyLine}\r\n`)
      connection.end()
      return connection.closed
    }
    this.#connections.add(connection)
    try {
      if (await connection.meetFirstFaults()) await settings.serve(connection)
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
    } finally {
      // The engine of a session that failed must not leave its client hanging.
      connection.end()
      connection.closed.then(() => this.#connections.delete(connection))
    }
    return connection.closed
  }
}

/** @throws HandshakeFailure where the faults leave no handshake to be made */
async function struck(
  faults: ConnectionFaults,
  strikes: readonly Strike[],
  raw: Duplex,
  record: SessionRecorder,
): Promise<void> {
  // The ClientHello first, so that it is on record.
  const words = await peekFirstWords(raw, FIRST_WORDS_MS)
  if (words?.kind === 'hello') record.hello(words.facts)
  const outcome = await strikeHandshake(faults, strikes, raw, record)
  if (outcome === 'gone') throw new HandshakeFailure('a fault ended the handshake')
}

function sessionStart(
  { remoteAddress = '', remotePort = 0 }: Socket,
  { address, port }: Endpoint,
  { name, protocol }: VirtualServerSettings,
): SessionStart {
  return { virtualServer: name, protocol, remoteAddress, remotePort, localAddress: address, localPort: port }
}

interface Surroundings {
  readonly record: SessionRecorder
  readonly securer: Securer
  readonly faults: ConnectionFaults | undefined
  readonly settings: VirtualServerSettings
}

function connectionOf(
  { remoteAddress, remotePort, localAddress, localPort }: SessionStart,
  wire: Duplex,
  secured: SecuredSocket | undefined,
  { record, securer, faults, settings }: Surroundings,
): Connection {
  return new Connection({
    socket: secured?.socket ?? wire,
    remote: { address: remoteAddress, port: remotePort },
    local: { address: localAddress, port: localPort },
    record,
    securer,
    idleTimeoutMs: settings.idleTimeoutMs,
    ...(faults ? { faults } : {}),
    ...(secured ? { facts: secured.facts } : {}),
  })
}

/** The socket itself, or a copying one around it while something captures. */
function tapped(socket: Socket, start: SessionStart, captures: readonly Capture[]): Socket | TappedSocket {
  if (captures.length === 0) return socket
  const client = { address: start.remoteAddress, port: start.remotePort }
  const server = { address: start.localAddress, port: start.localPort }
  return new TappedSocket(
    socket,
    captures.map((capture) => capture.open(client, server)),
  )
}
