import { SMTPServer } from 'smtp-server'

interface Settings {
  /** Keep all messages. Default: none. */
  readonly keep?: boolean
  /** For STARTTLS: the private key, the certificate, and what clients trust. */
  readonly key?: string
  readonly cert?: string
  readonly ca?: string
}

/** The npm package smtp-server, started as its README does. It reads every message. */
const { keep = false, key, cert, ca } = JSON.parse(process.argv[2] ?? '{}') as Settings
const kept: Buffer[] = []
const server = new SMTPServer({
  authOptional: true,
  ...(key !== undefined && cert !== undefined && { key, cert }),
  disabledCommands: key === undefined ? ['AUTH', 'STARTTLS'] : ['AUTH'],
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
  process.send?.({ port: typeof bound === 'object' && bound ? bound.port : 0, ca })
})
process.on('message', (what) => {
  if (what === 'collect') global.gc?.()
  process.send?.('done')
})
process.on('SIGTERM', () => process.exit(0))
