import type { TLSSocket } from 'node:tls'
import { nameOnOneLine } from '../pki/certificate/names.ts'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientCertificateFacts, TlsFacts } from '../sessions/types.ts'
import type { ReceivedHello } from './client-hello-reader.ts'
import { type KeyExchange, keyExchangeOf } from './groups.ts'
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

/** Returns the result of a handshake by node:tls, for the server. @param groups those of the policy */
export function tlsFacts(
  socket: TLSSocket,
  { friendlyName, thumbprint }: InstalledCertificate,
  hello: ReceivedHello | undefined,
  groups: readonly string[] | undefined,
): TlsFacts {
  const facts = agreedFacts(socket)
  facts.certificate = { friendlyName, thumbprint }
  const keyExchange = suiteKeyExchange(facts.cipher)
  if (keyExchange !== undefined) facts.keyExchange = keyExchange
  if (hello === undefined) return facts
  // A copy, because a slice would keep the whole text in memory.
  if (hello.serverName !== undefined) facts.serverName = Buffer.from(hello.serverName).toString()
  Object.defineProperty(facts, OFFER, { value: { hello, groups } satisfies Offer })
  return Object.defineProperties(facts, keyExchange === undefined ? ofOffer : { hello: ofOffer.hello })
}

/** What a client has offered, and the groups of the policy. */
interface Offer {
  readonly hello: ReceivedHello
  readonly groups: readonly string[] | undefined
}
const OFFER = Symbol('offer')

/**
 * Facts that follow from the ClientHello. Only readers of a record need them, so they are computed then. All results share
 * the getters: V8 handles objects with a getter each as dictionaries.
 */
const ofOffer: Record<'hello' | 'keyExchange' | 'helloRetryRequest', PropertyDescriptor & ThisType<Offered>> = {
  hello: {
    enumerable: true,
    get() {
      return this[OFFER].hello.facts
    },
  },
  keyExchange: {
    enumerable: true,
    get() {
      const agreed = agreedIn(this[OFFER])
      return agreed && groupName(agreed.group)
    },
  },
  helloRetryRequest: {
    enumerable: true,
    get() {
      return agreedIn(this[OFFER])?.helloRetryRequest
    },
  },
}

type Offered = { readonly [OFFER]: Offer }

const agreedIn = ({ hello, groups }: Offer): KeyExchange | undefined => keyExchangeOf(hello.facts, groups)

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
    subject: nameOnOneLine(certificate.subject),
    issuer: nameOnOneLine(certificate.issuer),
    thumbprint: certificate.fingerprint.replaceAll(':', ''),
    der: certificate.raw,
  }
  const issuers: Buffer[] = []
  for (let next = certificate.issuerCertificate; next; next = next.issuerCertificate) issuers.push(next.raw)
  return { facts, issuers }
}
