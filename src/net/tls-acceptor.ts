import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { MemoryReservation } from '../core/octets/memory-budget.ts'
import type { ClientHelloFacts, SessionRecorder, TlsFacts } from '../core/sessions/types.ts'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'
import { channelBindingsOf } from '../tls/negotiation/channel-bindings.ts'
import { type FirstOctets, peekClientHello, type ReceivedHello } from '../tls/negotiation/client-hello-reader.ts'
import { clientCertificateOf, tlsFacts } from '../tls/negotiation/facts.ts'
import {
  type Explanation,
  explain,
  explainHandshakeFailure,
  explainNoHello,
  recordSocketError,
} from '../tls/negotiation/failure.ts'
import type { FailureContext } from '../tls/negotiation/failure-causes.ts'
import { type AlertName, FatalAlert } from '../tls/negotiation/fatal-alert.ts'
import type { KeyLog } from '../tls/negotiation/policy.ts'
import { combinedTls, type Route, route, type ServedTls } from '../tls/negotiation/routing.ts'
import { isDateError, verifyError } from '../tls/negotiation/verify-errors.ts'
import type { SecuredSocket } from './connection-options.ts'
import { HandshakeFailure } from './errors.ts'
import { LegacyAcceptor } from './legacy-acceptor.ts'
import { NodeTls } from './node-tls.ts'
import type { ClientCertificateSettings, TlsSettings } from './virtual-server-settings.ts'

/**
 * Performs the TLS handshakes of one virtual server, with node:tls or with the engine for old clients. A new certificate
 * or policy means a new acceptor, used for the next handshakes; open connections are not affected.
 */
export class TlsAcceptor {
  readonly #settings: TlsSettings
  readonly #node: NodeTls
  readonly #legacy: LegacyAcceptor | undefined

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
    raw.on('error', (error) => recordSocketError(record, error))
    const first = await peekClientHello(raw, this.#settings.handshakeTimeoutMs, (octets) => memory.tryGrow(octets))
    if (first.kind === 'gone') throw handshakeFailed(raw, record, explainNoHello(first, this.#context(undefined)))
    if (first.kind === 'hello') record.hello(first.facts)
    // Without the engine, nothing needs to be decided.
    const byEngine = this.#legacy && (await this.#acceptLegacy(this.#legacy, raw, first, record, keyLog))
    const secured = byEngine ?? (await this.#acceptNode(raw, first, record, keyLog))
    record.secured(secured.facts)
    recordRenegotiation(secured.socket, record)
    return secured
  }

  /** Performs the handshake with the engine for old clients; undefined if the client is not for it. @throws HandshakeFailure */
  async #acceptLegacy(
    legacy: LegacyAcceptor,
    raw: Duplex,
    first: FirstOctets,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
  ): Promise<SecuredSocket | undefined> {
    if (first.kind !== 'hello' || (await this.#route(first)).by === 'node') return undefined
    if (legacy.defect !== undefined) record.note(`served with the TLS defect ${legacy.defect}`)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      raw.destroy()
    }, this.#settings.handshakeTimeoutMs)
    try {
      return await legacy.accept(raw, first.facts, keyLog)
    } catch (error) {
      const context = this.#context(first)
      const why = isLate ? explain('timeout', context) : explainHandshakeFailure(error as Error, context)
      throw handshakeFailed(raw, record, why, error as Error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Performs the handshake with node:tls. @throws HandshakeFailure */
  async #acceptNode(
    raw: Duplex,
    first: FirstOctets,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
  ): Promise<SecuredSocket> {
    const { policy, clientCertificates } = this.#settings
    const hello = first.kind === 'hello' ? first.facts : undefined
    const alert = clientCertificates && new FatalAlert(raw, this.#isTls13(hello))
    const keyLogs: KeyLog | undefined = alert
      ? (line) => {
          alert.keyLog(line)
          keyLog?.(line)
        }
      : keyLog
    let socket: TLSSocket
    try {
      socket = await this.#node.handshake(alert?.stream ?? raw, hello, keyLogs)
    } catch (error) {
      throw handshakeFailed(raw, record, await this.#explain(error as Error, first), error as Error)
    }
    alert?.complete()
    const agreed = {
      ...tlsFacts(socket, this.#node.certificateOf(socket), hello, policy.groups),
      ...(this.#node.isNamed(hello?.serverName) ? {} : { serverNameMismatch: true as const }),
    }
    const facts = clientCertificates
      ? await this.#identified(agreed, clientCertificates, socket, raw, record, alert)
      : agreed
    alert?.discard()
    // The cipher string excludes weak suites already; this check does not rely on it.
    if (policy.require128BitEncryption && facts.bits < 128) {
      socket.destroy()
      const why = `${facts.cipher} has ${facts.bits} bits; this virtual server requires 128-bit encryption`
      throw handshakeFailed(raw, record, { text: why, cause: 'suite' })
    }
    return { socket, facts, bindings: channelBindingsOf(socket, facts) }
  }

  /** Returns whether the handshake, if it succeeds, will be one of TLS 1.3. */
  #isTls13(hello: ClientHelloFacts | undefined): boolean {
    const { needs } = this.#node.certificateFor(hello?.serverName)
    const allowed = this.#settings.policy.maxVersion === 'TLSv1.3' && needs?.maxVersion === undefined
    return allowed && (hello?.versions.includes('TLSv1.3') ?? false)
  }

  /** Returns the versions, suites and groups that clients can negotiate, as code points. */
  async served(): Promise<ServedTls> {
    return combinedTls(await this.#node.capabilities(undefined), this.#legacy?.capabilities)
  }

  async #route(received: ReceivedHello): Promise<Route> {
    return route(received, await this.#node.capabilities(received.facts.serverName), this.#legacy?.capabilities)
  }

  /** Explains why node:tls refused a client. */
  async #explain(error: Error, first: FirstOctets): Promise<Explanation> {
    const context = this.#context(first)
    if (first.kind !== 'hello') return explainHandshakeFailure(error, context)
    const node = await this.#node.capabilities(first.facts.serverName)
    const { refusal } = route(first, node, this.#legacy?.capabilities)
    const explained = explainHandshakeFailure(error, { ...context, node }, refusal)
    const isOtherName = explained.cause === 'certificate-refused' && !this.#node.isNamed(first.facts.serverName)
    return isOtherName ? { ...explained, cause: 'wrong-name' } : explained
  }

  #context(first: FirstOctets | undefined): FailureContext {
    const { policy, handshakeTimeoutMs: timeoutMs, alpn: protocols } = this.#settings
    return { first, policy, timeoutMs, protocols, hasEngine: this.#legacy !== undefined }
  }

  /** Adds the client's certificate, if it sent one, to the facts. @throws HandshakeFailure when it is refused */
  async #identified(
    facts: TlsFacts,
    { mode, judge }: ClientCertificateSettings,
    socket: TLSSocket,
    raw: Duplex,
    record: SessionRecorder,
    alert: FatalAlert | undefined,
  ): Promise<TlsFacts> {
    const refuse = async (name: AlertName, text: string): Promise<never> => {
      const { handshakeTimeoutMs: timeoutMs } = this.#settings
      const octets = await alert?.record(name, socket)
      // Where no alert can be made, it is close_notify.
      await (octets ? endOf(raw, timeoutMs, octets) : endOf(socket, timeoutMs))
      throw handshakeFailed(raw, record, { text, cause: 'client-certificate' })
    }
    const sent = clientCertificateOf(socket)
    if (!sent) {
      if (mode === 'accept') return facts
      // RFC 8446 section 6.2; RFC 5246 section 7.4.6
      const name = facts.version === 'TLSv1.3' ? 'certificateRequired' : 'handshakeFailure'
      return refuse(name, explain('no client certificate', this.#context(undefined)).text)
    }
    const { facts: certificate, issuers, error } = sent
    const whose = `the client’s certificate (${certificate.subject})`
    // The lab judges dates by its own clock.
    const isJudged = error === undefined || isDateError(error)
    const {
      account,
      refused,
      invalid = undefined,
    } = isJudged ? await judge(certificate, issuers, error === undefined) : { invalid: error }
    if (invalid !== undefined) {
      const { words, alert: name } = verifyError(invalid)
      const why = `${whose} is not verified: ${words}`
      if (mode === 'require') return refuse(name, why)
      record.note(why)
      return { ...facts, clientCertificate: { ...certificate, verified: false, error: words } }
    }
    if (refused !== undefined) return refuse('certificateRevoked', `${whose} is ${refused}`)
    const verified = { ...certificate, verified: true }
    return { ...facts, clientCertificate: account === undefined ? verified : { ...verified, account } }
  }
}

/**
 * Records that a client asked to renegotiate, up to TLS 1.2. OpenSSL refuses with the alert no_renegotiation, and node:tls
 * reports the handshake that did not take place as another `secure` event.
 */
function recordRenegotiation(socket: Duplex, record: SessionRecorder): void {
  const event = socket instanceof TLSSocket ? 'secure' : 'renegotiation'
  socket.on(event, () => record.refused(RENEGOTIATION))
}

const RENEGOTIATION =
  'the client asked to renegotiate TLS, and was refused (alert no_renegotiation): reconnect instead, or use TLS 1.3'

/** Records a failed handshake and closes the socket. Returns the error to throw. */
export function handshakeFailed(
  raw: Duplex,
  record: SessionRecorder,
  { text, cause }: Explanation,
  error?: Error,
): HandshakeFailure {
  record.because(cause)
  record.refused(`TLS handshake: ${text}`)
  raw.destroy()
  return new HandshakeFailure(text, error ? { cause: error } : undefined)
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
