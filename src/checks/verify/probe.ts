import type { X509Certificate } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { setImmediate } from '../../core/time/real-timers.ts'
import { peerChain } from '../../net/client/connect.ts'
import { Dialog } from './dialog.ts'
import type { ProtocolRow, Reply } from './protocol-row.ts'
import { protocolRows } from './protocols.ts'
import type { ServerHello } from './tls/answer.ts'
import {
  type Agreed,
  type Handshake,
  HandshakeFailed,
  type HandshakeSettings,
  handshake,
  readAgreed,
  Untrusted,
} from './tls/handshake.ts'
import { askHello, type HelloOffer, type HelloOutcome } from './tls/hello.ts'
import { certificateSuites, suites13 } from './tls/suite-classes.ts'
import { parseRoots, wellFormedCertificates } from './tls/trust.ts'
import { type Endpoint, NotTested, VerifyError, type VerifyOptions } from './types.ts'
import { Silence, Wire } from './wire.ts'

/** The start of a session: its greeting and its capabilities. */
interface Opening {
  readonly dialog: Dialog
  readonly greeting: Reply
  readonly capabilities: Reply
}

/** The result of a handshake with a server. */
export interface TlsView {
  readonly agreed: Agreed
  /** The certificates in the order that the server sends them. Empty if they could not be read. */
  readonly certificates: readonly X509Certificate[]
  /** OpenSSL's reason why they do not verify. */
  readonly untrusted?: Untrusted
  readonly staple?: Buffer
  /** The handshake succeeded only with versions and suites that current clients no longer offer. */
  readonly wide: boolean
  /** Why this Node.js cannot finish a handshake, though the server answers a ClientHello. */
  readonly unusable?: HandshakeFailed
  /** The reason is that the server requires a client certificate. */
  readonly needsCertificate?: boolean
}

/** Opens connections to one endpoint, and caches the first results for later checks. */
export class Probe {
  readonly endpoint: Endpoint
  readonly options: VerifyOptions
  readonly row: ProtocolRow
  /** Trusted roots in PEM. */
  readonly ca: readonly string[]
  readonly #results = new Map<string, Promise<unknown>>()
  readonly #open = new Set<Wire>()
  /** Whether the server does not answer the usual first command. */
  #asksOtherwise = false

  constructor(endpoint: Endpoint, options: VerifyOptions, ca: readonly string[]) {
    this.endpoint = endpoint
    this.options = options
    this.row = protocolRows[endpoint.protocol]
    this.ca = ca
  }

  /** Trusted roots, parsed. */
  get roots(): readonly X509Certificate[] {
    return parseRoots(this.ca)
  }

  /** Runs a function once per name, and returns the cached result afterwards. */
  once<T>(name: string, run: () => Promise<T>): Promise<T> {
    const known = this.#results.get(name) as Promise<T> | undefined
    if (known) return known
    const result = run()
    result.catch(() => {})
    this.#results.set(name, result)
    return result
  }

  /** Connects without reading anything. @throws VerifyError */
  async connect(): Promise<Wire> {
    const { endpoint, options } = this
    const wire = await Wire.open(endpoint, options)
    this.#open.add(wire)
    void wire.closed.then(() => this.#open.delete(wire))
    await options.onConnection?.(wire.connection)
    return wire
  }

  /** Closes the connections that a failed check has left open. A farewell that was written before is still sent. */
  closeAll(): void {
    const open = [...this.#open]
    setImmediate(() => {
      for (const wire of open) wire.close()
    })
  }

  /** Opens a clear-text session and reads greeting and capabilities. @throws NotTested on an implicit-TLS port; VerifyError */
  async openClear(): Promise<Opening> {
    if (this.endpoint.implicitTls) throw new NotTested('this port has no clear text')
    return this.#opened(async () => new Dialog(await this.connect(), this.row, this.endpoint))
  }

  /** Returns greeting and capabilities of the first clear-text session. */
  clear(): Promise<Omit<Opening, 'dialog'>> {
    return this.once('clear', async () => {
      const { dialog, ...opening } = await this.openClear()
      dialog.close()
      return opening
    })
  }

  /** Opens a wire on which the handshake can begin. @throws NotTested without STARTTLS; VerifyError */
  async readyForTls(rest = ''): Promise<Wire> {
    const { row, endpoint } = this
    if (endpoint.implicitTls) return this.connect()
    if (!row.startTls) throw new NotTested(`this port has no TLS, because ${row.title} has no STARTTLS`)
    const { command, announced, ready } = row.startTls
    const { dialog, capabilities } = await this.openClear()
    if (!capabilities.lines.some((line) => announced.test(line))) {
      dialog.close()
      throw new NotTested(`${command} is not announced`)
    }
    const reply = await dialog.pipeline(command, rest)
    if (!ready.test(reply.status)) {
      dialog.close()
      throw new VerifyError(`${command} is announced but fails: ${reply.status}`)
    }
    return dialog.wire
  }

  /** Sends a ClientHello built by this module and returns the answer. @throws NotTested VerifyError */
  hello(offer: Offer): Promise<HelloOutcome> {
    return this.afterHello(offer, async (answer) => answer)
  }

  /** Sends a ClientHello and uses the wire after the server's first flight. @throws NotTested VerifyError */
  async afterHello<T>(offer: Offer, use: (answer: HelloOutcome, wire: Wire) => Promise<T>): Promise<T> {
    const wire = await this.readyForTls()
    try {
      return await use(await askHello(wire, { serverName: this.endpoint.serverName, ...offer }), wire)
    } finally {
      wire.close()
    }
  }

  /** Does the first handshake. The result contains the reason if the certificate does not verify. */
  tls(): Promise<TlsView> {
    return this.once('tls', async () => {
      try {
        return await this.#handshake(false)
      } catch (error) {
        if (!(error instanceof HandshakeFailed) || error.code === 'TIMEOUT' || error.alert === NO_PROTOCOL) throw error
        // The server may offer only what current clients refuse: try again with everything, to report it.
        return this.#handshake(true).catch(() => this.#readUnfinished(error))
      }
    })
  }

  /** Returns what a server shows to a client that cannot finish the handshake. @throws HandshakeFailed if it shows nothing */
  async #readUnfinished(unusable: HandshakeFailed): Promise<TlsView> {
    const shown = await this.#readFromWire().catch(() => undefined)
    if (!shown) throw unusable
    // RFC 5246 section 7.4.6: up to TLS 1.2, the alert for a missing certificate is the one for everything else.
    return { ...shown, wide: true, unusable, needsCertificate: shown.asksForCertificate && unusable.alert === 40 }
  }

  /**
   * Opens a session under TLS and reads greeting and capabilities. A certificate that does not verify is pinned, because
   * other checks report it and the rest of the session still needs checking.
   * @throws NotTested VerifyError
   */
  async openSecured(): Promise<Opening> {
    return this.#opened(() => this.secured(), this.endpoint.implicitTls)
  }

  /** Opens a session under TLS without reading anything. */
  async secured(wire?: Wire): Promise<Dialog> {
    const { dialog } = await this.securedSocket({}, wire)
    return dialog
  }

  /** Opens a session under TLS with special settings, without reading anything. @throws NotTested VerifyError */
  async securedSocket(more: SpecialSettings, wire?: Wire): Promise<{ dialog: Dialog; socket: TLSSocket }> {
    const view = await this.tls()
    if (view.unusable) {
      wire?.close()
      if (view.needsCertificate) throw new NotTested('the server requires a client certificate')
      throw new NotTested(`this Node.js cannot finish a handshake with the server (${view.unusable.message})`)
    }
    const under = wire ?? (await this.readyForTls())
    try {
      const settings = { ...this.#settings(view), ...more }
      const socket = await under.startTls(async (raw) => (await handshake(raw, settings)).socket)
      return { dialog: new Dialog(under, this.row, this.endpoint), socket }
    } catch (error) {
      under.close()
      if (view.untrusted) throw new NotTested(`clients end the session at this certificate (${view.untrusted.message})`)
      throw error
    }
  }

  #settings(view: TlsView) {
    const pinned = view.untrusted ? { pinned: view.certificates } : {}
    return { ...this.#client(), wide: view.wide, ...pinned }
  }

  /** The settings of a usual client. Those of HTTP name their protocol, those of mail and news rarely do. */
  #client() {
    const { row, ca, options, endpoint } = this
    const alpn = row.isAskedFirst ? [row.alpn ?? ''] : undefined
    return { serverName: endpoint.serverName, ca, timeoutMs: options.timeoutMs, alpn }
  }

  async #handshake(wide: boolean): Promise<TlsView> {
    const wire = await this.readyForTls()
    let made: Handshake | undefined
    try {
      const settings = { ...this.#client(), wide }
      const socket = await wire.startTls(async (raw) => {
        made = await handshake(raw, settings)
        return made.socket
      })
      const agreed = readAgreed(socket, wire.tap)
      const staple = made?.staple
      const chain = peerChain(socket)
      // A server that serves one client at a time waits for the end of this connection.
      wire.close()
      const certificates = await this.#inSentOrder(chain)
      return { agreed, certificates, wide, ...(staple ? { staple } : {}) }
    } catch (error) {
      if (!(error instanceof Untrusted)) throw error
      wire.close()
      const shown = await this.#readFromWire()
      if (!shown) throw new VerifyError('the server closes the connection on a second attempt')
      return { ...shown, untrusted: error, wide }
    } finally {
      wire.close()
    }
  }

  /** Returns a chain in the server's order, read from the wire if possible: node:tls reorders it. */
  async #inSentOrder(chain: readonly X509Certificate[]): Promise<readonly X509Certificate[]> {
    const { certificates = [] } = (await this.#readFromWire()) ?? {}
    return certificates[0] && chain[0]?.raw.equals(certificates[0].raw) ? certificates : chain
  }

  /** Reads version, suite and certificates from the wire, which carries certificates unencrypted up to TLS 1.2. */
  async #readFromWire(): Promise<ReturnType<typeof viewOfHello> | undefined> {
    for (const version of [0x0303, 0x0302, 0x0301, 0x0304, 0x0300]) {
      const answer = await this.hello({ version, suites: version === 0x0304 ? suites13 : certificateSuites })
      if (answer.kind === 'hello') return viewOfHello(answer)
    }
    return undefined
  }

  /**
   * Opens a session. Tries again with pauses while the server says that it has too many sessions, and with another first
   * command if the server does not answer the usual one. @throws VerifyError
   */
  async #opened(open: () => Promise<Dialog>, greets = true): Promise<Opening> {
    const until = Date.now() + this.options.timeoutMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      const dialog = await open()
      try {
        return await this.#begin(dialog, greets)
      } catch (error) {
        dialog.wire.close()
        const { isAskedFirst, capabilities } = this.row
        if (error instanceof Busy && Date.now() + pauseMs < until) await pause(pauseMs)
        else if (isAskedFirst && !(error instanceof Busy) && capabilities.otherwise && !this.#asksOtherwise) {
          this.#asksOtherwise = true
        } else if (error instanceof Silence && !this.endpoint.implicitTls) {
          throw new VerifyError(`${error.message}; if the port uses TLS from the first octet, check it with --tls`)
        } else throw error
      }
    }
  }

  async #begin(dialog: Dialog, greets: boolean): Promise<Opening> {
    const { row } = this
    const { command, otherwise = command } = row.capabilities
    const askCapabilities = () => dialog.command(this.#asksOtherwise ? otherwise : command)
    if (!greets) return { dialog, greeting: NO_GREETING, capabilities: await askCapabilities() }
    const greeting = await (row.isAskedFirst ? askCapabilities() : dialog.greeting())
    this.#checkGreeting(greeting)
    const capabilities = row.isAskedFirst ? greeting : await askCapabilities()
    if (row.busy?.test(capabilities.status)) throw new Busy(busyWords(capabilities))
    return { dialog, greeting, capabilities }
  }

  #checkGreeting(greeting: Reply): void {
    const { row } = this
    if (row.busy?.test(greeting.status)) throw new Busy(busyWords(greeting))
    if (row.greeting.test(greeting.status)) return
    throw new VerifyError(`“${greeting.status.slice(0, 120)}” is not a valid ${row.title} greeting`)
  }
}

/** The server has too many sessions. */
class Busy extends VerifyError {}

const busyWords = ({ status }: Reply): string => `the server accepts no more sessions: “${status.slice(0, 120)}”`

/** Pause before the second attempt at a busy server. Each further pause is twice as long. */
const FIRST_PAUSE_MS = 250

/** no_application_protocol: no version or suite would help. RFC 7301 section 3.2. */
const NO_PROTOCOL = 120

const NO_GREETING: Reply = { lines: [], code: '', status: '' }

type SpecialSettings = Pick<HandshakeSettings, 'wide' | 'maxVersion' | 'alpn' | 'session' | 'otherName'>

/** The offer of a check; the server name is the endpoint's unless stated. */
type Offer = Omit<HelloOffer, 'serverName'> & Partial<Pick<HelloOffer, 'serverName'>>

const viewOfHello = ({ version, suite, group, certificates, asksForCertificate }: ServerHello) => ({
  agreed: { version, suite, group },
  asksForCertificate,
  certificates: wellFormedCertificates(certificates),
})
