import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { listen } from '../../common/listen.ts'
import type { CertificateStore, StoreLog } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { revocationRoutes, startPages } from './authority-routes.ts'
import { findRoute, type Route, type ServiceRequest, type ServiceResponse } from './routes.ts'

export interface AuthorityServiceOptions {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  /** What certificates call it. Default: the lab's host name and the port. */
  readonly url?: string
  readonly hostname: string
  readonly log: StoreLog
  /** HTTPS beside it, wearing what `certificate: auto` gives for these names. */
  readonly tls?: { readonly port: number; readonly names: readonly string[] }
  /** What else is answered at, as an ACME directory. Asked at each request. */
  readonly routes?: () => readonly Route[]
}

/** No request to an authority is longer. */
const longestBody = 64 * 1024
const plain = (status: number, text: string, headers: ServiceResponse['headers'] = {}): ServiceResponse => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${text}\n`,
  headers,
})

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The HTTP listener of a lab's authorities: revocation lists, OCSP, certificates, and what is added to them. */
export class AuthorityService implements AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Undefined: there is no HTTPS. */
  readonly tlsPort: number | undefined
  readonly #store: CertificateStore
  readonly #servers: readonly (Server | TlsServer)[]
  readonly #unwatch: () => void

  private constructor(
    store: CertificateStore,
    servers: readonly (Server | TlsServer)[],
    url: string,
    unwatch: () => void,
  ) {
    const [port, tlsPort] = servers.map((server) => (server.address() as AddressInfo).port)
    this.#store = store
    this.#servers = servers
    this.#unwatch = unwatch
    this.url = url
    this.port = port ?? 0
    this.tlsPort = tlsPort
  }

  /**
   * Opens the listener. What the store issues from then on carries its addresses.
   * @throws PkiError `refused` where the port cannot be opened
   */
  static async open(store: CertificateStore, options: AuthorityServiceOptions): Promise<AuthorityService> {
    const { address, tls, log } = options
    const own = ownRoutes(store)
    const routes = (): Route[] => [...(options.routes?.() ?? []), ...own()]
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      answer(routes, request, response, log).catch((err: Error) => {
        log.info({ err, path: request.url }, `authority service: ${err.message}`)
        response.destroy()
      })
    }
    const server = createServer(onRequest)
    await openPort(server, address, options.port, log)
    const { port } = server.address() as AddressInfo
    const url = options.url ?? `http://${options.hostname}:${port}`
    store.serviceUrl = url
    // Watched, so that what other processes change is seen.
    if (!tls) {
      return new AuthorityService(
        store,
        [server],
        url,
        store.watch(() => {}),
      )
    }
    try {
      const tlsServer = createTlsServer(await wornBy(store, tls.names), onRequest)
      await openPort(tlsServer, address, tls.port, log)
      const unwatch = store.watch(() => {
        wornBy(store, tls.names).then(
          (worn) => tlsServer.setSecureContext(worn),
          (err: Error) => log.error({ err }, 'authority service: the last certificate stays in service'),
        )
      })
      return new AuthorityService(store, [server, tlsServer], url, unwatch)
    } catch (error) {
      store.serviceUrl = undefined
      server.close()
      throw error
    }
  }

  /** Closes it. What the store issues from then on no more carries its addresses. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
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

/** The certificate that `auto` issues for the names, as HTTPS takes it. */
async function wornBy(store: CertificateStore, names: readonly string[]): Promise<{ key: string; cert: string }> {
  const [worn] = await store.resolve('authority service', { kind: 'auto' }, names)
  if (!worn) throw new PkiError('refused', 'authorityService: no certificate for HTTPS')
  return { key: worn.privateKeyPem, cert: [worn.certificatePem, ...worn.chainPem].join('\n') }
}

/** The routes of the store's authorities, made anew after each change of the store. */
function ownRoutes(store: CertificateStore): () => readonly Route[] {
  let made: { revision: number; routes: readonly Route[] } | undefined
  return () => {
    const { revision } = store.index
    if (made?.revision !== revision) made = { revision, routes: [...revocationRoutes(store), ...startPages(store)] }
    return made.routes
  }
}

async function openPort(server: Server | TlsServer, address: string, port: number, log: StoreLog): Promise<void> {
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  try {
    await listen(server, { host: address, port }, (err) =>
      log.error({ err }, 'authority service: a connection could not be accepted'),
    )
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'it is in use' : message
    throw new PkiError('refused', `authorityService: ${address} port ${port} cannot be opened: ${why}`, { cause })
  }
}

async function answer(
  routes: () => Route[],
  request: IncomingMessage,
  response: ServerResponse,
  log: StoreLog,
): Promise<void> {
  const {
    status = 200,
    type,
    body,
    headers,
  } = await respond(routes, request).catch((err: Error) => {
    // The client has hung up in the middle of its request.
    if (request.destroyed && !request.complete) throw err
    log.error({ err, path: request.url }, `authority service: ${err.message}`)
    return plain(500, 'internal error')
  })
  const octets = Buffer.from(body)
  response.writeHead(status, { 'content-type': type, 'content-length': octets.length, ...headers })
  response.end(request.method === 'HEAD' ? undefined : octets)
}

async function respond(routes: () => Route[], request: IncomingMessage): Promise<ServiceResponse> {
  const path = (request.url ?? '/').replace(/\?.*$/, '')
  const route = findRoute(routes(), path)
  if (route === undefined) return plain(404, 'no such page')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (!route.methods.some((one) => one === method)) {
    return plain(405, 'no such method here', { allow: route.methods.join(', ') })
  }
  const body = await readBody(request)
  if (body === undefined) return plain(413, 'the request is too long', { connection: 'close' })
  const rest = path.slice(route.path.length)
  const { socket, headers } = request
  return route.handle({
    method: method as ServiceRequest['method'],
    path,
    rest,
    headers,
    body,
    origin: `${'encrypted' in socket ? 'https' : 'http'}://${headers.host ?? ''}`,
    clientAddress: socket.remoteAddress ?? '',
  })
}
