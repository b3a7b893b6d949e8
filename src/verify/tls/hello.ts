import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Wire } from '../wire.ts'

/** The server's answer to a ClientHello; `closed` if it ended the connection instead. */
export type HelloOutcome = Exclude<ServerAnswer, { kind: 'more' }> | { readonly kind: 'closed' }

/** Sends a ClientHello, reads the answer and closes the wire. */
export async function askHello(wire: Wire, offer: HelloOffer): Promise<HelloOutcome> {
  let received: Buffer = Buffer.alloc(0)
  wire.write(clientHello(offer))
  try {
    for (;;) {
      const answer = readServerAnswer(received)
      if (answer.kind !== 'more') return answer
      received = Buffer.concat([received, await wire.octets()])
    }
  } catch {
    // It closed the connection, stayed silent or sent malformed data: it did not accept the offer.
    return { kind: 'closed' }
  } finally {
    wire.close()
  }
}

/** The contents of a ClientHello. */
export interface HelloOffer {
  /** The only version offered, as on the wire: 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3). */
  readonly version: number
  readonly suites: readonly number[]
  readonly serverName: string
}

/**
 * Builds a ClientHello in one record, with versions and suites that current TLS libraries no longer offer. RFC 8446 section
 * 4.1.2; RFC 5246 section 7.4.1.2; RFC 6101 section 5.6.1.2 (SSL 3.0, which has no extensions).
 */
export function clientHello({ version, suites, serverName }: HelloOffer): Buffer {
  const is13 = version === 0x0304
  const body = Buffer.concat([
    uint16(Math.min(version, 0x0303)),
    randomBytes(32),
    // Middleboxes expect a session identifier in TLS 1.3. RFC 8446 appendix D.4
    vector8(is13 ? randomBytes(32) : Buffer.alloc(0)),
    vector16(Buffer.concat(suites.map(uint16))),
    vector8(Buffer.from([0])),
    ...(version === 0x0300 ? [] : [vector16(extensions(is13, serverName))]),
  ])
  const message = Buffer.concat([Buffer.from([1]), uint24(body.length), body])
  return Buffer.concat([Buffer.from([22]), uint16(version === 0x0300 ? 0x0300 : 0x0301), vector16(message)])
}

function extensions(is13: boolean, serverName: string): Buffer {
  const all = [
    // An address is not allowed in SNI. RFC 6066 section 3
    ...(isIP(serverName) || serverName === ''
      ? []
      : [extension(0, vector16(Buffer.concat([Buffer.from([0]), vector16(Buffer.from(serverName, 'latin1'))])))]),
    // supported_groups, ec_point_formats. RFC 8422 section 5.1
    extension(10, vector16(Buffer.concat([0x001d, 0x0017, 0x0018, 0x0019].map(uint16)))),
    extension(11, vector8(Buffer.from([0]))),
    // signature_algorithms, with SHA-1 and MD5 to see whether the server accepts them. RFC 8446 section 4.2.3
    extension(13, vector16(Buffer.concat(signatureAlgorithms.map(uint16)))),
    // renegotiation_info. RFC 5746 section 3.4
    extension(0xff01, Buffer.from([0])),
    ...(is13 ? [extension(43, vector8(uint16(0x0304))), extension(51, vector16(keyShare()))] : []),
  ]
  return Buffer.concat(all)
}

const signatureAlgorithms = [
  0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0101,
]

/** Returns a key share for X25519. A server that wants another group requests it, which also shows the version. */
function keyShare(): Buffer {
  const spki = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' })
  return Buffer.concat([uint16(0x001d), vector16(spki.subarray(-32))])
}

const extension = (type: number, data: Buffer): Buffer => Buffer.concat([uint16(type), vector16(data)])

function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2)
  octets.writeUInt16BE(value)
  return octets
}

function uint24(value: number): Buffer {
  const octets = Buffer.alloc(3)
  octets.writeUIntBE(value, 0, 3)
  return octets
}

const vector8 = (octets: Buffer): Buffer => Buffer.concat([Buffer.from([octets.length]), octets])
const vector16 = (octets: Buffer): Buffer => Buffer.concat([uint16(octets.length), octets])

/** A server's answer to a ClientHello. `more`: it is not complete yet. */
export type ServerAnswer =
  | {
      readonly kind: 'hello'
      readonly version: string
      /** IANA code point. */
      readonly suite: number
      /** The key-exchange group, if the ServerHello names it (TLS 1.3). */
      readonly group?: number
      /** In DER, the server's own first. Empty under TLS 1.3, which encrypts them. */
      readonly certificates: readonly Buffer[]
    }
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'more' }

type ServerHello = Extract<ServerAnswer, { kind: 'hello' }>

const ALERT = 21
const HANDSHAKE = 22
const SERVER_HELLO = 2
const CERTIFICATE = 11
const SERVER_HELLO_DONE = 14
const SUPPORTED_VERSIONS = 43
const KEY_SHARE = 51

const versionNames: Readonly<Record<number, string>> = {
  0x0300: 'SSLv3',
  0x0301: 'TLSv1',
  0x0302: 'TLSv1.1',
  0x0303: 'TLSv1.2',
  0x0304: 'TLSv1.3',
}

/**
 * Reads the unencrypted part of a server's first flight. RFC 8446 sections 4.1.3 and 5.1; RFC 5246 sections 7.4.1.3 and
 * 7.4.2. Returns `more` until the flight is complete.
 * @throws RangeError for malformed data
 */
export function readServerAnswer(octets: Buffer): ServerAnswer {
  let messages: Buffer = Buffer.alloc(0)
  for (let at = 0; at + 5 <= octets.length; ) {
    const type = octets[at]
    const end = at + 5 + octets.readUInt16BE(at + 3)
    if (octets[at + 1] !== 3) return { kind: 'not-tls' }
    if (end > octets.length) break
    const record = octets.subarray(at + 5, end)
    if (messages.length === 0 && type === ALERT) return { kind: 'alert', alert: record[1] ?? 0 }
    if (type !== HANDSHAKE) return messages.length === 0 ? { kind: 'not-tls' } : readMessages(messages, true)
    messages = Buffer.concat([messages, record])
    at = end
  }
  if (messages.length > 0) return readMessages(messages, false)
  const isTls = octets.length === 0 || octets[0] === ALERT || octets[0] === HANDSHAKE
  return isTls ? { kind: 'more' } : { kind: 'not-tls' }
}

/** Reads handshake messages. @param last whether no further handshake message is unencrypted */
function readMessages(messages: Buffer, last: boolean): ServerAnswer {
  let hello: ServerHello | undefined
  for (let at = 0; at + 4 <= messages.length; ) {
    const end = at + 4 + messages.readUIntBE(at + 1, 3)
    if (end > messages.length) break
    const body = messages.subarray(at + 4, end)
    if (messages[at] === SERVER_HELLO) {
      const read = readHello(body)
      if (read.version === 'TLSv1.3') return read
      hello = read
    }
    if (messages[at] === CERTIFICATE && hello) return { ...hello, certificates: readCertificates(body) }
    if (messages[at] === SERVER_HELLO_DONE && hello) return hello
    at = end
  }
  return last && hello ? hello : { kind: 'more' }
}

function readHello(body: Buffer): ServerHello {
  const afterSession = 35 + (body[34] ?? 0)
  const suite = body.readUInt16BE(afterSession)
  const extensions = new Map<number, Buffer>()
  for (let at = afterSession + 5; at + 4 <= body.length; ) {
    const length = body.readUInt16BE(at + 2)
    extensions.set(body.readUInt16BE(at), body.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  const version = extensions.get(SUPPORTED_VERSIONS)?.readUInt16BE(0) ?? body.readUInt16BE(0)
  const group = extensions.get(KEY_SHARE)?.readUInt16BE(0)
  return {
    kind: 'hello',
    version: versionNames[version] ?? `0x${version.toString(16)}`,
    suite,
    ...(group === undefined ? {} : { group }),
    certificates: [],
  }
}

function readCertificates(body: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 3; at + 3 <= body.length; ) {
    const length = body.readUIntBE(at, 3)
    found.push(body.subarray(at + 3, at + 3 + length))
    at += 3 + length
  }
  return found
}
