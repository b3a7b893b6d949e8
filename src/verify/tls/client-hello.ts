import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'

/** What a hand-made ClientHello offers. */
export interface HelloOffer {
  /** The one version, as on the wire: 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3). */
  readonly version: number
  readonly suites: readonly number[]
  readonly serverName: string
}

/**
 * A ClientHello in one record, for what no TLS library of today offers any more. RFC 8446 section 4.1.2; RFC 5246 section
 * 7.4.1.2; RFC 6101 section 5.6.1.2 (SSL 3.0, which knows no extensions).
 */
export function clientHello({ version, suites, serverName }: HelloOffer): Buffer {
  const is13 = version === 0x0304
  const body = Buffer.concat([
    uint16(Math.min(version, 0x0303)),
    randomBytes(32),
    // A session identifier, as middle boxes expect of TLS 1.3. RFC 8446 appendix D.4
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
    // An address is no SNI name. RFC 6066 section 3
    ...(isIP(serverName) || serverName === ''
      ? []
      : [extension(0, vector16(Buffer.concat([Buffer.from([0]), vector16(Buffer.from(serverName, 'latin1'))])))]),
    // supported_groups, ec_point_formats. RFC 8422 section 5.1
    extension(10, vector16(Buffer.concat([0x001d, 0x0017, 0x0018, 0x0019].map(uint16)))),
    extension(11, vector8(Buffer.from([0]))),
    // signature_algorithms, SHA-1 and MD5 too: what is accepted is to be seen. RFC 8446 section 4.2.3
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

/** A share of X25519: a server that wants another group asks for it, which shows the version as well. */
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
