import { X509Certificate } from 'node:crypto'
import { Dialog } from './dialog.ts'
import { type ProtocolRow, protocolRows, type Reply } from './protocols.ts'
import { type Agreed, type Handshake, HandshakeFailed, handshake, readAgreed, Untrusted } from './tls/handshake.ts'
import { askHello, type HelloOutcome } from './tls/hello.ts'
import { anySuites } from './tls/suite-classes.ts'
import { parseRoots } from './tls/trust.ts'
import { type Endpoint, NotTested, VerifyError, type VerifyOptions } from './types.ts'
import { Wire } from './wire.ts'

/** A session as it began: its greeting, and what is announced. */
export interface Opening {
  readonly dialog: Dialog
  readonly greeting: Reply
  readonly capabilities: Reply
}

/** What a client sees of a server's TLS. */
export interface TlsView {
  readonly agreed: Agreed
  /** As the server sends them, its own first. Empty: they could not be read. */
  readonly certificates: readonly X509Certificate[]
  /** OpenSSL's word for why they do not verify. */
  readonly untrusted?: Untrusted
  readonly staple?: Buffer
  /** Only what clients of today no longer offer was agreed on. */
  readonly wide: boolean
}

/** One endpoint under inspection: opens connections to it, and remembers what it saw first. */
export class Probe {
  readonly endpoint: Endpoint
  readonly options: VerifyOptions
  readonly row: ProtocolRow
  readonly roots: readonly X509Certificate[]
  readonly #ca: readonly string[]
  readonly #seen = new Map<string, Promise<unknown>>()

  constructor(endpoint: Endpoint, options: VerifyOptions, ca: readonly string[]) {
    this.endpoint = endpoint
    this.options = options
    this.row = protocolRows[endpoint.protocol]
    this.#ca = ca
    this.roots = parseRoots(ca)
  }

  /** What `look` sees, looked at once. */
  once<T>(name: string, look: () => Promise<T>): Promise<T> {
    const known = this.#seen.get(name) as Promise<T> | undefined
    if (known) return known
    const seen = look()
    seen.catch(() => {})
    this.#seen.set(name, seen)
    return seen
  }

  /** @throws VerifyError */
  connect(): Promise<Wire> {
    return Wire.open(this.endpoint.host, this.endpoint.port, this.options.timeoutMs)
  }

  /** Greeting and capabilities in clear. @throws NotTested on an implicit-TLS port; VerifyError */
  async openClear(): Promise<Opening> {
    if (this.endpoint.implicitTls) throw new NotTested('nothing is said in clear on this port')
    return this.#begin(new Dialog(await this.connect(), this.row))
  }

  /** What the first session in clear saw. */
  clear(): Promise<Omit<Opening, 'dialog'>> {
    return this.once('clear', async () => {
      const { dialog, ...seen } = await this.openClear()
      dialog.close()
      return seen
    })
  }

  /** A wire on which the next octet is the client's handshake. @throws NotTested without STARTTLS; VerifyError */
  async readyForTls(behind = ''): Promise<Wire> {
    const { row, endpoint } = this
    if (endpoint.implicitTls) return this.connect()
    const { dialog, capabilities } = await this.openClear()
    if (!capabilities.lines.some((line) => row.capabilities.startTls.test(line))) {
      dialog.close()
      throw new NotTested(`${row.startTls.command} is not announced`)
    }
    const reply = await dialog.pipeline(row.startTls.command, behind)
    if (!row.startTls.ready.test(reply.status)) {
      dialog.close()
      throw new VerifyError(`${row.startTls.command} is announced, and fails: ${reply.status}`)
    }
    return dialog.wire
  }

  /** The answer to a hand-made hello. @throws NotTested VerifyError */
  async hello(version: number, suites: readonly number[]): Promise<HelloOutcome> {
    return askHello(await this.readyForTls(), { version, suites, serverName: this.endpoint.serverName })
  }

  /** The first handshake: verified where it can be, and looked at where it cannot. */
  tls(): Promise<TlsView> {
    return this.once('tls', async () => {
      try {
        return await this.#look(false)
      } catch (error) {
        if (!(error instanceof HandshakeFailed) || error.code === 'CLOSED' || error.code === 'TIMEOUT') throw error
        // A server that offers nothing a client of today takes: say what it does offer.
        return this.#look(true).catch(() => {
          throw error
        })
      }
    })
  }

  /**
   * A session under TLS, greeting and capabilities read. A certificate that does not verify has been reported: to look
   * behind it, it is pinned as it was shown.
   * @throws NotTested VerifyError
   */
  async openSecured(): Promise<Opening> {
    const dialog = await this.secured()
    return this.#begin(dialog, this.endpoint.implicitTls)
  }

  /** The same before anything was said under TLS. */
  async secured(wire?: Wire): Promise<Dialog> {
    const view = await this.tls()
    const under = wire ?? (await this.readyForTls())
    try {
      await under.startTls(async (raw) => (await handshake(raw, this.#settings(view))).socket)
    } catch (error) {
      under.close()
      if (view.untrusted) throw new NotTested(`no client goes on past this certificate (${view.untrusted.message})`)
      throw error
    }
    return new Dialog(under, this.row)
  }

  #settings(view: TlsView) {
    const { serverName } = this.endpoint
    const pinned = view.untrusted ? { pinned: view.certificates } : {}
    return { serverName, ca: this.#ca, timeoutMs: this.options.timeoutMs, wide: view.wide, ...pinned }
  }

  async #look(wide: boolean): Promise<TlsView> {
    const wire = await this.readyForTls()
    let made: Handshake | undefined
    try {
      const settings = { serverName: this.endpoint.serverName, ca: this.#ca, timeoutMs: this.options.timeoutMs, wide }
      const socket = await wire.startTls(async (raw) => {
        made = await handshake(raw, settings)
        return made.socket
      })
      const agreed = readAgreed(socket, wire.tap)
      const staple = made?.staple
      const certificates = await this.#asSent(chainOf(socket))
      return { agreed, certificates, wide, ...(staple ? { staple } : {}) }
    } catch (error) {
      if (!(error instanceof Untrusted)) throw error
      return { ...(await this.#shown()), untrusted: error, wide }
    } finally {
      wire.close()
    }
  }

  /** node:tls gives a chain in its own order; the server's is read off the wire, where it is readable. */
  async #asSent(chain: readonly X509Certificate[]): Promise<readonly X509Certificate[]> {
    const { certificates } = await this.#shown()
    return certificates[0] && chain[0]?.raw.equals(certificates[0].raw) ? certificates : chain
  }

  /** Certificates that do not verify, as they cross the wire in clear up to TLS 1.2. */
  async #shown(): Promise<Pick<TlsView, 'agreed' | 'certificates'>> {
    for (const version of [0x0303, 0x0302, 0x0301]) {
      const answer = await this.hello(version, anySuites)
      if (answer.kind !== 'hello') continue
      const certificates = answer.certificates.flatMap(certificateOf)
      return { agreed: { version: answer.version, suite: answer.suite }, certificates }
    }
    const answer = await this.hello(0x0304, [0x1301, 0x1302, 0x1303])
    if (answer.kind !== 'hello') throw new VerifyError('the server hangs up when it is looked at again')
    return { agreed: { version: answer.version, suite: answer.suite, group: answer.group }, certificates: [] }
  }

  async #begin(dialog: Dialog, greets = true): Promise<Opening> {
    const { row } = this
    try {
      const greeting = greets ? await dialog.greeting() : { lines: [], code: '', status: '' }
      if (greets && !row.greeting.test(greeting.status)) {
        throw new VerifyError(`“${greeting.status.slice(0, 120)}” is no ${row.title} greeting`)
      }
      const capabilities = await dialog.command(row.capabilities.command)
      return { dialog, greeting, capabilities }
    } catch (error) {
      dialog.wire.close()
      throw error
    }
  }
}

/** The chain of a verified socket. */
function chainOf(socket: Handshake['socket']): X509Certificate[] {
  const found: X509Certificate[] = []
  for (let one = socket.getPeerCertificate(true); one?.raw; ) {
    const raw = one.raw
    if (found.some((known) => known.raw.equals(raw))) break
    found.push(new X509Certificate(raw))
    one = one.issuerCertificate
  }
  return found
}

/** What cannot be read as a certificate is none. */
function certificateOf(der: Buffer): X509Certificate[] {
  try {
    return [new X509Certificate(der)]
  } catch {
    return []
  }
}
