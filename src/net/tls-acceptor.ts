import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientCertificateFacts, ClientHelloFacts, SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { clientCertificateFacts, tlsFacts } from '../tls/facts.ts'
import { explainHandshakeFailure } from '../tls/failure.ts'
import { type NodeCapabilities, nodeCanServe, nodeCapabilities } from '../tls/node-suites.ts'
import type { TlsPolicy } from '../tls/policy.ts'
import type { SecuredSocket } from './connection.ts'
import { HandshakeFailure } from './errors.ts'
import { LegacyAcceptor, type LegacySettings } from './legacy-acceptor.ts'
import { type KeyLog, NodeTls } from './node-tls.ts'
import { type FirstWords, peekFirstWords } from './peek.ts'

/** What a virtual server wears, and what it agrees to. */
export interface TlsSettings {
  readonly policy: TlsPolicy
  /** The first is the default; the others are chosen by SNI. Never empty. */
  readonly certificates: readonly InstalledCertificate[]
  readonly alpn: readonly string[]
  readonly handshakeTimeoutMs: number
  /** Whether what the issuer says of a certificate is stapled to handshakes that ask for it. RFC 6066 section 8. */
  readonly ocspStapling?: boolean
  /** Absent: clients are not asked for a certificate. */
  readonly clientCertificates?: ClientCertificateSettings
  /** Absent: clients that have nothing in common with node:tls are refused. */
  readonly legacy?: LegacySettings
}

/** How a virtual server treats the certificates of its clients. */
export interface ClientCertificateSettings {
  /** accept: a client may show one. require: it must show one that is verified. */
  readonly mode: 'accept' | 'require'
  /** PEM of the authorities whose certificates are verified. */
  readonly authoritiesPem: readonly string[]
  /** What a verified certificate is worth: the account it names, or why it is refused (revoked). */
  readonly judge: (certificate: ClientCertificateFacts) => Promise<{ account?: string; refused?: string }>
}

/**
 * The server's side of TLS for one virtual server, by node:tls or by the engine for old clients. Another certificate or
 * policy makes another acceptor: the next handshake is its, connections that are open live on.
 */
export class TlsAcceptor {
  readonly #settings: TlsSettings
  readonly #node: NodeTls
  readonly #legacy: LegacyAcceptor | undefined
  #capabilities: Promise<NodeCapabilities> | undefined

  /** @throws when a certificate and its key, or the policy, are unusable */
  constructor(settings: TlsSettings) {
    const { legacy, policy, clientCertificates } = settings
    this.#settings = settings
    this.#node = new NodeTls(settings)
    // The engine asks for no certificates: where one is required, it lets nobody in.
    if (legacy && clientCertificates?.mode !== 'require') this.#legacy = new LegacyAcceptor(legacy, policy)
  }

  /** Makes the handshake on a raw socket. Puts on record what was offered and agreed on. @throws HandshakeFailure */
  async accept(raw: Duplex, record: SessionRecorder, keyLog?: KeyLog): Promise<SecuredSocket> {
    const { policy, handshakeTimeoutMs } = this.#settings
    raw.on('error', (error) => record.note(`socket error: ${error.message}`))
    const first = await peekFirstWords(raw, handshakeTimeoutMs)
    if (first === undefined) throw this.#failed(raw, record, 'the client closed, or said nothing, before the handshake')
    const hello = first.kind === 'hello' ? first.facts : undefined
    if (hello) record.hello(hello)
    if (first.kind === 'hello' && this.#legacy && (await this.#needsLegacy(first, this.#legacy))) {
      return this.#acceptLegacy(this.#legacy, raw, first.facts, record, keyLog)
    }
    const socket = await this.#node.handshake(raw, hello, keyLog).catch((error: Error) => {
      throw this.#failed(raw, record, explainHandshakeFailure(error, hello, policy), error)
    })
    const agreed = tlsFacts(socket, this.#node.shown(hello?.serverName), hello)
    const { clientCertificates } = this.#settings
    const facts = clientCertificates ? await this.#identified(agreed, clientCertificates, socket, raw, record) : agreed
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
    this.#capabilities ??= nodeCapabilities(this.#settings.policy, this.#settings.certificates)
    return !nodeCanServe(facts, await this.#capabilities)
  }

  async #acceptLegacy(
    legacy: LegacyAcceptor,
    raw: Duplex,
    hello: ClientHelloFacts,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
  ): Promise<SecuredSocket> {
    const timer = setTimeout(() => raw.destroy(), this.#settings.handshakeTimeoutMs)
    try {
      return await legacy.accept(raw, hello, record, keyLog)
    } catch (error) {
      throw this.#failed(raw, record, (error as Error).message, error as Error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Adds what the client's certificate says of it. @throws HandshakeFailure where it is not good enough */
  async #identified(
    facts: TlsFacts,
    { judge }: ClientCertificateSettings,
    socket: TLSSocket,
    raw: Duplex,
    record: SessionRecorder,
  ): Promise<TlsFacts> {
    const shown = clientCertificateFacts(socket)
    if (!shown) return facts
    const { account, refused } = shown.verified ? await judge(shown) : {}
    if (refused !== undefined)
      throw this.#failed(raw, record, `the client’s certificate (${shown.subject}) is ${refused}`)
    if (!shown.verified) record.note(`the client’s certificate (${shown.subject}) is not verified: ${shown.error}`)
    return { ...facts, clientCertificate: account === undefined ? shown : { ...shown, account } }
  }

  #failed(raw: Duplex, record: SessionRecorder, why: string, cause?: Error): HandshakeFailure {
    record.refused(`TLS handshake: ${why}`)
    raw.destroy()
    return new HandshakeFailure(why, cause ? { cause } : undefined)
  }
}
