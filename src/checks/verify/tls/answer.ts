/** A server's answer to a ClientHello. `more`: it is not complete yet. */
export type ServerAnswer =
  | {
      readonly kind: 'hello'
      readonly version: string
      /** IANA code point. */
      readonly suite: number
      /** The key-exchange group, if the ServerHello names it (TLS 1.3). */
      readonly group?: number
      readonly random: Buffer
      /** 0 is none, 1 is DEFLATE. */
      readonly compression: number
      /** The ServerHello's extensions by type. */
      readonly extensions: ReadonlyMap<number, Buffer>
      /** The body of ServerKeyExchange. RFC 5246 section 7.4.3 */
      readonly keyExchange?: Buffer
      /** The server asks for a client certificate. RFC 5246 section 7.4.4 */
      readonly asksForCertificate: boolean
      /** The handshake messages up to ServerHelloDone, which the Finished messages cover. Empty under TLS 1.3 */
      readonly flight: Buffer
      /** In DER, the server's own first. Empty under TLS 1.3, which encrypts them. */
      readonly certificates: readonly Buffer[]
    }
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'more' }

export type ServerHello = Extract<ServerAnswer, { kind: 'hello' }>

const ALERT = 21
const HANDSHAKE = 22
const SERVER_HELLO = 2
const CERTIFICATE = 11
const SERVER_KEY_EXCHANGE = 12
const CERTIFICATE_REQUEST = 13
const SERVER_HELLO_DONE = 14
const SUPPORTED_VERSIONS = 43
const KEY_SHARE = 51

/** Types of extensions that the checks look for, by the registry of the IANA. */
export const extensionIds = {
  truncatedHmac: 4,
  heartbeat: 15,
  timestamps: 18,
  extendedMasterSecret: 23,
  renegotiationInfo: 0xff01,
} as const

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
  const records: Buffer[] = []
  const messages = (): Buffer => Buffer.concat(records)
  for (let at = 0; at + 5 <= octets.length; ) {
    const type = octets[at]
    const end = at + 5 + octets.readUInt16BE(at + 3)
    if (octets[at + 1] !== 3) return { kind: 'not-tls' }
    if (end > octets.length) break
    const record = octets.subarray(at + 5, end)
    if (records.length === 0 && type === ALERT) return { kind: 'alert', alert: record[1] ?? 0 }
    if (type !== HANDSHAKE) return records.length === 0 ? { kind: 'not-tls' } : readMessages(messages(), true)
    if (record.length > 0) records.push(record)
    at = end
  }
  if (records.length > 0) return readMessages(messages(), false)
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
    if (messages[at] === CERTIFICATE && hello) hello = { ...hello, certificates: readCertificates(body) }
    if (messages[at] === SERVER_KEY_EXCHANGE && hello) hello = { ...hello, keyExchange: body }
    if (messages[at] === CERTIFICATE_REQUEST && hello) hello = { ...hello, asksForCertificate: true }
    if (messages[at] === SERVER_HELLO_DONE && hello) return { ...hello, flight: messages.subarray(0, end) }
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
    random: body.subarray(2, 34),
    compression: body[afterSession + 2] ?? 0,
    extensions,
    ...(group === undefined ? {} : { group }),
    certificates: [],
    asksForCertificate: false,
    flight: Buffer.alloc(0),
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
