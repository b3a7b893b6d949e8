import type { DnsRecord } from '../message.ts'
import { makeRecord, type RecordSet } from '../records.ts'
import type { Zone } from '../zones/zone.ts'
import { allNsec } from './denial.ts'
import type { ZoneKey } from './key.ts'
import { type SignatureState, signatureOf } from './sign.ts'

/** Returns records in sets, in the order of their first records. */
export function setsOf(records: readonly DnsRecord[]): RecordSet[] {
  const sets = new Map<string, RecordSet & { records: DnsRecord[] }>()
  for (const record of records) {
    const key = `${record.name} ${record.type}`
    const set = sets.get(key)
    if (set) set.records.push(record)
    else sets.set(key, { name: record.name, type: record.type, records: [record] })
  }
  return [...sets.values()]
}

/** Returns the DNSKEY record of a zone. */
export const dnskeyRecord = (zone: string, ttlSeconds: number, key: ZoneKey): DnsRecord =>
  makeRecord(zone, 'DNSKEY', ttlSeconds, key.dnskey)

/** Returns all records of a signed zone with their signatures, as a transfer has them. RFC 4035 section 2. */
export function signedRecords(zone: Zone, key: ZoneKey, nowMs: number, state: SignatureState): DnsRecord[] {
  const isSigned = ({ name, type }: RecordSet): boolean => {
    const cut = zone.cutAbove(name)
    return cut === undefined || (cut === name && type === 'DS')
  }
  const signing = { zone: zone.name, key, nowMs, state }
  const sign = (set: RecordSet): DnsRecord[] => {
    const signature = signatureOf(set, signing)
    return signature ? [...set.records, signature] : [...set.records]
  }
  return [
    ...setsOf(zone.records).flatMap((set) => (isSigned(set) ? sign(set) : [...set.records])),
    ...allNsec(zone).flatMap((nsec) => sign({ name: nsec.name, type: 'NSEC', records: [nsec] })),
  ]
}
