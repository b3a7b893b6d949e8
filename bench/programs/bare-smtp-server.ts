import { SMTPServer } from 'smtp-server'

/** The npm package smtp-server, started as its README does. It reads every message, and keeps all (`keep`) or none. */
const { keep = false } = JSON.parse(process.argv[2] ?? '{}') as { readonly keep?: boolean }
const kept: Buffer[] = []
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, done) {
    const chunks: Buffer[] = []
    if (keep) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      if (keep) kept.push(Buffer.concat(chunks))
      done()
    })
    stream.resume()
  },
})
server.listen(0, '127.0.0.1', () => {
  const bound = server.server.address()
  process.send?.({ port: typeof bound === 'object' && bound ? bound.port : 0 })
})
process.on('message', (what) => {
  if (what === 'collect') global.gc?.()
  process.send?.('done')
})
process.on('SIGTERM', () => process.exit(0))
