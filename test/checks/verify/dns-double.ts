import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { DnsServer } from '../../../src/checks/verify/types.ts'
import { uint16, vector } from '../../../src/tls/negotiation/octets.ts'

/** RFC 1035 section 3.2.2; RFC 3596; RFC 6698 section 7.1. */
const recordTypes = { A: 1, TXT: 16, AAAA: 28, TLSA: 52 } as const

/** The records of a DNS double: data by name and type. */
export type Records = Readonly<Record<string, Partial<Readonly<Record<keyof typeof recordTypes, readonly Buffer[]>>>>>

interface DnsDouble extends AsyncDisposable {
  readonly resolver: DnsServer
}

/** Options of the double's answers. */
interface DnsFaults {
  /** The response code. RFC 1035 section 4.1.1 */
  readonly code?: number
  /** Sets the AD bit. Default: true. */
  readonly authenticated?: boolean
}

/** Starts a DNS server with the given records. */
export async function startDns(
  records: Records,
  { code = 0, authenticated = true }: DnsFaults = {},
): Promise<DnsDouble> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const { name, type, end } = readQuestion(question)
    const found = Object.entries(recordTypes).find(([, number]) => number === type)?.[0] as keyof typeof recordTypes
    const data = records[name]?.[found] ?? []
    const flags = 0x8180 | code | (authenticated ? 0x20 : 0)
    const header = [question.readUInt16BE(0), flags, 1, data.length, 0, 0].map(uint16)
    // The name of each record points at the question.
    const answers = data.map((one) => Buffer.concat([...[0xc00c, type, 1, 0, 60].map(uint16), vector(2, one)]))
    socket.send(Buffer.concat([...header, question.subarray(12, end), ...answers]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    resolver: { address: '127.0.0.1', port: socket.address().port },
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function readQuestion(octets: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = octets[at] ?? 0; length > 0; length = octets[at] ?? 0) {
    labels.push(octets.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: octets.readUInt16BE(at + 1), end: at + 5 }
}

/** Returns the data of a TXT record. */
export const txt = (text: string): Buffer => vector(1, Buffer.from(text))
