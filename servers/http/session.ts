import { ApiProblem } from '../../src/api/problem.ts'
import type { Connection } from '../../src/net/connection.ts'
import { type ProtocolService, type ServerContext, whyBusy } from '../service.ts'
import type { HttpServer } from './server.ts'

/** The HTTP server of each virtual server. A reload makes a new context, and so a new server for new connections. */
const httpServers = new WeakMap<ServerContext, Promise<HttpServer>>()

/** Loads everything that HTTP needs at the first connection: labs that nobody asks over HTTP stay small. */
function httpServerOf(context: ServerContext): Promise<HttpServer> {
  const known = httpServers.get(context)
  if (known) return known
  const created = import('./server.ts').then(({ HttpServer }) => HttpServer.of(context))
  httpServers.set(context, created)
  return created
}

/** HTTP/1.1. RFC 9112. */
export const http: ProtocolService = {
  protocol: 'http',
  alpn: ['http/1.1'],
  // A client of HTTP/2 alone would only see that its first request is not understood.
  isAlpnStrict: true,
  async serve(connection: Connection, context: ServerContext): Promise<void> {
    const server = await httpServerOf(context)
    await server.serve(connection)
  },
  busy: (_, limited) => {
    const problem = new ApiProblem(
      limited === 'memory' ? 'out-of-memory' : 'busy',
      `${whyBusy(limited)}, try again later`,
    )
    const body = JSON.stringify(problem.document)
    return [
      'HTTP/1.1 503 Service Unavailable',
      `Retry-After: ${problem.headers['Retry-After']}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      // With the line end that the listener adds.
      `Content-Length: ${Buffer.byteLength(body) + 2}`,
      '',
      body,
    ].join('\r\n')
  },
}
