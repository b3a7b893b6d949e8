import { randomBytes, X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import tls, { type TLSSocket } from 'node:tls'
import type { ClientHelloFacts } from '../core/sessions/types.ts'
import { clearTimeout, setImmediate, setTimeout } from '../core/time/real-timers.ts'
import { type NodeCapabilities, nodeCapabilities } from '../tls/negotiation/node-capabilities.ts'
import { companionsOf, contextOptions, isIssuedTo, type KeyLog, policyProblem } from '../tls/negotiation/policy.ts'
import type { InstalledCertificate } from '../tls/pki/types.ts'
import type { TlsSettings } from './virtual-server-settings.ts'

/** A certificate with its servers, which listen nowhere. */
interface ServedCertificate {
  readonly certificate: InstalledCertificate
  /** Parsed on first use: a server with one certificate needs none. */
  readonly x509: () => X509Certificate
  /** Served in its place to clients that cannot verify its kind of key. */
  readonly companions: readonly InstalledCertificate[]
  /** A session is resumed only with the certificate that it began with. RFC 6066 section 3; CVE-2025-23419. */
  readonly ticketKeys: Buffer
  /** Created by the first handshake. Most servers of a lab perform none, and each needs a context of OpenSSL. */
  View?: ViewClass
  ViewWithoutAlpn?: ViewClass
  capabilities?: Promise<NodeCapabilities>
}

/**
 * Performs handshakes by node:tls with one set of settings. Each certificate has a server of its own: OpenSSL looks for the
 * session before it asks for the certificate of a server name, and would take versions and suites from the default one.
 */
export class NodeTls {
  readonly #settings: TlsSettings
  readonly #default: ServedCertificate
  /** Selected by server name (SNI). */
  readonly #others: readonly ServedCertificate[]

  /** @throws when a certificate, its key or the policy is unusable */
  constructor(settings: TlsSettings) {
    for (const certificate of settings.certificates) {
      const why = policyProblem(settings.policy, certificate)
      if (why !== undefined) throw new Error(why)
    }
    this.#settings = settings
    const [first, ...others] = settings.certificates as readonly [InstalledCertificate, ...InstalledCertificate[]]
    this.#default = this.#serve(first)
    this.#others = others.map((certificate) => this.#serve(certificate))
  }

  #serve(certificate: InstalledCertificate): ServedCertificate {
    const { certificates, ocspStapling } = this.#settings
    let parsed: X509Certificate | undefined
    const x509 = (): X509Certificate => {
      parsed ??= new X509Certificate(certificate.certificatePem)
      return parsed
    }
    // node:tls asks for the OCSP response before OpenSSL has chosen the certificate.
    const companions = ocspStapling ? [] : companionsOf(certificate, certificates)
    return { certificate, x509, companions, ticketKeys: randomBytes(48) }
  }

  /** Performs one handshake. @throws if node:tls fails, the client closes or time runs out. The caller closes the raw socket. */
  handshake(raw: Duplex, hello: ClientHelloFacts | undefined, keyLog: KeyLog | undefined): Promise<TLSSocket> {
    return new Promise<TLSSocket>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        raw.off('close', onClose)
      }
      const failed = (error: Error): void => {
        settle()
        reject(error)
      }
      // When node:tls closes the socket, it reports the reason just after.
      const onClose = (): void => void setImmediate(() => failed(errorWithCode('ECONNRESET', 'connection closed')))
      const timer = setTimeout(
        () => failed(errorWithCode('ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake timeout')),
        this.#settings.handshakeTimeoutMs,
      )
      raw.on('close', onClose)
      // A client that closes its side before the end of the handshake has left; later it may still expect replies.
      raw.allowHalfOpen = false
      const secured = (socket: TLSSocket): void => {
        raw.allowHalfOpen = true
        socket.allowHalfOpen = true
        settle()
        resolve(socket)
      }
      ;new (this.#viewFor(hello))({ secured, failed, keyLog }).accept(raw)
    })
  }

  /** Returns what can be negotiated with the certificate for a server name. */
  capabilities(serverName: string | undefined): Promise<NodeCapabilities> {
    const served = this.#byName(serverName)
    const { certificate, companions } = served
    served.capabilities ??= nodeCapabilities(this.#settings.policy, certificate, companions)
    return served.capabilities
  }

  /** Returns the certificate for a server name. */
  certificateFor(serverName: string | undefined): InstalledCertificate {
    return this.#byName(serverName).certificate
  }

  /** Returns whether the certificate for a client contains the server name that it asks for, if it asks for one. */
  isNamed(serverName: string | undefined): boolean {
    return serverName === undefined || isIssuedTo(this.#byName(serverName).x509(), serverName)
  }

  /** Returns the certificate that a handshake used. */
  certificateOf(socket: TLSSocket): InstalledCertificate {
    const { certificates } = this.#settings
    if (certificates.length === 1) return certificates[0] as InstalledCertificate
    const sent = socket.getX509Certificate()?.fingerprint.replaceAll(':', '')
    return certificates.find(({ thumbprint }) => thumbprint === sent) ?? (certificates[0] as InstalledCertificate)
  }

  #byName(name: string | undefined): ServedCertificate {
    const first = this.#default
    const found = name === undefined ? undefined : this.#others.find(({ x509 }) => isIssuedTo(x509(), name))
    // The servers of the default certificate have its companions too.
    if (found && first.companions.includes(found.certificate) && isIssuedTo(first.x509(), name as string)) return first
    return found ?? first
  }

  /**
   * Returns the class of views for a client. Node.js refuses a client whose ALPN names are all unknown (alert 120, RFC 7301
   * section 3.2). Unless that is wanted, such a client is served as by a server without ALPN.
   */
  #viewFor(hello: ClientHelloFacts | undefined): ViewClass {
    const { alpn: known, isAlpnStrict } = this.#settings
    const served = this.#byName(hello?.serverName)
    if (isAlpnStrict || !hello || hello.alpn.length === 0 || hello.alpn.some((name) => known.includes(name))) {
      served.View ??= viewsOf(this.#makeServer(served, true))
      return served.View
    }
    served.ViewWithoutAlpn ??= viewsOf(this.#makeServer(served, false))
    return served.ViewWithoutAlpn
  }

  /** Returns the OCSP response to staple to a certificate (DER); empty for none. */
  #staple(certificateDer: Buffer): Buffer {
    const found = this.#settings.certificates.find(({ certificatePem }) =>
      new X509Certificate(certificatePem).raw.equals(certificateDer),
    )
    return found?.ocspResponse?.() ?? Buffer.alloc(0)
  }

  #makeServer({ certificate, companions, ticketKeys }: ServedCertificate, withAlpn: boolean): tls.Server {
    const { policy, alpn, clientCertificates } = this.#settings
    const ALPNCallback = ({ protocols }: { protocols: string[] }) => alpn.find((name) => protocols.includes(name))
    const server = tls.createServer({
      ...contextOptions(policy, certificate, companions),
      ticketKeys,
      // `handshake` has a timeout of its own. A number below 0 sets none.
      handshakeTimeout: -1,
      ...(clientCertificates
        ? {
            ca: [...clientCertificates.authoritiesPem],
            requestCert: true,
            // TlsAcceptor refuses bad and missing certificates: node:tls would close without an alert.
            rejectUnauthorized: false,
          }
        : {}),
      // A callback interrupts every handshake, so it is set only when needed.
      ...(withAlpn ? { ALPNCallback } : {}),
    })
    if (this.#settings.ocspStapling) server.on('OCSPRequest', (der, _, done) => done(null, this.#staple(der)))
    return server
  }
}

/** Callbacks of one handshake. Lines of the key log also arrive after it (TLS 1.3 key updates). */
interface HandshakeEvents {
  readonly secured: (socket: TLSSocket) => void
  readonly failed: (error: Error) => void
  readonly keyLog: KeyLog | undefined
}

type ViewClass = new (events: HandshakeEvents) => { accept(raw: Duplex): void }

/**
 * Creates a class of views of a tls.Server, one view per handshake. The server, which listens nowhere, reports all
 * handshakes in its own events, and no public interface shows which stream an event belongs to. Each stream is
 * therefore given to a view with its own `emit`. The views share a class whose prototype is the server, because
 * node:tls is slow with objects that each have their own prototype.
 */
function viewsOf(server: tls.Server): ViewClass {
  const onConnection = server.listeners('connection')
  class View {
    #events: HandshakeEvents | undefined

    constructor(events: HandshakeEvents) {
      this.#events = events
    }

    accept(raw: Duplex): void {
      for (const listener of onConnection) listener.call(this, raw)
    }

    emit(event: string, ...args: readonly unknown[]): boolean {
      const events = this.#events
      if (events === undefined) return server.emit(event, ...args)
      if (event === 'keylog') events.keyLog?.(args[0] as Buffer)
      else if (event === 'secureConnection') events.secured(args[0] as TLSSocket)
      else if (event === 'tlsClientError') events.failed(args[0] as Error)
      else return server.emit(event, ...args)
      // The socket keeps its view for as long as it lives.
      if (!events.keyLog) this.#events = undefined
      return true
    }

    /** Returns 0 for `keylog` if no capture needs the keys: node:tls then saves the time of logging them. */
    listenerCount(event: string): number {
      return event === 'keylog' && this.#events?.keyLog ? 1 : server.listenerCount(event)
    }
  }
  Object.setPrototypeOf(View.prototype, server)
  return View
}

const errorWithCode = (code: string, message: string): Error => Object.assign(new Error(message), { code })
