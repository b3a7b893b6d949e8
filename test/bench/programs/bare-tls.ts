import { createServer } from 'node:tls'

/** Node.js's own TLS server. It sends a greeting and ignores its input. */
const { key, cert, ca } = JSON.parse(process.argv[2] ?? '{}') as { key: string; cert: string; ca: string }
const server = createServer({ key, cert, noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.on('data', () => {})
  socket.write('+OK ready\r\n')
})
server.on('tlsClientError', () => {})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const bound = server.address()
  process.send?.({ port: typeof bound === 'object' && bound ? bound.port : 0, ca })
})
process.on('message', () => {
  global.gc?.()
  process.send?.('done')
})
process.on('SIGTERM', () => process.exit(0))
