import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { MemoryReservation } from '../common/memory-budget.ts'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientCertificateFacts, ClientHelloFacts, SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { peekClientHello } from '../tls/client-hello-reader.ts'
import { clientCertificateOf, tlsFacts } from '../tls/facts.ts'
import { explainHandshakeFailure } from '../tls/failure.ts'
import { FatalAlert } from '../tls/fatal-alert.ts'
import { type NodeCapabilities, nodeCanServe, nodeCapabilities } from '../tls/node-suites.ts'
import type { KeyLog, TlsPolicy } from '../tls/policy.ts'
import type { SecuredSocket } from './connection.ts'
import { HandshakeFailure } from './errors.ts'
import { LegacyAcceptor, type LegacySettings } from './legacy-acceptor.ts'
import { NodeTls } from './node-tls.ts'

/** Certificates and TLS policy of a virtual server. */
export interface TlsSettings {
  readonly policy: TlsPolicy
  /** Never empty. The first is the default; the server name (SNI) selects the others. */
  readonly certificates: readonly InstalledCertificate[]
  readonly alpn: readonly string[]
  readonly handshakeTimeoutMs: number
  /** Staples OCSP responses to handshakes that ask for one. RFC 6066 section 8. */
  readonly ocspStapling?: boolean
  /** Absent: clients are not asked for a certificate. */
  readonly clientCertificates?: ClientCertificateSettings
  /** Absent: clients that share no version or suite with node:tls are refused. */
  readonly legacy?: LegacySettings
}

/** How a virtual server treats client certificates. */
export interface ClientCertificateSettings {
  /** accept: a client may send one. require: it must send one that can be verified. */
  readonly mode: 'accept' | 'require'
  /** PEM of the authorities that client certificates are verified against. */
  readonly authoritiesPem: readonly string[]
  /** Returns the account that a verified certificate names, or why the certificate is refused: `revoked`. `issuers` is in DER. */
  readonly judge: (
    certificate: ClientCertificateFacts,
    issuers: readonly Buffer[],
  ) => Promise<{ account?: string; refused?: string }>
}

/**
 * Performs the TLS handshakes of one virtual server, with node:tls or with the engine for old clients. A new certificate
 * or policy means a new acceptor, used for the next handshakes; open connections are not affected.
 */
export class TlsAcceptor {
  readonly #settings: TlsSettings
  readonly #node: NodeTls
  readonly #legacy: LegacyAcceptor | undefined
  #capabilities: Promise<NodeCapabilities> | undefined

  /** @throws when a certificate, its key or the policy is unusable */
  constructor(settings: TlsSettings) {
    const { legacy, policy, clientCertificates } = settings
    this.#settings = settings
    this.#node = new NodeTls(settings)
    // The engine cannot ask for client certificates, so it is off where one is required.
    if (legacy && clientCertificates?.mode !== 'require') this.#legacy = new LegacyAcceptor(legacy, policy)
  }

  /**
   * Performs the handshake on a raw socket. Records the client's offer and the result.
   * @param memory reserves the memory of the ClientHello
   * @throws HandshakeFailure
   */
  async accept(
    raw: Duplex,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
    memory: MemoryReservation,
  ): Promise<SecuredSocket> {
    const { policy, handshakeTimeoutMs } = this.#settings
    raw.on('error', (error) => record.note(`socket error: ${error.message}`))
    let isFull = false
    const first = await peekClientHello(raw, handshakeTimeoutMs, (octets) => {
      isFull = !memory.tryGrow(octets)
      return !isFull
    })
    if (first === undefined) throw handshakeFailed(raw, record, isFull ? NO_MEMORY : NO_CLIENT_HELLO)
    const hello = first.kind === 'hello' ? first.facts : undefined
    if (hello) record.hello(hello)
    if (first.kind === 'hello' && this.#legacy && (await this.#needsLegacy(first.facts, first.sslv2, this.#legacy))) {
      return this.#acceptLegacy(this.#legacy, raw, first.facts, record, keyLog)
    }
    const { clientCertificates } = this.#settings
    const alert = clientCertificates && new FatalAlert(raw, this.#isTls13(hello))
    const keyLogs: KeyLog | undefined = alert
      ? (line) => {
          alert.keyLog(line)
          keyLog?.(line)
        }
      : keyLog
    const socket = await this.#node.handshake(alert?.stream ?? raw, hello, keyLogs).catch((error: Error) => {
      throw handshakeFailed(raw, record, explainHandshakeFailure(error, hello, policy), error)
    })
    alert?.complete()
    const agreed = tlsFacts(socket, this.#node.certificateOf(socket), hello)
    const facts = clientCertificates
      ? await this.#identified(agreed, clientCertificates, socket, raw, record, alert)
      : agreed
    alert?.discard()
    // The cipher string excludes weak suites already; this check does not rely on it.
    if (policy.require128BitEncryption && facts.bits < 128) {
      socket.destroy()
      const why = `${facts.cipher} has ${facts.bits} bits; this virtual server requires 128-bit encryption`
      throw handshakeFailed(raw, record, why)
    }
    record.secured(facts)
    return { socket, facts }
  }

  /** Returns whether the handshake, if it succeeds, will be one of TLS 1.3. */
  #isTls13(hello: ClientHelloFacts | undefined): boolean {
    const { policy, certificates } = this.#settings
    const allowed = policy.maxVersion === 'TLSv1.3' && certificates[0]?.needs?.maxVersion === undefined
    return allowed && (hello?.versions.includes('TLSv1.3') ?? false)
  }

  /** Returns whether the client can be served only by the legacy engine. */
  async #needsLegacy(hello: ClientHelloFacts, sslv2: boolean, legacy: LegacyAcceptor): Promise<boolean> {
    if (!legacy.canServe(hello)) return false
    if (sslv2) return true
    this.#capabilities ??= nodeCapabilities(this.#settings.policy, this.#settings.certificates)
    return !nodeCanServe(hello, await this.#capabilities)
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
      throw handshakeFailed(raw, record, (error as Error).message, error as Error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Adds the client's certificate, if it sent one, to the facts. @throws HandshakeFailure when it is refused */
  async #identified(
    facts: TlsFacts,
    { judge }: ClientCertificateSettings,
    socket: TLSSocket,
    raw: Duplex,
    record: SessionRecorder,
    alert: FatalAlert | undefined,
  ): Promise<TlsFacts> {
    const sent = clientCertificateOf(socket)
    if (!sent) return facts
    const { facts: certificate, issuers } = sent
    const { subject, verified, error } = certificate
    const { account, refused } = verified ? await judge(certificate, issuers) : {}
    if (refused !== undefined) {
      const { handshakeTimeoutMs: timeoutMs } = this.#settings
      const octets = await alert?.record('certificateRevoked', socket)
      // Where no alert can be made, it is close_notify.
      await (octets ? endOf(raw, timeoutMs, octets) : endOf(socket, timeoutMs))
      throw handshakeFailed(raw, record, `the client’s certificate (${subject}) is ${refused}`)
    }
    if (!verified) record.note(`the client’s certificate (${subject}) is not verified: ${error}`)
    return { ...facts, clientCertificate: account === undefined ? certificate : { ...certificate, account } }
  }
}

/** The reason if a client's ClientHello does not arrive within `handshakeTimeout`. */
export const NO_CLIENT_HELLO = 'the client closed the connection, or sent nothing, before the handshake'

const NO_MEMORY = 'the memory limit of the lab (memoryLimit) is reached'

/** Records a failed handshake and closes the socket. Returns the error to throw. */
export function handshakeFailed(raw: Duplex, record: SessionRecorder, why: string, cause?: Error): HandshakeFailure {
  record.refused(`TLS handshake: ${why}`)
  raw.destroy()
  return new HandshakeFailure(why, cause ? { cause } : undefined)
}

/** Ends a stream, after some last octets. Resolves when they are sent, the client has left or time runs out. */
function endOf(stream: Duplex, timeoutMs: number, octets: Buffer = Buffer.alloc(0)): Promise<void> {
  return new Promise((done) => {
    const settled = (): void => {
      clearTimeout(timer)
      done()
    }
    const timer = setTimeout(settled, timeoutMs)
    stream.once('close', settled)
    stream.end(octets, settled)
  })
}
