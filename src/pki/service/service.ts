import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CertificateStore, StoreLog } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { revocationRoutes } from './revocation.ts'
import { findRoute, type Route, type ServiceRequest, type ServiceResponse } from './routes.ts'
import { startPages } from './start-page.ts'

export interface AuthorityServiceOptions {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  /** What certificates call it. Default: the lab's host name and the port. */
  readonly url?: string
  readonly hostname: string
  readonly log: StoreLog
  /** What else is answered at, as an ACME directory. Asked at each request. */
  readonly routes?: () => readonly Route[]
}

/** No request to an authority is longer. */
const longestBody = 64 * 1024
const plain = (status: number, text: string): ServiceResponse => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${text}\n`,
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
  readonly #server: Server
  readonly #unwatch: () => void

  private constructor(server: Server, url: string, port: number, unwatch: () => void) {
    this.#server = server
    this.#unwatch = unwatch
    this.url = url
    this.port = port
  }

  /**
   * Opens the listener. What the store issues from then on carries its addresses.
   * @throws PkiError `refused` where the port cannot be opened
   */
  static async open(store: CertificateStore, options: AuthorityServiceOptions): Promise<AuthorityService> {
    const own = ownRoutes(store)
    const routes = (): Route[] => [...(options.routes?.() ?? []), ...own()]
    const server = createServer((request, response) => {
      answer(routes, request, response).catch((err: Error) => {
        options.log.error({ err, path: request.url }, `authority service: ${err.message}`)
        response.destroy()
      })
    })
    server.headersTimeout = 10_000
    server.requestTimeout = 30_000
    await listen(server, options.address, options.port)
    const { port } = server.address() as AddressInfo
    const url = options.url ?? `http://${options.hostname}:${port}`
    store.serviceUrl = url
    return new AuthorityService(
      server,
      url,
      port,
      store.watch(() => {}),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    await new Promise((closed) => {
      this.#server.close(closed)
      this.#server.closeAllConnections()
    })
  }
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

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'it is in use' : cause.message
      reject(new PkiError('refused', `authorityService: ${address} port ${port} cannot be opened: ${why}`, { cause }))
    })
    server.listen(port, address, resolve)
  })
}

async function answer(routes: () => Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status = 200, type, body, headers } = await respond(routes, request)
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
    return { ...plain(405, 'no such method here'), headers: { allow: route.methods.join(', ') } }
  }
  const body = await readBody(request)
  if (body === undefined) return { ...plain(413, 'the request is too long'), headers: { connection: 'close' } }
  const rest = path.slice(route.path.length)
  return route.handle({ method: method as ServiceRequest['method'], path, rest, headers: request.headers, body })
}
