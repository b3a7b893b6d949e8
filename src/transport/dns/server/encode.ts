import { type DnsRecord, encodeMessage, HEADER_OCTETS, UDP_SIZE_OCTETS } from '../message.ts'
import { nameOctets } from '../names.ts'
import { encodeRecord } from '../zone-text/record-types.ts'
import type { BadQuery, Query } from './query.ts'

/** Response codes; those above 15 need EDNS. RFC 6895 section 2.3. */
const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
export type Rcode = keyof typeof rcodes

/** The largest UDP message for a client without EDNS. RFC 1035 section 4.2.1. */
const PLAIN_UDP_OCTETS = 512
export const MAX_TCP_OCTETS = 0xffff

export interface Response {
  readonly rcode: Rcode
  readonly isAuthoritative?: boolean
  readonly isAuthenticated?: boolean
  /** Truncated although it would fit. */
  readonly isTruncated?: boolean
  readonly answers?: readonly DnsRecord[]
  readonly authorities?: readonly DnsRecord[]
  readonly additionals?: readonly DnsRecord[]
}

/** Returns the size that a response by UDP may have. A client that names less than 512 octets gets 512 (RFC 6891 section 6.2.3). */
export const udpLimit = (edns: Query['edns']): number =>
  Math.min(UDP_SIZE_OCTETS, Math.max(PLAIN_UDP_OCTETS, edns?.sizeOctets ?? 0))

/** Encodes a response to a query. If it is longer than `maxOctets`, it has no records and the TC bit. RFC 2181 section 9. */
export function encodeResponse(query: Query | BadQuery, response: Response, maxOctets: number): Buffer {
  const opt = 'edns' in query && query.edns ? [optOf(query.edns, response.rcode)] : []
  const name = 'name' in query ? query.name : undefined
  const sections = [response.answers ?? [], response.authorities ?? []].map((records) =>
    records.map((record) => compact(record, name)),
  )
  const additionals = (response.additionals ?? []).map((record) => compact(record, name))
  const size = (parts: readonly (readonly Buffer[])[]): number =>
    parts.flat().reduce((sum, { length }) => sum + length, HEADER_OCTETS + query.question.length)
  const fits = (...parts: readonly (readonly Buffer[])[]): boolean => size([...sections, opt, ...parts]) <= maxOctets
  if (response.isTruncated || !fits()) return message(query, response, true, [[], [], opt])
  // Addresses of name servers can be looked up. RFC 9471 section 3.2 wants all of them in a referral.
  if (!fits(additionals)) return message(query, response, true, [...sections, opt])
  return message(query, response, false, [...sections, [...additionals, ...opt]])
}

function message(
  query: Query | BadQuery,
  { rcode, isAuthoritative, isAuthenticated }: Response,
  isTruncated: boolean,
  [answers = [], authorities = [], additionals = []]: readonly (readonly Buffer[])[],
): Buffer {
  const header = Buffer.alloc(HEADER_OCTETS)
  header.writeUInt16BE(query.id, 0)
  const flags =
    0x8000 |
    (query.opcode << 11) |
    (isAuthoritative ? 0x0400 : 0) |
    (isTruncated ? 0x0200 : 0) |
    (query.wantsRecursion ? 0x0100 : 0) |
    (isAuthenticated ? 0x0020 : 0) |
    ('checkingDisabled' in query && query.checkingDisabled ? 0x0010 : 0) |
    (rcodes[rcode] & 0xf)
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(query.question.length > 0 ? 1 : 0, 4)
  header.writeUInt16BE(answers.length, 6)
  header.writeUInt16BE(authorities.length, 8)
  header.writeUInt16BE(additionals.length, 10)
  return Buffer.concat([header, query.question, ...answers, ...authorities, ...additionals])
}

const optOf = ({ dnssecOk }: NonNullable<Query['edns']>, rcode: Rcode): Buffer =>
  encodeMessage({
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_SIZE_OCTETS,
        extendedRcode: rcodes[rcode] >> 4,
        ednsVersion: 0,
        flags: dnssecOk ? 0x8000 : 0,
        flag_do: dnssecOk,
        options: [],
      },
    ],
  }).subarray(HEADER_OCTETS)

/** A pointer to the name of the question, which also has the case of the client. RFC 1035 section 4.1.4. */
const POINTER = Buffer.from([0xc0, HEADER_OCTETS])

function compact(record: DnsRecord, asked: string | undefined): Buffer {
  const octets = encodeRecord(record)
  if (record.name !== asked || record.name === '') return octets
  return Buffer.concat([POINTER, octets.subarray(nameOctets(record.name).length)])
}
