#!/usr/bin/env node
// The engine for old clients as a server for the scripts of tlsfuzzer: server.mjs DIST KEY CERTIFICATE. Prints its port, and
// answers each request in TLS like a small HTTP server, until its input ends.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

const [dist, keyFile, certificateFile] = process.argv.slice(2)
const base = pathToFileURL(`${dist}/src/tls/`)
const [{ acceptLegacy }, { legacySuites }, options, { peekClientHello }] = await Promise.all(
  ['legacy/socket.js', 'legacy/suites.js', 'legacy/options.js', 'negotiation/client-hello-reader.js'].map(
    (file) => import(new URL(file, base).href),
  ),
)
const identity = options.legacyIdentity(readFileSync(keyFile, 'utf8'), [readFileSync(certificateFile, 'utf8')])
const settings = {
  identity: () => identity,
  suites: legacySuites,
  minVersion: 'SSLv3',
  maxVersion: 'TLSv1.2',
  highestVersion: 0x0303,
  require128: false,
  strength: 'nominal',
  flaws: {},
  sessionCache: new options.LegacySessionCache(),
  temporaryKeys: new options.TemporaryKeys(),
}

const server = createServer({ allowHalfOpen: true }, (raw) => {
  raw.on('error', () => {})
  serve(raw).catch(() => raw.destroySoon())
})

async function serve(raw) {
  await peekClientHello(raw, 10_000)
  const socket = await acceptLegacy(raw, settings)
  let request = ''
  for await (const octets of socket) {
    request += octets.toString('latin1')
    if (!/\r?\n\r?\n$/.test(request)) continue
    socket.write('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\r\n')
    request = ''
  }
  socket.end()
}

// The test may be killed before it ends this process.
process.stdin.on('end', () => process.exit()).resume()
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
