import type { TLSSocket } from 'node:tls'
import type { ClientCertificateFacts, ClientHelloFacts, TlsFacts } from '../../core/sessions/types.ts'
import { nameOnOneLine } from '../pki/certificate/names.ts'
import type { InstalledCertificate } from '../pki/types.ts'
import { keyExchangeOf } from './groups.ts'
import { groupName } from './names.ts'
import { suiteBits, suiteKeyExchange } from './suites.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Returns what both sides of a handshake by node:tls have agreed on. */
export function agreedFacts(socket: TLSSocket): Mutable<TlsFacts> {
  const { standardName } = socket.getCipher()
  const facts: Mutable<TlsFacts> = {
    // The `version` of getCipher() is the lowest version that the suite supports, not the negotiated one.
    version: socket.getProtocol() ?? 'unknown',
    cipher: standardName,
    bits: suiteBits(standardName) ?? 0,
    resumed: socket.isSessionReused(),
  }
  if (typeof socket.alpnProtocol === 'string') facts.alpn = socket.alpnProtocol
  return facts
}

/** Returns the result of a handshake by node:tls, for the server. @param groups the policy's groups */
export function tlsFacts(
  socket: TLSSocket,
  { friendlyName, thumbprint }: InstalledCertificate,
  hello: ClientHelloFacts | undefined,
  groups: readonly string[] | undefined,
): TlsFacts {
  const facts = agreedFacts(socket)
  facts.certificate = { friendlyName, thumbprint }
  const keyExchange = suiteKeyExchange(facts.cipher)
  if (keyExchange !== undefined) facts.keyExchange = keyExchange
  else {
    const agreed = hello && keyExchangeOf(hello, groups)
    if (agreed) {
      facts.keyExchange = groupName(agreed.group)
      facts.helloRetryRequest = agreed.helloRetryRequest
    }
  }
  if (hello?.serverName !== undefined) facts.serverName = hello.serverName
  if (hello !== undefined) facts.hello = hello
  return facts
}

interface SentCertificate {
  readonly facts: Omit<ClientCertificateFacts, 'verified'>
  /** Its issuers upward in DER as far as Node.js shows them: none on Node.js 24. */
  readonly issuers: readonly Buffer[]
  /** Why OpenSSL does not verify it, as a code of node:tls. */
  readonly error?: string
}

/** Returns the certificate that a client sent; undefined if it sent none. */
export function clientCertificateOf(socket: TLSSocket): SentCertificate | undefined {
  // Node.js 20 shows the issuers in the first call only.
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  const { authorized, authorizationError } = socket
  const facts = {
    subject: nameOnOneLine(certificate.subject),
    issuer: nameOnOneLine(certificate.issuer),
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    der: certificate.raw,
  }
  const issuers: Buffer[] = []
  for (let next = certificate.issuerCertificate; next; next = next.issuerCertificate) issuers.push(next.raw)
  return { facts, issuers, ...(authorized ? {} : { error: String(authorizationError) }) }
}
