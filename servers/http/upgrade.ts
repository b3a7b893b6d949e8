import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { LikeConfig } from '../../src/core/config/schema/like.ts'
import { clearInterval, setInterval } from '../../src/core/time/real-timers.ts'
import { likePlace } from './like.ts'

/** Longest message of a client, where its handler names no other: it has nothing to say. */
const MAX_PAYLOAD = 4_096
/** A client that does not answer a ping within this time is disconnected. */
const PING_MS = 30_000
/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001

/** The paths that speak WebSocket. At others the wish for it is ignored. */
const PATHS =
  /^(?:\/t\/[^/?]+)?\/(?:mailpit\/api\/events|smtp4dev\/hubs\/notifications|maildev\/socket\.io\/?|jmap\/ws)$/

/** Called by a handler that agrees to serve the client by WebSocket. */
export type AcceptWebSocket = (serve: (socket: WebSocket) => void, options?: AcceptOptions) => void

/** The longest message of a client, and the subprotocol. */
interface AcceptOptions {
  readonly maxPayload?: number
  readonly protocol?: string
}

type Answer = (request: Request, accept: AcceptWebSocket) => Response | Promise<Response>

/** Returns whether a request asks for WebSocket where there is one. RFC 6455 section 4.2.1. */
export const wantsWebSocket = ({ method, url = '', headers }: IncomingMessage, like: LikeConfig | undefined): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  PATHS.test(likePlace(url.split('?', 1)[0] ?? '', like).path)

/** The WebSockets of a server. The package ws is loaded for the first one. */
export class WebSockets {
  /** By the stream of its connection. */
  readonly #open = new Map<Duplex, WebSocket>()

  /** Answers a request for WebSocket. The handler of its path accepts, or the answer says why not. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, answer: Answer): Promise<void> {
    // Without a listener, a client that disconnects now would end the process.
    const ignore = (): void => {}
    socket.on('error', ignore)
    let serve: ((socket: WebSocket) => void) | undefined
    let wanted: AcceptOptions = {}
    const response = await answer(fetchRequest(request), (accepted, options = {}) => {
      serve = accepted
      wanted = options
    })
    const accepted = serve
    const { maxPayload = MAX_PAYLOAD, protocol } = wanted
    if (!accepted) return refuse(socket, response)
    const { WebSocketServer } = await import('ws')
    const server = new WebSocketServer({
      noServer: true,
      maxPayload,
      clientTracking: false,
      ...(protocol !== undefined && { handleProtocols: () => protocol }),
    })
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore)
      this.#keep(socket, webSocket)
      accepted(webSocket)
    })
  }

  /** Asks the client of a stream to close. Returns false if the stream has no WebSocket. */
  close(stream: Duplex): boolean {
    const socket = this.#open.get(stream)
    socket?.close(GOING_AWAY)
    return socket !== undefined
  }

  #keep(stream: Duplex, socket: WebSocket): void {
    let isAlive = true
    const timer = setInterval(() => {
      if (!isAlive) return socket.terminate()
      isAlive = false
      socket.ping()
    }, PING_MS)
    this.#open.set(stream, socket)
    socket.on('pong', () => {
      isAlive = true
    })
    // A protocol error or a lost connection: ws closes the connection itself.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(timer)
      this.#open.delete(stream)
    })
  }
}

/** The handlers look at the header fields for the host, so that any host will do here. */
function fetchRequest({ url = '/', headers }: IncomingMessage): Request {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, [value].flat().join(', ')] as [string, string]],
  )
  return new Request(`http://localhost${url}`, { headers: fields })
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const { status } = response
  const body = Buffer.from(await response.arrayBuffer())
  const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`)
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...fields, `Content-Length: ${body.length}`]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1'), body]))
}

/**
 * Returns the head of a request without its wish to change the protocol, which a server may ignore (RFC 9110 section 7.8).
 * Java's HTTP client and curl ask for HTTP/2 (h2c) with their first request.
 */
export function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (!/^(?:upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
