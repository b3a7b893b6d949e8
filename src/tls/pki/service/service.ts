import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { coalesce } from '../../../core/async/coalesce.ts'
import { listen, listenFailure } from '../../../core/network/listen.ts'
import { maskUrls } from '../../../core/text/mask-urls.ts'
import type { StoreIndex } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import type { StoreLog } from '../types.ts'
import { ServiceActivity } from './activity.ts'
import { authorityRoutes } from './authority-routes.ts'
import { findRoute, type Route, type ServiceRequest, type ServiceResponse } from './routes.ts'

interface AuthorityServiceOptions {
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** Address of the service in certificates. Default: the lab's host name and the port. */
  readonly url?: string
  readonly hostname: string
  readonly log: StoreLog
  /** Also serves HTTPS, with the certificate that `auto` gives for these names. */
  readonly tls?: { readonly port: number; readonly names: readonly string[] }
  /** The service does not keep the process running. Default: it does. */
  readonly isBackground?: boolean
  /** Returns further routes, such as an ACME directory's. Called for each request. */
  readonly routes?: () => readonly Route[]
}

/** The HTTP service of a lab's authorities: revocation lists, OCSP, certificates, and added routes. */
export class AuthorityService implements AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Undefined without HTTPS. */
  readonly tlsPort: number | undefined
  /** The revocation lists and OCSP answers that clients get. */
  readonly activity: ServiceActivity
  readonly #store: CertificateStore
  readonly #servers: readonly (Server | TlsServer)[]
  readonly #unwatch: () => void

  private constructor(
    store: CertificateStore,
    activity: ServiceActivity,
    servers: readonly (Server | TlsServer)[],
    url: string,
    unwatch: () => void,
  ) {
    const [port, tlsPort] = servers.map((server) => (server.address() as AddressInfo).port)
    this.#store = store
    this.activity = activity
    this.#servers = servers
    this.#unwatch = unwatch
    this.url = url
    this.port = port ?? 0
    this.tlsPort = tlsPort
  }

  /**
   * Opens the service. Certificates that the store issues from now on contain its addresses.
   * @throws PkiError `refused` if a port cannot be opened
   */
  static async open(store: CertificateStore, options: AuthorityServiceOptions): Promise<AuthorityService> {
    const { tls, log } = options
    const activity = new ServiceActivity(store)
    const own = cachedRoutes(store, activity)
    const routes = (): Route[] => [...(options.routes?.() ?? []), ...own()]
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      answerRequest(routes, request, response, log).catch((err: Error) => {
        log.info({ err, path: maskUrls(request.url ?? '') }, `authority service: ${err.message}`)
        response.destroy()
      })
    }
    const server = createServer(onRequest)
    await openPort(server, options.port, options)
    const { port } = server.address() as AddressInfo
    const url = options.url ?? `http://${options.hostname}:${port}`
    store.serviceUrl = url
    if (!tls) {
      // Without a listener the store would not notice changes by other processes.
      const unwatch = store.watch(() => void activity.prepare())
      void activity.prepare()
      return new AuthorityService(store, activity, [server], url, unwatch)
    }
    try {
      const tlsServer = createTlsServer(await httpsCertificate(store, tls.names), onRequest)
      await openPort(tlsServer, tls.port, options)
      const renew = coalesce(() =>
        httpsCertificate(store, tls.names).then(
          (certificate) => tlsServer.setSecureContext(certificate),
          (err: Error) => log.error({ err }, 'authority service: the previous certificate stays in use'),
        ),
      )
      const unwatch = store.watch(() => {
        renew()
        void activity.prepare()
      })
      void activity.prepare()
      return new AuthorityService(store, activity, [server, tlsServer], url, unwatch)
    } catch (error) {
      store.serviceUrl = undefined
      server.close()
      throw error
    }
  }

  /** Closes the service. Certificates that the store issues from now on do not contain its addresses. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    this.activity[Symbol.dispose]()
    this.#store.serviceUrl = undefined
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise((closed) => {
            server.close(closed)
            server.closeAllConnections()
          }),
      ),
    )
  }
}

/** Returns the certificate that `auto` gives for the names, in the form that Node.js takes. */
async function httpsCertificate(
  store: CertificateStore,
  names: readonly string[],
): Promise<{ key: string; cert: string }> {
  const [certificate] = await store.resolve('authority service', { kind: 'auto' }, names)
  if (!certificate) throw new PkiError('refused', 'certificates.service: there is no certificate for HTTPS')
  const { privateKeyPem, certificatePem, chainPem } = certificate
  return { key: privateKeyPem, cert: [certificatePem, ...chainPem].join('\n') }
}

/** Returns the routes of the store's authorities. Creates them again after each change of the store. */
function cachedRoutes(store: CertificateStore, activity: ServiceActivity): () => readonly Route[] {
  let made: { index: StoreIndex; routes: readonly Route[] } | undefined
  return () => {
    const { index } = store
    if (made?.index !== index) made = { index, routes: authorityRoutes(store, activity) }
    return made.routes
  }
}

async function openPort(
  server: Server | TlsServer,
  port: number,
  { address, log, isBackground }: AuthorityServiceOptions,
): Promise<void> {
  if (isBackground) server.unref().on('connection', (socket: Socket) => socket.unref())
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  try {
    await listen(server, { host: address, port }, (err) =>
      log.error({ err }, 'authority service: a connection could not be accepted'),
    )
  } catch (cause) {
    const why = listenFailure(address, port, cause as NodeJS.ErrnoException)
    throw new PkiError('refused', `certificates.service: ${why}`, { cause })
  }
}

async function answerRequest(
  routes: () => Route[],
  request: IncomingMessage,
  response: ServerResponse,
  log: StoreLog,
): Promise<void> {
  const found = await respond(routes, request).catch((err: Error) => {
    // The client disconnected before its request was complete.
    if (request.destroyed && !request.complete) throw err
    log.error({ err, path: maskUrls(request.url ?? '') }, `authority service: ${err.message}`)
    return textResponse(500, 'internal error')
  })
  const { status = 200, type, body, headers } = found
  const octets = Buffer.from(body)
  response.writeHead(status, { 'content-type': type, 'content-length': octets.length, ...headers })
  response.end(request.method === 'HEAD' ? undefined : octets)
}

async function respond(routes: () => Route[], request: IncomingMessage): Promise<ServiceResponse> {
  const [path = '/'] = (request.url ?? '/').split('?', 1)
  const route = findRoute(routes(), path)
  if (route === undefined) return textResponse(404, 'not found')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (!route.methods.some((one) => one === method)) {
    return textResponse(405, 'method not allowed', { allow: route.methods.join(', ') })
  }
  const body = await readBody(request)
  if (body === undefined) return textResponse(413, 'request too long', { connection: 'close' })
  const { socket, headers } = request
  return route.handle({
    method: method as ServiceRequest['method'],
    path,
    rest: path.slice(route.path.length),
    headers,
    body,
    origin: `${'encrypted' in socket ? 'https' : 'http'}://${headers.host ?? ''}`,
    clientAddress: socket.remoteAddress ?? '',
  })
}

const textResponse = (status: number, text: string, headers: ServiceResponse['headers'] = {}): ServiceResponse => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${text}\n`,
  headers,
})

/** Longest body of a request, more than any real request needs. */
const MAX_BODY_OCTETS = 64 * 1024

/** Reads the body of a request. Returns undefined if it is too long. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_OCTETS) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
