import type { TLSSocket } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientCertificateFacts, ClientHelloFacts, TlsFacts } from '../sessions/types.ts'
import { groupName } from './names.ts'
import { suiteBits, suiteKeyExchange } from './suites.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Returns the result of a handshake by node:tls. */
export function tlsFacts(
  socket: TLSSocket,
  { friendlyName, thumbprint }: InstalledCertificate,
  hello: ClientHelloFacts | undefined,
): TlsFacts {
  const { standardName } = socket.getCipher()
  const facts: Mutable<TlsFacts> = {
    // The `version` of getCipher() is the lowest version that the suite supports, not the negotiated one.
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
 * Returns the groups that the key exchange may have used: Node.js does not report to a server which one it was. OpenSSL
 * takes one of the client's key shares that it supports, a hybrid group first. RFC 8446 section 4.2.8.
 */
function sharedGroups(hello: ClientHelloFacts | undefined): string | undefined {
  const shares = hello?.keyShares ?? []
  if (SUPPORTS_HYBRID && shares.includes(X25519MLKEM768)) return groupName(X25519MLKEM768)
  const classic = shares.filter((group) => !isHybrid(group))
  return classic.map(groupName).join(' or ') || undefined
}

const X25519MLKEM768 = 0x11ec
const isHybrid = (group: number): boolean => group >= 0x11eb && group <= 0x11ed
const SUPPORTS_HYBRID = /^(?:3\.(?:[5-9]|\d\d)|[4-9])/.test(process.versions.openssl)

/**
 * Returns the certificate that a client sent, and its issuers upward in DER as far as Node.js shows them: none on Node.js
 * 24. Undefined if the client sent no certificate.
 */
export function clientCertificateOf(
  socket: TLSSocket,
): { readonly facts: ClientCertificateFacts; readonly issuers: readonly Buffer[] } | undefined {
  // Node.js 20 shows the issuers in the first call only.
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  const { authorized, authorizationError } = socket
  const facts = {
    verified: authorized,
    ...(authorized ? {} : { error: String(authorizationError) }),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    der: certificate.raw,
  }
  const issuers: Buffer[] = []
  for (let next = certificate.issuerCertificate; next; next = next.issuerCertificate) issuers.push(next.raw)
  return { facts, issuers }
}

/** Returns a name as one line. Node.js puts each attribute on a separate line, the most significant first. */
const oneLine = (name: string): string => name.split('\n').reverse().join(', ')
