import { randomBytes, X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { type NodeCapabilities, nodeCapabilities } from '../tls/node-capabilities.ts'
import { companionsOf, contextOptions, createContext, isIssuedTo, type KeyLog } from '../tls/policy.ts'
import type { TlsSettings } from './tls-acceptor.ts'

/** A certificate selected by server name (SNI). */
interface NamedCertificate {
  readonly certificate: InstalledCertificate
  readonly x509: X509Certificate
  readonly companions: readonly InstalledCertificate[]
  readonly context: SecureContext
}

/** Performs handshakes by node:tls with one set of settings. */
export class NodeTls {
  readonly #settings: TlsSettings
  readonly #default: X509Certificate
  /** The certificates other than the default one. */
  readonly #others: readonly NamedCertificate[]
  /** Served in place of the default one, to clients that cannot verify its kind of key. */
  readonly #companions: readonly InstalledCertificate[]
  /** Shared by the two servers below, so that a ticket of one is valid at the other. */
  readonly #ticketKeys = randomBytes(48)
  readonly #capabilities = new Map<InstalledCertificate, Promise<NodeCapabilities>>()
  readonly #View: ViewClass
  #ViewWithoutAlpn: ViewClass | undefined

  /** @throws when a certificate, its key or the policy is unusable */
  constructor(settings: TlsSettings) {
    this.#settings = settings
    const { certificates, policy, ocspStapling, clientCertificates } = settings
    // node:tls asks for the OCSP response before OpenSSL has chosen the certificate.
    const companions = (one: InstalledCertificate) => (ocspStapling ? [] : companionsOf(one, certificates))
    const [first] = certificates as readonly [InstalledCertificate]
    this.#default = new X509Certificate(first.certificatePem)
    this.#companions = companions(first)
    this.#others = certificates.slice(1).map((certificate) => {
      const own = companions(certificate)
      const x509 = new X509Certificate(certificate.certificatePem)
      const context = createContext(policy, certificate, own, clientCertificates?.authoritiesPem)
      return { certificate, x509, companions: own, context }
    })
    this.#View = viewsOf(this.#makeServer(true))
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
      const onClose = (): void => void setImmediate(() => failed(coded('ECONNRESET', 'connection closed')))
      const timer = setTimeout(
        () => failed(coded('ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake timeout')),
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
    const named = serverName === undefined ? undefined : this.#byName(serverName)
    const certificate = named?.certificate ?? (this.#settings.certificates[0] as InstalledCertificate)
    const known = this.#capabilities.get(certificate)
    if (known) return known
    const companions = named?.companions ?? this.#companions
    const found = nodeCapabilities(this.#settings.policy, certificate, companions)
    this.#capabilities.set(certificate, found)
    return found
  }

  /** Returns the certificate that a handshake used. */
  certificateOf(socket: TLSSocket): InstalledCertificate {
    const { certificates } = this.#settings
    if (certificates.length === 1) return certificates[0] as InstalledCertificate
    const sent = socket.getX509Certificate()?.fingerprint.replaceAll(':', '')
    return certificates.find(({ thumbprint }) => thumbprint === sent) ?? (certificates[0] as InstalledCertificate)
  }

  /** Returns the certificate issued to a name; undefined for the default one. */
  #byName(name: string): NamedCertificate | undefined {
    const found = this.#others.find(({ x509 }) => isIssuedTo(x509, name))
    // The context of the default certificate has its companions too.
    if (found && this.#companions.includes(found.certificate) && isIssuedTo(this.#default, name)) return undefined
    return found
  }

  /**
   * Returns the class of views for a client. Node.js refuses a client whose ALPN names are all unknown (alert 120, RFC 7301
   * section 3.2). Unless that is wanted, such a client is served as by a server without ALPN.
   */
  #viewFor(hello: ClientHelloFacts | undefined): ViewClass {
    const { alpn: known, isAlpnStrict } = this.#settings
    if (isAlpnStrict || !hello || hello.alpn.length === 0 || hello.alpn.some((name) => known.includes(name)))
      return this.#View
    this.#ViewWithoutAlpn ??= viewsOf(this.#makeServer(false))
    return this.#ViewWithoutAlpn
  }

  /** Returns the OCSP response to staple to a certificate (DER); empty for none. */
  #staple(certificateDer: Buffer): Buffer {
    const found = this.#settings.certificates.find(({ certificatePem }) =>
      new X509Certificate(certificatePem).raw.equals(certificateDer),
    )
    return found?.ocspResponse?.() ?? Buffer.alloc(0)
  }

  #makeServer(withAlpn: boolean): tls.Server {
    const { policy, certificates, alpn, clientCertificates } = this.#settings
    const ALPNCallback = ({ protocols }: { protocols: string[] }) => alpn.find((name) => protocols.includes(name))
    const SNICallback: tls.TlsOptions['SNICallback'] = (name, done) => done(null, this.#byName(name)?.context)
    const server = tls.createServer({
      ...contextOptions(policy, certificates[0] as InstalledCertificate, this.#companions),
      ticketKeys: this.#ticketKeys,
      ...(clientCertificates
        ? {
            ca: [...clientCertificates.authoritiesPem],
            requestCert: true,
            rejectUnauthorized: clientCertificates.mode === 'require',
          }
        : {}),
      // A callback interrupts every handshake, so it is set only when needed.
      ...(this.#others.length > 0 ? { SNICallback } : {}),
      ...(withAlpn ? { ALPNCallback } : {}),
    })
    if (this.#settings.ocspStapling)
      server.on('OCSPRequest', (certificate, _, done) => done(null, this.#staple(certificate)))
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
  class View {
    #events: HandshakeEvents | undefined

    constructor(events: HandshakeEvents) {
      this.#events = events
    }

    accept(raw: Duplex): void {
      for (const onConnection of server.listeners('connection')) onConnection.call(this, raw)
    }

    emit(event: string, ...args: readonly unknown[]): boolean {
      const events = this.#events
      if (events === undefined) return server.emit(event, ...args)
      if (event === 'keylog') events.keyLog?.(args[0] as Buffer)
      else if (event === 'secureConnection') events.secured(args[0] as TLSSocket)
      else if (event === 'tlsClientError') events.failed(rejection(args[0] as Error, args[1] as TLSSocket))
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

/** Returns the real reason of a failure. For a rejected client certificate, node:tls reports only that the client closed. */
function rejection(error: Error, { authorizationError: reason }: TLSSocket): Error {
  return reason ? coded('CLIENT_CERTIFICATE_REJECTED', String(reason)) : error
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
