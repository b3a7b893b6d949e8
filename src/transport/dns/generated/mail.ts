import type { DnsRecord } from '../message.ts'
import { makeRecord, textRecord } from '../records.ts'
import type { DnsFacts } from './facts.ts'

/** Returns the records of the mail domains: MX, SPF, DMARC and CAA. */
export function mailRecords({ domains, hosts: [host], servers, hasAuthority, ttlSeconds }: DnsFacts): DnsRecord[] {
  const receives = servers.some(({ protocol }) => protocol === 'smtp')
  return domains.flatMap((domain) => [
    // Without a server for mail: a null MX, RFC 7505.
    makeRecord(
      domain,
      'MX',
      ttlSeconds,
      receives ? { preference: 10, exchange: host } : { preference: 0, exchange: '.' },
    ),
    // RFC 7208
    textRecord(domain, ttlSeconds, receives ? 'v=spf1 mx -all' : 'v=spf1 -all'),
    // RFC 7489 section 6.3
    textRecord(`_dmarc.${domain}`, ttlSeconds, 'v=DMARC1; p=reject'),
    // RFC 8659
    ...(hasAuthority ? [makeRecord(domain, 'CAA', ttlSeconds, { flags: 0, tag: 'issue', value: host })] : []),
  ])
}
