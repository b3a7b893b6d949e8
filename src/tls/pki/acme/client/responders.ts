import { execFile } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { createServer } from 'node:http'
import type { Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { listen } from '../../../../core/network/listen.ts'
import { certificatePem, createCertificate } from '../../certificate/certificate.ts'
import { acmeIdentifier, publicKeyInfo, subjectAltName } from '../../certificate/extensions.ts'
import { PkiError } from '../../errors.ts'
import { generateKey, privateKeyPem } from '../../keys.ts'
import { acmeProtocol, type Identifier, serverNameOf } from '../identifier.ts'
import type { AcmeAuthority, ChallengeType } from './authority.ts'

/** The value that a challenge asks the client to publish. RFC 8555 section 8.1. */
interface ChallengeAnswer {
  readonly identifier: Identifier
  readonly token: string
  readonly keyAuthorization: string
}

/** Publishes the answers to challenges of one type while an order is open. */
export interface Responder extends AsyncDisposable {
  set(answer: ChallengeAnswer): Promise<void>
  clear(answer: ChallengeAnswer): Promise<void>
}

/** Opens a responder. @throws PkiError `refused` if its port cannot be opened, or if dns-01 has no hook */
export function openResponder(type: ChallengeType, authority: AcmeAuthority): Promise<Responder> {
  const { httpAddress = '0.0.0.0', httpPort = 80, tlsAlpnPort = 443, dnsHook } = authority
  if (type === 'http-01') return openHttpResponder(httpAddress, httpPort)
  if (type === 'tls-alpn-01') return openTlsResponder(httpAddress, tlsAlpnPort)
  if (dnsHook === undefined) {
    throw new PkiError('refused', 'dns-01 needs a program that adds TXT records: give --dns-hook')
  }
  return Promise.resolve(dnsResponder(dnsHook))
}

const prefix = '/.well-known/acme-challenge/'

/** Starts a web server that answers http-01 challenges. RFC 8555 section 8.3. */
async function openHttpResponder(address: string, port: number): Promise<Responder> {
  const answers = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const answer = path.startsWith(prefix) ? answers.get(path.slice(prefix.length)) : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' }).end(answer)
  })
  await openServer(server, 'http-01', address, port, '--http-port')
  return {
    set: async ({ token, keyAuthorization }) => void answers.set(token, keyAuthorization),
    clear: async ({ token }) => void answers.delete(token),
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return closeServer(server)
    },
  }
}

/** Starts a TLS server that answers tls-alpn-01 challenges with certificates made for them. RFC 8737 section 3. */
async function openTlsResponder(address: string, port: number): Promise<Responder> {
  const server = createTlsServer({ ALPNProtocols: [acmeProtocol] })
  // A client that does not ask for a name of an open order has no certificate to see.
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    socket.end()
  })
  await openServer(server, 'tls-alpn-01', address, port, '--tls-alpn-port')
  return {
    // The newest certificate of a name counts. They end with the order, and so does the server.
    set: async (answer) => server.addContext(serverNameOf(answer.identifier), await challengeCertificate(answer)),
    clear: async () => {},
    [Symbol.asyncDispose]: () => closeServer(server),
  }
}

/** Creates the self-signed certificate that proves control of a name: its only name, and a critical acmeIdentifier. */
async function challengeCertificate(answer: ChallengeAnswer): Promise<{ key: string; cert: string }> {
  const { identifier, keyAuthorization } = answer
  const key = await generateKey('p256')
  const day = 86_400_000
  const certificate = createCertificate(
    {
      subject: [{ type: 'CN', value: 'ACME challenge' }],
      publicKey: publicKeyInfo(createPublicKey(key)),
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
      extensions: [
        subjectAltName([identifier]),
        acmeIdentifier(createHash('sha256').update(keyAuthorization).digest()),
      ],
    },
    { key, certificate: 'self' },
  )
  return { key: privateKeyPem(key), cert: certificatePem(certificate) }
}

const HOOK_TIMEOUT_MS = 120_000

/** Adds and removes TXT records with a program of the user. RFC 8555 section 8.4. */
function dnsResponder(program: string): Responder {
  const run = (action: 'set' | 'clear', { identifier, keyAuthorization }: ChallengeAnswer): Promise<void> => {
    const value = createHash('sha256').update(keyAuthorization).digest('base64url')
    const args = [action, `_acme-challenge.${identifier.value.replace(/^\*\./, '')}`, value]
    return new Promise((resolve, reject) => {
      execFile(program, args, { timeout: HOOK_TIMEOUT_MS }, (error, _, stderr) => {
        if (!error) return resolve()
        const why = stderr.trim() || error.message
        reject(new PkiError('refused', `the DNS hook failed: ${program} ${args.join(' ')}: ${why}`, { cause: error }))
      })
    })
  }
  return {
    set: (answer) => run('set', answer),
    clear: (answer) => run('clear', answer),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function openServer(
  server: Server,
  type: ChallengeType,
  host: string,
  port: number,
  option: string,
): Promise<void> {
  try {
    // If a connection cannot be accepted, the authority tries again or reports it.
    await listen(server, { host, port }, () => {})
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EACCES' ? `ports below 1024 need root; forward the port to the one of ${option}` : message
    throw new PkiError('refused', `cannot open the ${type} listener on ${host} port ${port}: ${why}`, { cause })
  }
}

const closeServer = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()))
