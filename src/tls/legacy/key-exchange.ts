import type { KeyObject } from 'node:crypto'
import type { ClientHello } from '../negotiation/client-hello.ts'
import { OctetReader, vector } from '../negotiation/octets.ts'
import type { Flaws } from './defects.ts'
import { createDiffieHellman } from './diffie-hellman.ts'
import type { Randoms } from './key-schedule.ts'
import { handshakeMessage, handshakeTypes } from './messages.ts'
import type { TemporaryKeys } from './options.ts'
import { decryptPreMaster, expectGoodPadding } from './rsa.ts'
import { digitallySigned } from './signature.ts'
import { type DhExchange, keyExchanges, type LegacySuite, type LegacyVersion, type RsaExchange } from './suites.ts'

/** The inputs of a key exchange. */
interface KeyExchangeInput {
  readonly hello: ClientHello
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly randoms: Randoms
  /** The certificate's key. */
  readonly key: KeyObject
  readonly temporaryKeys: TemporaryKeys
  readonly flaws: Flaws
}

/** The server's side of a key exchange. */
interface ServerKeyExchange {
  /** The ServerKeyExchange message, if the suite has one. RFC 2246 section 7.4.3. */
  readonly message: Buffer | undefined
  /** Returns the premaster secret. @param body of ClientKeyExchange @throws LegacyTlsError, MalformedMessage */
  preMaster(body: Buffer): Buffer
}

/** Starts the key exchange of a suite. */
export function startKeyExchange(input: KeyExchangeInput): Promise<ServerKeyExchange> {
  const exchange = keyExchanges[input.suite.exchange]
  return exchange.kind === 'rsa' ? startRsa(input, exchange) : startDiffieHellman(input, exchange)
}

/** RFC 2246 section 7.4.7.1. The temporary key's modulus and exponent are signed. */
async function startRsa(input: KeyExchangeInput, exchange: RsaExchange): Promise<ServerKeyExchange> {
  const { key, temporaryKeys, version, hello, flaws } = input
  const maxBits = flaws.rsaBits ?? exchange.maxBits
  const isShort = (key.asymmetricKeyDetails?.modulusLength ?? 0) <= maxBits
  const temporary = isShort ? undefined : await temporaryKeys.keyOf(maxBits)
  return {
    message: temporary && serverKeyExchange(input, rsaParams(temporary), true),
    preMaster(body) {
      // SSL 3.0 sends it without its length. RFC 6101 section 5.6.7.1.
      const encrypted = version === 'SSLv3' ? body : onlyVector(body)
      if (flaws.revealsPadding) expectGoodPadding(temporary ?? key, encrypted)
      return decryptPreMaster(temporary ?? key, encrypted, hello.version)
    },
  }
}

/** RFC 2246 section 7.4.7.2. */
async function startDiffieHellman(input: KeyExchangeInput, exchange: DhExchange): Promise<ServerKeyExchange> {
  const { params, preMaster } = await createDiffieHellman(input.flaws.dhGroupBits ?? exchange.groupBits)
  return {
    message: serverKeyExchange(input, params, exchange.isSigned),
    preMaster: (body) => preMaster(onlyVector(body)),
  }
}

function rsaParams(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' })
  return Buffer.concat([jwk.n, jwk.e].map((value) => vector(2, Buffer.from(value as string, 'base64url'))))
}

/** Returns the message: parameters and, if the suite authenticates the server, a signature of them and both random values. */
function serverKeyExchange(input: KeyExchangeInput, params: Buffer, isSigned: boolean): Buffer {
  const { key, randoms, version, hello, flaws } = input
  const signed = Buffer.concat([randoms.client, randoms.server, params])
  const signature = isSigned ? digitallySigned(key, signed, version, hello) : Buffer.alloc(0)
  if (flaws.sendsWrongSignature && isSigned) signature[signature.length - 1] = (signature.at(-1) as number) ^ 0xff
  return handshakeMessage(handshakeTypes.serverKeyExchange, Buffer.concat([params, signature]))
}

function onlyVector(body: Buffer): Buffer {
  const reader = new OctetReader(body)
  const content = reader.vector16()
  reader.expectEnd()
  return content
}
