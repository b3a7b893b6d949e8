import type { TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientCertificateFacts, ClientHelloFacts, TlsFacts } from '../sessions/types.ts'
import { groupName } from './groups.ts'
import { suiteBits, suiteKeyExchange } from './suites.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What was agreed on in a handshake that node:tls made. */
export function tlsFacts(
  socket: TLSSocket,
  { friendlyName, thumbprint }: InstalledCertificate,
  hello: ClientHelloFacts | undefined,
): TlsFacts {
  const { standardName } = socket.getCipher()
  const facts: Mutable<TlsFacts> = {
    // A suite's `version` is the lowest it goes with; the one agreed on is getProtocol()'s.
    version: socket.getProtocol() ?? 'unknown',
    cipher: standardName,
    bits: suiteBits(standardName) ?? 0,
    resumed: socket.isSessionReused(),
    certificate: { friendlyName, thumbprint },
  }
  const keyExchange = suiteKeyExchange(standardName) ?? sharedGroups(hello)
  if (keyExchange !== undefined) facts.keyExchange = keyExchange
  if (hello?.serverName !== undefined) facts.serverName = hello.serverName
  if (typeof socket.alpnProtocol === 'string') facts.alpn = socket.alpnProtocol
  if (hello !== undefined) facts.hello = hello
  return facts
}

/**
 * Node.js does not tell a server which group was agreed on. OpenSSL takes one of the client's key shares that it knows, a
 * hybrid one first; only a client that sent none of those is asked again. RFC 8446 section 4.2.8.
 */
function sharedGroups(hello: ClientHelloFacts | undefined): string | undefined {
  const shares = hello?.keyShares ?? []
  if (KNOWS_HYBRID && shares.includes(X25519MLKEM768)) return groupName(X25519MLKEM768)
  const known = shares.filter((group) => !isHybrid(group))
  return known.map(groupName).join(' or ') || undefined
}

const X25519MLKEM768 = 0x11ec
const isHybrid = (group: number): boolean => group >= 0x11eb && group <= 0x11ed
const KNOWS_HYBRID = /^(?:3\.(?:[5-9]|\d\d)|[4-9])/.test(process.versions.openssl)

/** The certificate a client showed; undefined where it showed none. */
export function clientCertificateFacts(socket: TLSSocket): ClientCertificateFacts | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  const { authorized, authorizationError } = socket
  return {
    verified: authorized,
    ...(authorized ? {} : { error: String(authorizationError) }),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    der: certificate.raw,
  }
}

/** Node.js writes a name an attribute a line, the most significant first. */
const oneLine = (name: string): string => name.split('\n').reverse().join(', ')
