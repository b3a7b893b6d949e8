/** The numbers of the types that a zone can hold. `zone-text/record-types.ts` has their data. https://www.iana.org/assignments/dns-parameters */
const zoneTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  CAA: 257,
} as const

/** The numbers of the types that only messages have. RFC 6895 section 3.1. */
const messageTypes = { OPT: 41, TKEY: 249, TSIG: 250, IXFR: 251, AXFR: 252, ANY: 255 } as const

/** A type that a zone can hold. */
export type ZoneType = keyof typeof zoneTypes

const numbers: Readonly<Record<string, number>> = { ...zoneTypes, ...messageTypes }
const names: ReadonlyMap<number, string> = new Map(Object.entries(numbers).map(([name, number]) => [number, name]))

/** Returns the name of a type; for a type without one, that of dns-packet: `UNKNOWN_` and the number. */
export const typeOfNumber = (number: number): string => names.get(number) ?? `UNKNOWN_${number}`

export const typeNumber = (type: string): number => numbers[type] ?? Number(type.replace(/^UNKNOWN_/, ''))

/** Returns a type as zone files write it. RFC 3597 section 5. */
export const typeText = (type: string): string => type.replace(/^UNKNOWN_/, 'TYPE')
