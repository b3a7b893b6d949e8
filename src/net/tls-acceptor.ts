import type { Duplex } from 'node:stream'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts, SessionRecorder } from '../sessions/types.ts'
import { createContext, issuedTo } from '../tls/context.ts'
import { tlsFacts } from '../tls/facts.ts'
import { explainHandshakeFailure } from '../tls/failure.ts'
import { type NodeCapabilities, nodeCanServe, nodeCapabilities } from '../tls/node-suites.ts'
import { contextOptions, type TlsPolicy } from '../tls/policy.ts'
import type { SecuredSocket } from './connection.ts'
import { HandshakeFailure } from './errors.ts'
import { LegacyAcceptor, type LegacySettings } from './legacy-acceptor.ts'
import { type FirstWords, peekFirstWords } from './peek.ts'

/** What a virtual server wears, and what it agrees to. */
export interface TlsSettings {
  readonly policy: TlsPolicy
  /** The first is the default; the others are chosen by SNI. Never empty. */
  readonly certificates: readonly InstalledCertificate[]
  readonly alpn: readonly string[]
  readonly handshakeTimeoutMs: number
  /** Absent: clients that have nothing in common with node:tls are refused. */
  readonly legacy?: LegacySettings
}

interface Worn {
  readonly certificate: InstalledCertificate
  readonly context: SecureContext
}

interface Handshake {
  readonly resolve: (socket: TLSSocket) => void
  readonly reject: (error: Error) => void
}

/**
 * The server's side of TLS for one virtual server. What it wears is replaced as a whole (`update`): the next handshake
 * shows the new certificate, open connections live on.
 */
export class TlsAcceptor {
  #settings: TlsSettings
  /** The certificates beside the default one. */
  #others: readonly Worn[]
  #server: tls.Server
  #serverWithoutAlpn: tls.Server | undefined
  #legacy: LegacyAcceptor | undefined
  #node: Promise<NodeCapabilities> | undefined
  readonly #handshakes = new WeakMap<Duplex, Handshake>()

  /** @throws when a certificate and its key, or the policy, are unusable */
  constructor(settings: TlsSettings) {
    this.#settings = settings
    this.#others = contexts(settings)
    this.#server = this.#makeServer(settings, this.#others, true)
    this.#legacy = legacyAcceptor(settings)
  }

  /** Takes effect with the next handshake. @throws when a certificate and its key, or the policy, are unusable: the old ones stay */
  update(settings: TlsSettings): void {
    const others = contexts(settings)
    this.#legacy = legacyAcceptor(settings)
    this.#node = undefined
    this.#server = this.#makeServer(settings, others, true)
    this.#serverWithoutAlpn = undefined
    this.#others = others
    this.#settings = settings
  }

  /** Makes the handshake on a raw socket. Puts on record what was offered and agreed on. @throws HandshakeFailure */
  async accept(raw: Duplex, record: SessionRecorder): Promise<SecuredSocket> {
    const { policy, handshakeTimeoutMs } = this.#settings
    raw.on('error', (error) => record.note(`socket error: ${error.message}`))
    const first = await peekFirstWords(raw, handshakeTimeoutMs)
    if (first === undefined) throw this.#failed(raw, record, 'the client closed, or said nothing, before the handshake')
    const hello = first.kind === 'hello' ? first.facts : undefined
    if (hello) record.hello(hello)
    if (first.kind === 'hello' && this.#legacy && (await this.#needsLegacy(first, this.#legacy))) {
      return this.#acceptLegacy(this.#legacy, raw, first.facts, record)
    }
    const socket = await this.#handshake(raw, hello).catch((error: Error) => {
      throw this.#failed(raw, record, explainHandshakeFailure(error, hello, policy), error)
    })
    const facts = tlsFacts(socket, this.#shown(hello?.serverName), hello)
    if (policy.require128BitEncryption && facts.bits < 128) {
      socket.destroy()
      throw this.#failed(
        raw,
        record,
        `${facts.cipher} has ${facts.bits} bits; this virtual server requires 128-bit encryption`,
      )
    }
    record.secured(facts)
    return { socket, facts }
  }

  /** Only a client that node:tls could do nothing for, and the engine can, goes to the engine. */
  async #needsLegacy({ facts, sslv2 }: FirstWords & { kind: 'hello' }, legacy: LegacyAcceptor): Promise<boolean> {
    if (!legacy.canServe(facts)) return false
    if (sslv2) return true
    this.#node ??= nodeCapabilities(this.#settings.policy, this.#settings.certificates)
    return !nodeCanServe(facts, await this.#node)
  }

  async #acceptLegacy(
    legacy: LegacyAcceptor,
    raw: Duplex,
    hello: ClientHelloFacts,
    record: SessionRecorder,
  ): Promise<SecuredSocket> {
    const timer = setTimeout(() => raw.destroy(), this.#settings.handshakeTimeoutMs)
    try {
      return await legacy.accept(raw, hello, record)
    } catch (error) {
      throw this.#failed(raw, record, (error as Error).message, error as Error)
    } finally {
      clearTimeout(timer)
    }
  }

  #handshake(raw: Duplex, hello: ClientHelloFacts | undefined): Promise<TLSSocket> {
    const server = this.#serverFor(hello)
    return new Promise<TLSSocket>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(Object.assign(new Error('handshake time-out'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })),
        this.#settings.handshakeTimeoutMs,
      )
      const onClose = (): void => reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' }))
      raw.once('close', onClose)
      const settled = (): void => {
        clearTimeout(timer)
        raw.off('close', onClose)
        this.#handshakes.delete(raw)
      }
      this.#handshakes.set(raw, {
        resolve: (socket) => {
          settled()
          resolve(socket)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
      server.emit('connection', raw)
    })
  }

  #failed(raw: Duplex, record: SessionRecorder, why: string, cause?: Error): HandshakeFailure {
    record.refused(`TLS handshake: ${why}`)
    raw.destroy()
    return new HandshakeFailure(why, cause ? { cause } : undefined)
  }

  /**
   * Node.js refuses a client whose ALPN names are all unknown (alert 120). Such a client is served without ALPN, as by
   * a server that does not know the extension. RFC 7301 section 3.2 leaves the choice to the server.
   */
  #serverFor(hello: ClientHelloFacts | undefined): tls.Server {
    const unknown = hello && hello.alpn.length > 0 && !hello.alpn.some((name) => this.#settings.alpn.includes(name))
    if (!unknown) return this.#server
    this.#serverWithoutAlpn ??= this.#makeServer(this.#settings, this.#others, false)
    return this.#serverWithoutAlpn
  }

  #makeServer(settings: TlsSettings, others: readonly Worn[], alpn: boolean): tls.Server {
    const server = tls.createServer({
      ...contextOptions(settings.policy, settings.certificates[0] as InstalledCertificate),
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, byName(others, name)?.context),
      ...(alpn
        ? {
            ALPNCallback: ({ protocols }: { protocols: string[] }) =>
              settings.alpn.find((name) => protocols.includes(name)),
          }
        : {}),
    })
    server.on('secureConnection', (socket) => this.#handshakes.get(underlying(socket))?.resolve(socket))
    server.on('tlsClientError', (error, socket) => this.#handshakes.get(underlying(socket))?.reject(error))
    return server
  }

  /** The certificate that a client asking for `name` was shown. */
  #shown(name: string | undefined): InstalledCertificate {
    const other = name === undefined ? undefined : byName(this.#others, name)
    return other?.certificate ?? (this.#settings.certificates[0] as InstalledCertificate)
  }
}

function legacyAcceptor({ legacy, policy }: TlsSettings): LegacyAcceptor | undefined {
  return legacy && new LegacyAcceptor(legacy, policy.require128BitEncryption)
}

function contexts({ certificates, policy }: TlsSettings): readonly Worn[] {
  return certificates.slice(1).map((certificate) => ({ certificate, context: createContext(policy, certificate) }))
}

/** The certificate that is issued to a name; undefined: the default one serves. */
function byName(others: readonly Worn[], name: string): Worn | undefined {
  return others.find(({ certificate }) => issuedTo(certificate, name))
}

/** The raw socket below a TLS one: what `emit('connection')` was given. No public property names it. */
function underlying(socket: TLSSocket): Duplex {
  const { _parent: parent } = socket as TLSSocket & { _parent: Duplex & { stream?: Duplex } }
  // A stream that is no net.Socket (a capture) is wrapped once more.
  return parent.stream ?? parent
}
