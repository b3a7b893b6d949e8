import type { DnsRecord } from './message.ts'

/** Creates a record from data in the form that dns-packet has for the type. */
export const makeRecord = (name: string, type: string, ttl: number, data: unknown): DnsRecord =>
  ({ name, type, ttl, class: 'IN', data }) as DnsRecord

/** Records of one name and type. RFC 2181 section 5. */
export interface RecordSet {
  readonly name: string
  readonly type: string
  readonly records: readonly DnsRecord[]
}

/** RFC 1035 section 3.3. */
const MAX_STRING_OCTETS = 255

/** Returns octets as the strings of a TXT record, which has at least one. RFC 1035 section 3.3.14. */
export function stringsOf(octets: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(octets.length / MAX_STRING_OCTETS))
  return Array.from({ length: count }, (_, index) =>
    octets.subarray(index * MAX_STRING_OCTETS, (index + 1) * MAX_STRING_OCTETS),
  )
}

/** Creates a TXT record from a text of any length. */
export const textRecord = (name: string, ttl: number, text: string): DnsRecord =>
  makeRecord(name, 'TXT', ttl, stringsOf(Buffer.from(text)))

/** Returns the strings of a TXT record joined. */
export const txtValue = ({ data }: DnsRecord): string => Buffer.concat(data as Buffer[]).toString('utf8')

/** Whether a record is an SPF policy. RFC 7208 section 4.5. */
export const isSpf = (record: DnsRecord): boolean => record.type === 'TXT' && /^v=spf1( |$)/i.test(txtValue(record))
