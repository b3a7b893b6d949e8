import type { DnsRecord } from '../message.ts'
import { makeRecord } from '../records.ts'
import { compareNames } from '../zones/order.ts'
import type { Zone } from '../zones/zone.ts'

/** Returns the NSEC record of a name, or the one that proves that the name has no records. RFC 4034 section 4. */
export function nsecFor(zone: Zone, name: string): DnsRecord {
  const names = zone.signedNames
  const at = lastUpTo(names, name)
  return nsecAt(zone, names, at)
}

/** Returns the NSEC records of all names. */
export const allNsec = (zone: Zone): DnsRecord[] =>
  zone.signedNames.map((_, index, names) => nsecAt(zone, names, index))

function nsecAt(zone: Zone, names: readonly string[], index: number): DnsRecord {
  const owner = names[index] ?? zone.name
  // The last one leads back to the top of the zone. RFC 4034 section 4.1.1
  const nextDomain = (names[index + 1] ?? zone.name) || '.'
  const types = [...(zone.node(owner)?.keys() ?? [])]
  const isCut = owner !== zone.name && types.includes('NS')
  // The address records at a delegation are not of this zone. RFC 4035 section 2.3
  const own = isCut ? types.filter((type) => type === 'NS' || type === 'DS') : types
  const soa = zone.soa
  const minimum = soa?.type === 'SOA' ? (soa.data.minimum ?? 0) : 0
  // RFC 9077 section 3
  const ttl = Math.min(minimum, soa?.ttl ?? 0)
  return makeRecord(owner, 'NSEC', ttl, { nextDomain, rrtypes: [...own, 'RRSIG', 'NSEC'] })
}

/** Returns the index of the last name that is not behind `name`. */
function lastUpTo(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (compareNames(names[middle] ?? '', name) <= 0) low = middle
    else high = middle - 1
  }
  return low
}
