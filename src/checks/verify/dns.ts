import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { uint16, vector } from '../../tls/negotiation/octets.ts'
import { type Resolver, VerifyError } from './types.ts'

/** Types of records. RFC 1035 section 3.2.2; RFC 3596; RFC 6698 section 7.1. */
export const recordTypes = { A: 1, TXT: 16, AAAA: 28, TLSA: 52 } as const

/** An answer. `records` holds the data of the records of the wanted type. */
interface DnsAnswer {
  readonly status: 'found' | 'no such name' | `error ${number}`
  readonly records: readonly Buffer[]
  /** The server has validated the answer with DNSSEC (the AD bit). RFC 4035 section 3.2.3 */
  readonly authenticated: boolean
}

const HEADER_OCTETS = 12
const CLASS_IN = 1
const OPT = 41
/** RFC 6891 section 6.2.5 */
const UDP_OCTETS = 1232
const [RECURSION_DESIRED, AUTHENTIC_DATA, TRUNCATED] = [0x0100, 0x0020, 0x0200]
/** The DO bit of EDNS. RFC 3225 section 3 */
const DNSSEC_OK = 0x8000
const [NO_ERROR, NO_SUCH_NAME] = [0, 3]

/** Asks a DNS server, which may resolve recursively. @throws VerifyError if it does not answer */
export async function query(
  resolver: Resolver,
  name: string,
  type: keyof typeof recordTypes,
  timeoutMs: number,
): Promise<DnsAnswer> {
  const id = randomInt(0x10000)
  const question = questionFor(id, name, recordTypes[type])
  try {
    const answer = await askUdp(resolver, question, id, timeoutMs)
    const whole = answer.readUInt16BE(2) & TRUNCATED ? await askTcp(resolver, question, timeoutMs) : answer
    return readAnswer(whole, recordTypes[type])
  } catch (error) {
    if (error instanceof RangeError) throw new VerifyError(`the DNS server’s answer about ${name} is malformed`)
    throw new VerifyError(`the DNS server ${resolver.address} does not answer: ${(error as Error).message}`)
  }
}

function questionFor(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...[id, RECURSION_DESIRED | AUTHENTIC_DATA, 1, 0, 0, 1].map(uint16),
    ...labels.map((label) => vector(1, Buffer.from(label, 'latin1'))),
    Buffer.from([0]),
    ...[type, CLASS_IN].map(uint16),
    // The pseudo-record OPT: its name is the root, its class a size, its time to live has flags. RFC 6891 section 6.1
    Buffer.from([0]),
    ...[OPT, UDP_OCTETS, 0, DNSSEC_OK, 0].map(uint16),
  ])
}

function askUdp({ address, port }: Resolver, question: Buffer, id: number, timeoutMs: number): Promise<Buffer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const { promise, resolve, reject } = promiseParts<Buffer>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  socket.on('error', reject)
  socket.on('message', (message) => {
    if (message.length >= HEADER_OCTETS && message.readUInt16BE(0) === id) resolve(message)
  })
  socket.connect(port, address, () => socket.send(question))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

/** Asks over TCP, where two octets of length come first. RFC 1035 section 4.2.2 */
function askTcp({ address, port }: Resolver, question: Buffer, timeoutMs: number): Promise<Buffer> {
  const socket = connect({ host: address, port })
  const { promise, resolve, reject } = promiseParts<Buffer>()
  let held: Buffer = Buffer.alloc(0)
  socket.setTimeout(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs / 1000} s`)))
  socket.on('error', reject)
  socket.on('end', () => reject(new Error('the connection is closed')))
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    if (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) resolve(held.subarray(2))
  })
  socket.write(vector(2, question))
  return promise.finally(() => socket.destroy())
}

function promiseParts<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}

/** RFC 1035 section 4.1. @throws RangeError for a malformed answer */
function readAnswer(octets: Buffer, type: number): DnsAnswer {
  const flags = octets.readUInt16BE(2)
  const code = flags & 0xf
  const records: Buffer[] = []
  let at = HEADER_OCTETS
  for (let left = octets.readUInt16BE(4); left > 0; left--) at = endOfName(octets, at) + 4
  for (let left = octets.readUInt16BE(6); left > 0; left--) {
    at = endOfName(octets, at)
    const end = at + 10 + octets.readUInt16BE(at + 8)
    if (end > octets.length) throw new RangeError('a record beyond the end')
    if (octets.readUInt16BE(at) === type) records.push(octets.subarray(at + 10, end))
    at = end
  }
  const status = code === NO_ERROR ? 'found' : code === NO_SUCH_NAME ? 'no such name' : (`error ${code}` as const)
  return { status, records, authenticated: (flags & AUTHENTIC_DATA) !== 0 }
}

/** Returns the position behind a name, whose last part can be a pointer. RFC 1035 section 4.1.4 */
function endOfName(octets: Buffer, start: number): number {
  let at = start
  for (let length = octets.readUInt8(at); length !== 0; length = octets.readUInt8(at)) {
    if ((length & 0xc0) !== 0) return at + 2
    at += 1 + length
  }
  return at + 1
}

/** Returns the text of a TXT record: its strings joined. RFC 1035 section 3.3.14 */
export function textOf(record: Buffer): string {
  let text = ''
  for (let at = 0; at < record.length; at += 1 + (record[at] ?? 0)) {
    text += record.toString('utf8', at + 1, at + 1 + (record[at] ?? 0))
  }
  return text
}
