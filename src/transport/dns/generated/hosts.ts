import { isIPv4 } from 'node:net'
import type { DnsRecord } from '../message.ts'
import { reverseName } from '../names.ts'
import { makeRecord } from '../records.ts'
import type { DnsFacts } from './facts.ts'

/** Returns the address records of a name. */
export const addressRecords = (name: string, addresses: readonly string[], ttl: number): DnsRecord[] =>
  addresses.map((address) => makeRecord(name, isIPv4(address) ? 'A' : 'AAAA', ttl, address))

/** Returns the addresses of every host name, and the names of the addresses. */
export function hostRecords({ hosts: [first, ...others], addresses, ttlSeconds }: DnsFacts): DnsRecord[] {
  const names = [first, ...others].filter((name) => !name.startsWith('*.'))
  return [
    ...names.flatMap((name) => addressRecords(name, addresses, ttlSeconds)),
    ...addresses.map((address) => makeRecord(reverseName(address), 'PTR', ttlSeconds, first)),
  ]
}

/** Returns the zone of an address's reverse name: all of 127/8, or the address alone. RFC 6303 section 4. */
export function reverseZone(address: string): string {
  const name = reverseName(address)
  return name.endsWith('.127.in-addr.arpa') ? '127.in-addr.arpa' : name
}
