import { SMTPServer } from 'smtp-server'

/** The npm package smtp-server, started as its README does. It reads every message and keeps none. */
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, done) {
    stream.on('end', () => done())
    stream.resume()
  },
})
server.listen(0, '127.0.0.1', () => {
  const bound = server.server.address()
  process.send?.({ port: typeof bound === 'object' && bound ? bound.port : 0 })
})
process.on('message', () => process.send?.('done'))
process.on('SIGTERM', () => process.exit(0))
