import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type DnsMessage, decodeMessage } from '../../../src/transport/dns/message.ts'
import { frameForTcp } from '../../../src/transport/dns/remote.ts'

interface QueryOptions {
  readonly class?: 'CH' | 'HS'
  readonly opcode?: number
  /** Header flags besides the opcode: RD 0x100, AD 0x20, CD 0x10. */
  readonly flags?: number
  /** The size of EDNS; absent: no EDNS. */
  readonly size?: number
  readonly version?: number
  readonly dnssecOk?: boolean
}

export const RD = 0x100
export const AD = 0x20
export const CD = 0x10

const numbers: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  SRV: 33,
  DS: 43,
  RRSIG: 46,
  DNSKEY: 48,
  TLSA: 52,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
}

const ID = 0x1234

/** Writes a query by hand, so that nothing of the server's code is its own judge. */
export function query(name: string, type: string, options: QueryOptions = {}): Buffer {
  const { size, opcode = 0, flags = 0, version = 0, dnssecOk = false } = options
  const header = Buffer.alloc(12)
  header.writeUInt16BE(ID, 0)
  header.writeUInt16BE((opcode << 11) | flags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(size === undefined ? 0 : 1, 10)
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')])
  const end = Buffer.alloc(5)
  end.writeUInt16BE(numbers[type] ?? Number(type.replace('TYPE', '')), 1)
  end.writeUInt16BE(options.class === undefined ? 1 : { CH: 3, HS: 4 }[options.class], 3)
  const opt = Buffer.alloc(size === undefined ? 0 : 11)
  if (size !== undefined) {
    opt.writeUInt16BE(41, 1)
    opt.writeUInt16BE(size, 3)
    opt.writeUInt8(version, 6)
    opt.writeUInt16BE(dnssecOk ? 0x8000 : 0, 7)
  }
  return Buffer.concat([header, ...labels, end, opt])
}

/** The longest chain of pointers in a message: each to the one before, and the first to the name `a`. */
const CHAIN_LENGTH = 8100
const RECORDS_AT_END = 4000

/** Returns a message of 64 KB in which each of 4,000 records has a name at the end of a chain of pointers. */
export function pointerBomb(id = ID, flags = RD): Buffer {
  const header = query('a', 'A', { flags })
  header.writeUInt16BE(id, 0)
  const data = header.length + 11
  const chain = Buffer.alloc(CHAIN_LENGTH * 2)
  for (let link = 0; link < CHAIN_LENGTH; link++) {
    chain.writeUInt16BE(0xc000 | (link === 0 ? 12 : data + 2 * (link - 1)), 2 * link)
  }
  // Of types and a class that nobody uses.
  const carrier = Buffer.from([0, 0xff, 0, 0, 1, 0, 0, 0, 0, chain.length >> 8, chain.length & 0xff])
  const record = Buffer.from([0, 0, 0xff, 1, 0, 1, 0, 0, 0, 0, 0, 0])
  record.writeUInt16BE(0xc000 | (data + chain.length - 2), 0)
  header.writeUInt16BE(1 + RECORDS_AT_END, 6)
  return Buffer.concat([header, carrier, chain, ...Array.from({ length: RECORDS_AT_END }, () => record)])
}

interface At {
  readonly address: string
  readonly port: number
}

/** Sends octets by UDP, and returns the response. */
export async function exchange({ address, port }: At, octets: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  try {
    socket.connect(port, address)
    await once(socket, 'connect')
    socket.send(octets)
    const [response] = (await once(socket, 'message')) as [Buffer]
    return response
  } finally {
    socket.close()
  }
}

/** Sends a query by UDP, and returns the response. */
export const ask = async (at: At, name: string, type: string, options?: QueryOptions): Promise<DnsMessage> =>
  decodeMessage(await exchange(at, query(name, type, options)))

/** Sends queries on one TCP connection, and returns the responses until the server closes it. */
export async function askByTcp({ address, port }: At, ...queries: readonly Buffer[]): Promise<DnsMessage[]> {
  const socket = connect(port, address)
  await once(socket, 'connect')
  socket.end(Buffer.concat(queries.map(frameForTcp)))
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  const messages: DnsMessage[] = []
  for (let rest = Buffer.concat(chunks); rest.length > 0; rest = rest.subarray(2 + rest.readUInt16BE(0))) {
    messages.push(decodeMessage(rest.subarray(2, 2 + rest.readUInt16BE(0))))
  }
  return messages
}
