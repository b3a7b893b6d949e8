import {
  type Answer,
  AUTHENTIC_DATA,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_DESIRED,
  type RecordType,
} from 'dns-packet'

/** A record, or the OPT pseudo-record. */
export type AnyRecord = Answer
/** A record of a zone. */
export type DnsRecord = Exclude<Answer, { type: 'OPT' }>
export type OptRecord = Extract<Answer, { type: 'OPT' }>

/** A DNS message with the header fields that dns-packet's types leave out. */
export interface DnsMessage extends Omit<DecodedPacket, 'questions' | 'answers' | 'authorities' | 'additionals'> {
  readonly id: number
  readonly opcode: string
  readonly rcode: string
  readonly questions: readonly Question[]
  readonly answers: readonly AnyRecord[]
  readonly authorities: readonly AnyRecord[]
  readonly additionals: readonly AnyRecord[]
}

/** Size of UDP messages that pass everywhere without fragments. DNS Flag Day 2020, RFC 9715. */
export const UDP_SIZE_OCTETS = 1232

/** Octets of the header of a message. RFC 1035 section 4.1.1. */
export const HEADER_OCTETS = 12

/** @throws Error if the octets are no DNS message */
export const decodeMessage = (octets: Buffer): DnsMessage => decode(octets) as unknown as DnsMessage

export const encodeMessage = (message: Packet): Buffer => encode(message)

/** Returns a record in wire format. */
export const encodeRecord = (record: AnyRecord): Buffer =>
  encode({ answers: [record.name === '' ? { ...record, name: '.' } : record] }).subarray(HEADER_OCTETS)

export const isOpt = (record: AnyRecord): record is OptRecord => record.type === 'OPT'
export const isRecord = (record: AnyRecord): record is DnsRecord => record.type !== 'OPT'

/** Encodes a question to a resolver. The AD bit asks for the AD bit of the answer (RFC 6840 section 5.7). */
export const encodeQuestion = (id: number, name: string, type: RecordType): Buffer =>
  encode({
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
