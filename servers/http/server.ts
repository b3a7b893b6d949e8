import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { ApiProblem } from '../../src/api/problem.ts'
import type { LikeConfig } from '../../src/core/config/schema/like.ts'
import { clearTimeout, setTimeout } from '../../src/core/time/real-timers.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { ServerContext } from '../service.ts'
import { createApp } from './app.ts'
import type { Env } from './env.ts'
import { Exchanges } from './exchanges.ts'
import { malformedProblem } from './malformed.ts'
import { problemText } from './problems.ts'
import { headWithoutUpgrade, WebSockets, wantsWebSocket } from './upgrade.ts'

/** Longest time for the header of a request, and for all of it, whatever `logonTimeout` and `idleTimeout` allow. */
const HEADER_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 300_000
const MAX_HEADER_OCTETS = 32 * 1024
/** How often both are checked. */
const CHECK_EVERY_MS = 2_000
/** Longest time to the beginning of an answer for a client that has closed its side. */
const HALF_OPEN_MS = 1_000
const DEFAULT_IDLE_MS = 65_000

const EXPECTATION = new ApiProblem(
  'expectation-failed',
  'Expect: 100-continue is the only expectation that is supported',
)
/** RFC 9110 section 9.3.6. */
const NO_PROXY = new ApiProblem(
  'method-not-allowed',
  'the lab is not a proxy, so it does not support CONNECT; send the request to it directly',
  {},
  { Allow: 'GET' },
)

const NO_UPGRADE = new ApiProblem(
  'bad-request',
  'the previous request has no answer yet; wait for it before you send Upgrade',
)

/** Serves the connections of one virtual server with Node.js's HTTP parser. */
export class HttpServer {
  readonly #server: Server
  readonly #connections = new WeakMap<Duplex, Connection>()
  readonly #exchanges = new WeakMap<Duplex, Exchanges>()
  readonly #webSockets = new WebSockets()
  readonly #idleTimeoutMs: number
  readonly #like: LikeConfig | undefined
  #open = 0

  private constructor(context: ServerContext) {
    const { idleTimeout = DEFAULT_IDLE_MS, logonTimeout } = context.config.limits
    this.#idleTimeoutMs = idleTimeout
    this.#like = context.config.like
    const requestTimeout = Math.min(REQUEST_TIMEOUT_MS, context.config.limits.idleTimeout ?? REQUEST_TIMEOUT_MS)
    const headersTimeout = Math.min(
      HEADER_TIMEOUT_MS,
      requestTimeout,
      logonTimeout === 'off' ? requestTimeout : logonTimeout,
    )
    this.#server = createServer({
      // Node.js 24.9 and later. `#upgrade` does the same for earlier versions.
      ...{ shouldUpgradeCallback: (request: IncomingMessage) => wantsWebSocket(request, this.#like) },
      headersTimeout,
      requestTimeout,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, headersTimeout),
      keepAliveTimeout: this.#idleTimeoutMs,
      maxHeaderSize: MAX_HEADER_OCTETS,
      // The application answers with a problem.
      requireHostHeader: false,
    })
    // Otherwise Node.js ends the connection of a client that has closed its side before it has its answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    this.#server.on('request', (request, response) => this.#exchanges.get(request.socket)?.add(request, response))
    this.#server.on('clientError', (error, stream) => this.#onClientError(error, stream))
    this.#server.on('checkExpectation', (_, response) => answerWith(response, EXPECTATION))
    this.#server.on('connect', (_, stream) => this.#refuse(stream, NO_PROXY))
  }

  static async of(context: ServerContext): Promise<HttpServer> {
    const api = await context.idleApi()
    const server = new HttpServer(context)
    const app = createApp(api, context, (request) => server.#connectionOf(request))
    const listener = getRequestListener(app.fetch, {
      overrideGlobalObjects: false,
      // The host of a request of HTTP/1.0 without Host, as HAProxy sends it. The application refuses others without it.
      hostname: 'localhost',
      // Errors before the application: the target or the Host field is not valid.
      errorHandler: (error) => {
        const problem = new ApiProblem('bad-request', `the target of the request: ${(error as Error).message}`)
        const { body, ...init } = problemText(problem)
        return new Response(body, init)
      },
    })
    server.#listener = listener
    server.#server.on('upgrade', (request, stream, head) =>
      server.#upgrade(app, request, stream, head).catch((err: Error) => {
        context.log.error({ err }, 'http: WebSocket failed')
        stream.destroy()
      }),
    )
    return server
  }

  #listener: (request: IncomingMessage, response: ServerResponse) => unknown = () => {}

  /** Serves a connection to its end. @throws ConnectionEnded if it has ended before */
  async serve(connection: Connection): Promise<void> {
    const stream = connection.handOver(() => this.#stop(stream))
    this.#connections.set(stream, connection)
    // Node.js calls it after the last answer. A client that still sends its request may lose the answer then.
    // RFC 9112 section 9.6
    Object.assign(stream, { destroySoon: () => connection.end() })
    const exchanges = new Exchanges(connection, (request, response) => {
      closeSlowReader(response, connection, this.#idleTimeoutMs)
      void this.#listener(request, response)
    })
    this.#exchanges.set(stream, exchanges)
    stream.once('end', () => endUnanswered(exchanges, connection))
    // Starts the checks of the time-outs. `listen` does it otherwise, but the lab's own listener accepts the connections.
    if (this.#open++ === 0) this.#server.emit('listening')
    this.#server.emit('connection', stream)
    // The reader of the PROXY header has left the socket paused.
    stream.resume()
    await connection.closed
    // Ends the checks: after a reload nobody uses this server any more.
    if (--this.#open === 0) this.#server.close()
  }

  /** Ends a connection without a request. One with a request ends with its answer, or after the lab's grace period. */
  #stop(stream: Duplex): void {
    if (!this.#webSockets.close(stream)) this.#exchanges.get(stream)?.finish()
  }

  async #upgrade(app: Hono<Env>, request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    if (!this.#exchanges.get(stream)?.isIdle) return this.#refuse(stream, NO_UPGRADE)
    if (!wantsWebSocket(request, this.#like)) {
      stream.unshift(Buffer.concat([headWithoutUpgrade(request), head]))
      this.#server.emit('connection', stream)
      return
    }
    await this.#webSockets.upgrade(request, stream, head, (asked, accept) =>
      app.fetch(asked, { incoming: request, accept } as unknown as Env['Bindings']),
    )
  }

  /** Handles what the parser reports, and errors of the connection. An error of TLS leaves the stream open. */
  #onClientError(error: NodeJS.ErrnoException, stream: Duplex): void {
    const isOfParser = /^(HPE|ERR_HTTP)_/.test(error.code ?? '')
    // The parser reports everything that arrives after the last answer, too.
    if (isOfParser && stream.writableEnded) return
    if (isOfParser && stream.writable && !stream.destroyed) this.#refuse(stream, malformedProblem(error))
    else stream.destroy()
  }

  /** Answers what is not a request that the application could answer, and closes the connection. */
  #refuse(stream: Duplex, problem: ApiProblem): void {
    const connection = this.#connections.get(stream)
    const exchanges = this.#exchanges.get(stream)
    if (!connection || !exchanges) return
    // Without its exchanges a connection takes no further request, nor a further refusal.
    this.#exchanges.delete(stream)
    connection.record.refused(problem.message)
    if (!exchanges.isSilent) return connection.destroy()
    const { status, headers, body } = problemText(problem)
    const fields = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
    const head = [`HTTP/1.1 ${status} ${problem.title}`, ...fields.map(([name, value]) => `${name}: ${value}`)]
    connection.record.line('out', head[0] as string)
    stream.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    if (exchanges.isIdle) connection.end()
    else stream.end(() => connection.destroy())
  }

  #connectionOf(request: IncomingMessage): Connection {
    const connection = this.#connections.get(request.socket)
    if (!connection) throw new Error('a request came from an unknown connection')
    return connection
  }
}

function answerWith(response: ServerResponse, problem: ApiProblem): void {
  const { status, headers, body } = problemText(problem)
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' }).end(body)
}

/**
 * Ends a connection whose client has closed its side, unless the answer begins soon: a client that has gone looks the same,
 * and must not keep a wait.
 */
function endUnanswered(exchanges: Exchanges, connection: Connection): void {
  const timer = setTimeout(() => {
    if (exchanges.isSilent) connection.destroy()
  }, HALF_OPEN_MS).unref()
  void connection.closed.then(() => clearTimeout(timer))
}

/** Closes the connection of a client that does not read its answer: it would hold the answer's memory forever. */
function closeSlowReader(response: ServerResponse, connection: Connection, limitMs: number): void {
  const timer = setTimeout(() => {
    if (!response.writableNeedDrain && !(response.writableEnded && !response.writableFinished)) return timer.refresh()
    connection.record.refused('the client did not read the answer within the time limit (limits.idleTimeout)')
    connection.destroy()
    return timer
  }, limitMs).unref()
  response.on('drain', () => timer.refresh())
  response.once('close', () => clearTimeout(timer))
}
