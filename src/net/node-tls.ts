import { randomBytes, X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { createContext, isIssuedTo } from '../tls/context.ts'
import { contextOptions } from '../tls/policy.ts'
import type { TlsSettings } from './tls-acceptor.ts'

/** Takes lines of the NSS key log. */
export type KeyLog = (line: Buffer) => void

/** A certificate that is chosen by SNI. */
interface Other {
  readonly certificate: InstalledCertificate
  readonly x509: X509Certificate
  readonly context: SecureContext
}

/** Handshakes by node:tls under one set of settings. */
export class NodeTls {
  readonly #settings: TlsSettings
  /** The certificates beside the default one. */
  readonly #others: readonly Other[]
  /** A client that resumes finds its ticket good for either of the servers below. */
  readonly #ticketKeys = randomBytes(48)
  readonly #View: ViewClass
  #ViewWithoutAlpn: ViewClass | undefined

  /** @throws when a certificate and its key, or the policy, are unusable */
  constructor(settings: TlsSettings) {
    this.#settings = settings
    this.#others = settings.certificates.slice(1).map((certificate) => ({
      certificate,
      x509: new X509Certificate(certificate.certificatePem),
      context: createContext(settings.policy, certificate, settings.clientCertificates?.authoritiesPem),
    }))
    this.#View = viewsOf(this.#makeServer(true))
  }

  /** @throws what node:tls, or the client's close, or the time-out said; the raw socket is the caller's to close */
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
      // Where node:tls closes, it says why right after.
      const onClose = (): void => void setImmediate(() => failed(coded('ECONNRESET', 'connection closed')))
      const timer = setTimeout(
        () => failed(coded('ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake time-out')),
        this.#settings.handshakeTimeoutMs,
      )
      raw.on('close', onClose)
      // A client that closes its side before it has shaken hands is gone; one that has may still want its answers.
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

  /** The certificate that a client asking for `name` is shown. */
  shown(name: string | undefined): InstalledCertificate {
    const other = name === undefined ? undefined : this.#byName(name)
    return other?.certificate ?? (this.#settings.certificates[0] as InstalledCertificate)
  }

  /** The certificate that is issued to a name; undefined: the default one serves. */
  #byName(name: string): Other | undefined {
    return this.#others.find(({ x509 }) => isIssuedTo(x509, name))
  }

  /**
   * Node.js refuses a client whose ALPN names are all unknown (alert 120). Such a client is served without ALPN, as by
   * a server that does not know the extension. RFC 7301 section 3.2 leaves the choice to the server.
   */
  #viewFor(hello: ClientHelloFacts | undefined): ViewClass {
    const known = this.#settings.alpn
    if (!hello || hello.alpn.length === 0 || hello.alpn.some((name) => known.includes(name))) return this.#View
    this.#ViewWithoutAlpn ??= viewsOf(this.#makeServer(false))
    return this.#ViewWithoutAlpn
  }

  /** What the issuer of the certificate (DER) says of it; empty: nothing is stapled. */
  #staple(shown: Buffer): Buffer {
    const found = this.#settings.certificates.find(({ certificatePem }) =>
      new X509Certificate(certificatePem).raw.equals(shown),
    )
    return found?.ocspResponse?.() ?? Buffer.alloc(0)
  }

  #makeServer(withAlpn: boolean): tls.Server {
    const { policy, certificates, alpn, clientCertificates } = this.#settings
    const ALPNCallback = ({ protocols }: { protocols: string[] }) => alpn.find((name) => protocols.includes(name))
    const SNICallback: tls.TlsOptions['SNICallback'] = (name, done) => done(null, this.#byName(name)?.context)
    const server = tls.createServer({
      ...contextOptions(policy, certificates[0] as InstalledCertificate),
      ticketKeys: this.#ticketKeys,
      ...(clientCertificates
        ? {
            ca: [...clientCertificates.authoritiesPem],
            requestCert: true,
            rejectUnauthorized: clientCertificates.mode === 'require',
          }
        : {}),
      // Where there is one, each handshake stops in its middle to ask it.
      ...(this.#others.length > 0 ? { SNICallback } : {}),
      ...(withAlpn ? { ALPNCallback } : {}),
    })
    if (this.#settings.ocspStapling) server.on('OCSPRequest', (shown, _, done) => done(null, this.#staple(shown)))
    return server
  }
}

/** What is to be told of one handshake. Lines of the key log come after it too (TLS 1.3 key updates). */
interface Told {
  readonly secured: (socket: TLSSocket) => void
  readonly failed: (error: Error) => void
  readonly keyLog: KeyLog | undefined
}

type ViewClass = new (told: Told) => { accept(raw: Duplex): void }

/**
 * A tls.Server that listens nowhere tells all its handshakes in its own events, and nothing public says which stream an
 * event is about; so each stream is handed to a view of the server that has its own `emit`. They are of one class, whose
 * prototype is the server: objects that each had it as theirs would make node:tls slow.
 */
function viewsOf(server: tls.Server): ViewClass {
  class View {
    #told: Told | undefined

    constructor(told: Told) {
      this.#told = told
    }

    accept(raw: Duplex): void {
      for (const onConnection of server.listeners('connection')) onConnection.call(this, raw)
    }

    emit(event: string, ...args: readonly unknown[]): boolean {
      const told = this.#told
      if (told === undefined) return server.emit(event, ...args)
      if (event === 'keylog') told.keyLog?.(args[0] as Buffer)
      else if (event === 'secureConnection') told.secured(args[0] as TLSSocket)
      else if (event === 'tlsClientError') told.failed(rejection(args[0] as Error, args[1] as TLSSocket))
      else return server.emit(event, ...args)
      // The socket keeps its view for good.
      if (!told.keyLog) this.#told = undefined
      return true
    }

    /** Key logging costs a handshake a little: node:tls does it only where somebody listens. */
    listenerCount(event: string): number {
      return event === 'keylog' && this.#told?.keyLog ? 1 : server.listenerCount(event)
    }
  }
  Object.setPrototypeOf(View.prototype, server)
  return View
}

/** node:tls closes on a client whose certificate is not good enough as if the client had: the reason is on the socket. */
function rejection(error: Error, { authorizationError: reason }: TLSSocket): Error {
  return reason ? coded('CLIENT_CERTIFICATE_REJECTED', String(reason)) : error
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
