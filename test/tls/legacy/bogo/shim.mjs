#!/usr/bin/env node
// The engine for old clients as a server under test of BoringSSL's runner (BoGo). The runner starts this program for each
// test with flags, and connects it to a client that breaks one rule of TLS. Exit status 89: the engine does not have what
// the test needs. Standard error has the alert that the engine sent, as the runner's error map names it.
import { appendFileSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** Exits with the status by which the runner knows a test that does not apply. */
function unimplemented(what) {
  const { SEALPOST_BOGO_REASONS: file } = process.env
  if (file) appendFileSync(file, `${what}\n`)
  process.stderr.write(`${what}\n`)
  process.exit(89)
}

/** Flags with a value. */
const VALUES = ['port', 'shim-id', 'cert-file', 'key-file', 'trust-cert', 'resume-count', 'min-version', 'max-version']
  .concat(['expect-version', 'expect-server-name', 'read-size', 'expect-cipher-no-aes'])
  .concat(['expect-peer-signature-algorithm', 'signing-prefs'])
/** Flags that change nothing here: the engine is asynchronous, checks closes, and does what they ask. */
const IGNORED = ['server', 'async', 'ipv6', 'implicit-handshake', 'no-tls13', 'check-close-notify']
  .concat(['expect-extended-master-secret', 'expect-no-session', 'expect-no-session-id', 'expect-session-miss'])
  .concat(['expect-secure-renegotiation', 'peek-then-read', 'partial-write', 'handoff', 'use-exporter-between-reads'])
  .concat(['expect-no-secure-renegotiation', 'expect-sha256-client-cert', 'fallback-scsv', 'no-op-extra-handshake'])
  .concat(['no-ticket', 'expect-ticket-renewal', 'expect-not-resumable-across-names', 'expect-session-id'])
const SWITCHES = ['shim-writes-first', 'shim-shuts-down', 'no-tls1', 'no-tls11', 'no-tls12', 'is-handshaker-supported']

const flags = readFlags(process.argv.slice(2))

function readFlags(words) {
  const read = {}
  for (let at = 0; at < words.length; at++) {
    const name = words[at].replace(/^-+/, '')
    if (VALUES.includes(name)) read[name] = words[++at]
    else if (SWITCHES.includes(name)) read[name] = true
    else if (!IGNORED.includes(name)) unimplemented(`the flag -${name} is not supported`)
  }
  return read
}

if (flags['is-handshaker-supported']) {
  process.stdout.write('No\n')
  process.exit(0)
}
if (!process.argv.includes('-server')) unimplemented('the engine is a server')
if (flags['key-file'] === undefined) unimplemented('the engine needs a certificate')

const VERSIONS = { 769: 'TLSv1', 770: 'TLSv1.1', 771: 'TLSv1.2' }
const off = ['no-tls1', 'no-tls11', 'no-tls12'].map((name) => flags[name] === true)
/** Returns the versions that the flags allow, as the engine has a range only. */
function versionRange() {
  const lowest = Math.max(769, Number(flags['min-version'] ?? 0))
  const highest = Math.min(771, Number(flags['max-version'] ?? 771))
  const allowed = [769, 770, 771].filter((one) => one >= lowest && one <= highest && !off[one - 769])
  if (allowed.length === 0) unimplemented('the engine has no TLS 1.3')
  return [VERSIONS[allowed[0]], VERSIONS[allowed.at(-1)]]
}

const [minVersion, maxVersion] = versionRange()

const dist = new URL('../../../../dist/src/tls/', import.meta.url)
const [{ acceptLegacy }, { legacySuites }, options, { peekClientHello }] = await Promise.all(
  ['legacy/socket.js', 'legacy/suites.js', 'legacy/options.js', 'negotiation/client-hello-reader.js'].map(
    (file) => import(new URL(file, dist).href),
  ),
)

function readIdentity() {
  try {
    const chain = readFileSync(flags['cert-file'], 'utf8').match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
    )
    return options.legacyIdentity(readFileSync(flags['key-file'], 'utf8'), chain)
  } catch (error) {
    return unimplemented(error.message)
  }
}

const allowsTls13 = flags['max-version'] === undefined && !process.argv.includes('-no-tls13')
const identity = readIdentity()
const sessionCache = new options.LegacySessionCache()
const settings = {
  identity: () => identity,
  suites: legacySuites,
  minVersion,
  maxVersion,
  // As in a lab, node:tls would serve TLS 1.3 unless the flags exclude it.
  highestVersion: allowsTls13 ? 0x0304 : Number(Object.keys(VERSIONS).find((wire) => VERSIONS[wire] === maxVersion)),
  require128: false,
  strength: 'nominal',
  flaws: {},
  sessionCache,
  temporaryKeys: new options.TemporaryKeys(),
}

const OPENSSL_SCSV = [0x00ff, 0x5600]

/** Leaves the tests of clients that the lab serves with node:tls: they offer TLS 1.3, or no suite of the engine. */
function checkOffer(first) {
  if (first.kind !== 'hello') return
  const { versions, suites } = first.facts
  if (allowsTls13 && versions.includes('TLSv1.3')) {
    unimplemented('node:tls serves clients that offer TLS 1.3')
  }
  const known = new Set(legacySuites.map(({ id }) => id))
  const offered = suites.filter((id) => !OPENSSL_SCSV.includes(id))
  if (offered.length > 0 && !offered.some((id) => known.has(id))) unimplemented('the engine has none of the suites')
}

/** Serves one connection: sends back what it reads with each bit inverted, as the runner expects. */
async function serve() {
  const raw = connect({
    host: process.argv.includes('-ipv6') ? '::1' : '127.0.0.1',
    port: Number(flags.port),
    allowHalfOpen: true,
  })
  raw.on('error', () => {})
  await new Promise((resolve, reject) => raw.once('connect', resolve).once('error', reject))
  const id = Buffer.alloc(8)
  id.writeBigUInt64LE(BigInt(flags['shim-id'] ?? 0))
  raw.write(id)
  checkOffer(await peekClientHello(raw, 10_000))
  const socket = await acceptLegacy(raw, settings)
  if (flags['shim-writes-first']) socket.write('hello')
  if (flags['shim-shuts-down']) socket.end()
  for await (const octets of socket) {
    if (!socket.writableEnded) socket.write(octets.map((octet) => octet ^ 0xff))
  }
  if (!socket.writableEnded) socket.end()
}

try {
  for (let left = Number(flags['resume-count'] ?? 0); left >= 0; left--) await serve()
} catch (error) {
  process.stderr.write(`${error.alert ?? error.code ?? ''}: ${error.message}\n`)
  process.exit(1)
}
