import { AUTHENTIC_DATA, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet'
import { MessageReader } from './message-reader.ts'
import type { AnyRecord, DnsRecord, OptRecord, Question, RecordType } from './record-data.ts'

export type { DnsRecord, RecordType } from './record-data.ts'

/** A DNS message. The flags have the names of dns-packet. */
export interface DnsMessage {
  readonly id: number
  readonly opcode: string
  readonly rcode: string
  /** Whether it is a response. */
  readonly flag_qr: boolean
  readonly flag_aa: boolean
  readonly flag_tc: boolean
  readonly flag_rd: boolean
  readonly flag_ra: boolean
  readonly flag_ad: boolean
  readonly flag_cd: boolean
  readonly questions: readonly Question[]
  readonly answers: readonly AnyRecord[]
  readonly authorities: readonly AnyRecord[]
  readonly additionals: readonly AnyRecord[]
}

/** Size of UDP messages that pass everywhere without fragments. DNS Flag Day 2020, RFC 9715 section 3.1. */
export const UDP_SIZE_OCTETS = 1232

/** Octets of the header of a message. RFC 1035 section 4.1.1. */
export const HEADER_OCTETS = 12

/** @throws Error if the octets are not a DNS message, or too costly to read */
export function decodeMessage(octets: Buffer): DnsMessage {
  const { questions, answers, authorities, additionals } = sectionCounts(octets)
  const reader = new MessageReader(octets, HEADER_OCTETS, questions + answers + authorities + additionals)
  // dns-packet reads the header alone: without counts.
  const header = Buffer.alloc(HEADER_OCTETS)
  octets.copy(header, 0, 0, 4)
  const records = (length: number): AnyRecord[] => Array.from({ length }, () => reader.record())
  return {
    ...(decode(header) as unknown as DnsMessage),
    questions: Array.from({ length: questions }, () => reader.question()),
    answers: records(answers),
    authorities: records(authorities),
    additionals: records(additionals),
  }
}

/** Returns the data of a record in the form of dns-packet. @throws Error if the octets are not data of the type */
export function decodeData(type: number, octets: Buffer): unknown {
  const message = Buffer.alloc(HEADER_OCTETS + 11)
  message.writeUInt16BE(1, 6)
  message.writeUInt16BE(type, HEADER_OCTETS + 1)
  message.writeUInt16BE(1, HEADER_OCTETS + 3)
  message.writeUInt16BE(octets.length, HEADER_OCTETS + 9)
  const [record] = decodeMessage(Buffer.concat([message, octets])).answers
  return record && isRecord(record) ? record.data : undefined
}

/** Returns how many questions and records a message says it has. @throws Error if the octets have no header */
export const sectionCounts = (octets: Buffer) => ({
  questions: octets.readUInt16BE(4),
  answers: octets.readUInt16BE(6),
  authorities: octets.readUInt16BE(8),
  additionals: octets.readUInt16BE(10),
})

/** The parts of a message to encode. */
interface MessageParts {
  readonly type?: 'query' | 'response'
  readonly id?: number
  readonly flags?: number
  readonly questions?: readonly Question[]
  readonly answers?: readonly AnyRecord[]
  readonly additionals?: readonly AnyRecord[]
}

/** Returns a message in wire format. RFC 1035 section 4.1. */
export const encodeMessage = (message: MessageParts): Buffer => encode(message as Packet)

/** Returns whether a record is the OPT pseudo-record. RFC 6891 section 6.1. */
export const isOpt = (record: AnyRecord): record is OptRecord => record.type === 'OPT'
/** Returns whether a record is an ordinary record. */
export const isRecord = (record: AnyRecord): record is DnsRecord => record.type !== 'OPT'

/** Encodes a question to a resolver. The AD bit asks for the AD bit of the answer (RFC 6840 section 5.7). */
export const encodeQuestion = (id: number, name: string, type: RecordType): Buffer =>
  encodeMessage({
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name, type, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_SIZE_OCTETS,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  })
