/**
 * Blocks of a pcapng file, little-endian. Source: "PCAP Next Generation Capture File Format"
 * (draft-ietf-opsawg-pcapng), sections 4.1 to 4.3 and 4.7.
 */

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const DECRYPTION_SECRETS = 10
/** Link type of packets that begin with the IP header. */
const LINKTYPE_RAW = 101
/** `TLSK`: secrets in the format of the NSS key log. */
const TLS_KEY_LOG = 0x544c534b
const OPTION_APPLICATION = 4
const OPTION_INTERFACE_NAME = 2

/** Returns the beginning of a file: section header and interface description. Times are in microseconds, the default. */
export function fileHeader(application: string): Buffer {
  const section = Buffer.alloc(16)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt16LE(1, 4)
  // -1: the section's length is unknown.
  section.writeBigInt64LE(-1n, 8)
  const description = Buffer.alloc(8)
  description.writeUInt16LE(LINKTYPE_RAW, 0)
  return Buffer.concat([
    block(SECTION_HEADER, section, options([[OPTION_APPLICATION, application]])),
    block(INTERFACE_DESCRIPTION, description, options([[OPTION_INTERFACE_NAME, 'sealpost']])),
  ])
}

/** Returns the block of an IP packet. */
export function packetBlock(ip: Buffer, atMs: number): Buffer {
  const head = Buffer.alloc(20)
  const microseconds = BigInt(Math.round(atMs * 1000))
  head.writeUInt32LE(Number(microseconds >> 32n), 4)
  head.writeUInt32LE(Number(microseconds & 0xffffffffn), 8)
  head.writeUInt32LE(ip.length, 12)
  head.writeUInt32LE(ip.length, 16)
  return block(ENHANCED_PACKET, head, padToFour(ip))
}

/** Returns a block of TLS secrets, lines of an NSS key log. They apply to the packets after it. */
export function secretsBlock(lines: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(TLS_KEY_LOG, 0)
  head.writeUInt32LE(lines.length, 4)
  return block(DECRYPTION_SECRETS, head, padToFour(lines))
}

function block(type: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 12)
  const head = Buffer.alloc(8)
  head.writeUInt32LE(type, 0)
  head.writeUInt32LE(length, 4)
  const tail = Buffer.alloc(4)
  tail.writeUInt32LE(length, 0)
  return Buffer.concat([head, ...content, tail], length)
}

function options(list: readonly (readonly [code: number, text: string])[]): Buffer {
  const encoded = list.map(([code, text]) => {
    const value = Buffer.from(text, 'utf8')
    const head = Buffer.alloc(4)
    head.writeUInt16LE(code, 0)
    head.writeUInt16LE(value.length, 2)
    return Buffer.concat([head, padToFour(value)])
  })
  return Buffer.concat([...encoded, Buffer.alloc(4)])
}

/** Pads to a multiple of four octets. */
const padToFour = (octets: Buffer): Buffer => Buffer.concat([octets, Buffer.alloc(-octets.length & 3)])
