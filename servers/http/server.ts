import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Connection } from '../../src/net/connection.ts'
import type { ServerContext } from '../service.ts'
import { createApp } from './app.ts'

/** Time for the header of a request, and for all of it. A client that sends slowly is disconnected. */
const HEADER_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 300_000
const MAX_HEADER_OCTETS = 32 * 1024

/** Serves the connections of one virtual server with Node.js's HTTP parser. */
export class HttpServer {
  readonly #server: Server
  readonly #connections = new WeakMap<Duplex, Connection>()

  private constructor(
    context: ServerContext,
    createListener: (of: HttpServer) => ReturnType<typeof getRequestListener>,
  ) {
    this.#server = createServer(
      {
        headersTimeout: HEADER_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: context.config.limits.idleTimeout ?? 65_000,
        maxHeaderSize: MAX_HEADER_OCTETS,
      },
      createListener(this),
    )
    // Starts the checks of the time-outs. `listen` does it otherwise, but the lab's own listener accepts the connections.
    this.#server.emit('listening')
  }

  static async of(context: ServerContext): Promise<HttpServer> {
    const api = await context.api()
    return new HttpServer(context, (server) => {
      const app = createApp(api, context, (request) => server.#connectionOf(request))
      return getRequestListener(app.fetch, { overrideGlobalObjects: false })
    })
  }

  /** Serves a connection to its end. */
  async serve(connection: Connection): Promise<void> {
    const stream = connection.handOver(() => this.#stop())
    this.#connections.set(stream, connection)
    this.#server.emit('connection', stream)
    await connection.closed
  }

  /** Ends the connections without a request. Those with one end with their answer, or after the lab's grace period. */
  #stop(): void {
    this.#server.closeIdleConnections()
  }

  #connectionOf(request: IncomingMessage): Connection {
    const connection = this.#connections.get(request.socket)
    if (!connection) throw new Error('a request came from an unknown connection')
    return connection
  }
}
