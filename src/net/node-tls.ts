import { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { createContext, issuedTo } from '../tls/context.ts'
import { contextOptions } from '../tls/policy.ts'
import type { TlsSettings } from './tls-acceptor.ts'

/** Takes lines of the NSS key log. */
export type KeyLog = (line: Buffer) => void

interface Worn {
  readonly certificate: InstalledCertificate
  readonly context: SecureContext
}

/** Handshakes by node:tls under one set of settings. */
export class NodeTls {
  readonly #settings: TlsSettings
  /** The certificates beside the default one. */
  readonly #others: readonly Worn[]
  readonly #server: tls.Server
  #serverWithoutAlpn: tls.Server | undefined

  /** @throws when a certificate and its key, or the policy, are unusable */
  constructor(settings: TlsSettings) {
    this.#settings = settings
    this.#others = settings.certificates.slice(1).map((certificate) => ({
      certificate,
      context: createContext(settings.policy, certificate, settings.clientCertificates?.authoritiesPem),
    }))
    this.#server = this.#makeServer(true)
  }

  /** @throws what node:tls, or the client's close, or the time-out said; the raw socket is the caller's to close */
  handshake(raw: Duplex, hello: ClientHelloFacts | undefined, keyLog: KeyLog | undefined): Promise<TLSSocket> {
    return new Promise<TLSSocket>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        raw.off('close', onClose)
        finish()
      }
      const fail = (error: Error): void => settle(() => reject(error))
      // Where node:tls closes, it says why right after.
      const onClose = (): void => void setImmediate(() => fail(coded('ECONNRESET', 'connection closed')))
      const timer = setTimeout(
        () => fail(coded('ERR_TLS_HANDSHAKE_TIMEOUT', 'handshake time-out')),
        this.#settings.handshakeTimeoutMs,
      )
      raw.once('close', onClose)
      // A client that closes its side before it has shaken hands is gone; one that has may still want its answers.
      raw.allowHalfOpen = false
      connect(this.#serverFor(hello), raw, {
        secureConnection: (socket) => {
          for (const stream of [raw, socket as TLSSocket]) stream.allowHalfOpen = true
          settle(() => resolve(socket as TLSSocket))
        },
        tlsClientError: (error, socket) => fail(rejection(error as Error, socket as TLSSocket)),
        // Lines come after the handshake too (TLS 1.3 key updates).
        ...(keyLog ? { keylog: (line) => keyLog(line as Buffer) } : {}),
      })
    })
  }

  /** The certificate that a client asking for `name` is shown. */
  shown(name: string | undefined): InstalledCertificate {
    const other = name === undefined ? undefined : this.#byName(name)
    return other?.certificate ?? (this.#settings.certificates[0] as InstalledCertificate)
  }

  /** The certificate that is issued to a name; undefined: the default one serves. */
  #byName(name: string): Worn | undefined {
    return this.#others.find(({ certificate }) => issuedTo(certificate, name))
  }

  /**
   * Node.js refuses a client whose ALPN names are all unknown (alert 120). Such a client is served without ALPN, as by
   * a server that does not know the extension. RFC 7301 section 3.2 leaves the choice to the server.
   */
  #serverFor(hello: ClientHelloFacts | undefined): tls.Server {
    const unknown = hello && hello.alpn.length > 0 && !hello.alpn.some((name) => this.#settings.alpn.includes(name))
    if (!unknown) return this.#server
    this.#serverWithoutAlpn ??= this.#makeServer(false)
    return this.#serverWithoutAlpn
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
    const server = tls.createServer({
      ...contextOptions(policy, certificates[0] as InstalledCertificate),
      ...(clientCertificates
        ? {
            ca: [...clientCertificates.authoritiesPem],
            requestCert: true,
            rejectUnauthorized: clientCertificates.mode === 'require',
          }
        : {}),
      SNICallback: (name, done) => done(null, this.#byName(name)?.context),
      ...(withAlpn ? { ALPNCallback } : {}),
    })
    if (this.#settings.ocspStapling) server.on('OCSPRequest', (shown, _, done) => done(null, this.#staple(shown)))
    return server
  }
}

/** What a handshake tells, by the name of the tls.Server event. */
type Handlers = Readonly<Record<string, (...args: readonly unknown[]) => void>>

/**
 * Hands a raw stream to a tls.Server that listens nowhere. The server tells all its handshakes in its own events, and
 * nothing public says which stream an event is about; so each stream gets a view of the server that has its own `emit`.
 */
function connect(server: tls.Server, raw: Duplex, handlers: Handlers): void {
  const view: tls.Server = Object.create(server, {
    emit: { value: (event: string, ...args: unknown[]) => handled(server, handlers, event, args) },
    // Key logging costs a handshake a little: node:tls does it only where somebody listens.
    listenerCount: { value: (event: string) => (handlers[event] ? 1 : server.listenerCount(event)) },
  })
  for (const onConnection of server.listeners('connection')) onConnection.call(view, raw)
}

function handled(server: tls.Server, handlers: Handlers, event: string, args: readonly unknown[]): boolean {
  const handler = handlers[event]
  if (!handler) return server.emit(event, ...args)
  handler(...args)
  return true
}

/** node:tls closes on a client whose certificate is not good enough as if the client had: the reason is on the socket. */
function rejection(error: Error, { authorizationError: reason }: TLSSocket): Error {
  return reason ? coded('CLIENT_CERTIFICATE_REJECTED', String(reason)) : error
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
