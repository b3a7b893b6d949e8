import { z } from 'zod'
import { mapping } from './mapping.ts'
import { addressOrNetwork, duration, hostName, listenAddress, listenPort, timeLimit } from './values.ts'

/** Defects of records: the zone contains wrong data. */
export const recordDefectNames = [
  'wrong-mx',
  'cname-mx',
  'null-mx',
  'missing-mx',
  'mismatching-tlsa',
  'expired-tlsa',
  'unusable-tlsa',
  'missing-tlsa',
  'missing-spf',
  'double-spf',
  'invalid-spf',
  'excessive-spf',
  'missing-dmarc',
] as const

/** Defects of answers: the server responds wrongly. */
export const answerDefectNames = [
  'nxdomain',
  'nodata',
  'servfail',
  'refused',
  'lame',
  'slow',
  'silent',
  'truncated',
] as const

/** Defects of the signatures of a signed zone. */
const signatureDefectNames = ['bogus-signature', 'expired-signature', 'missing-signature'] as const

const dnsDefectNames = [...recordDefectNames, ...answerDefectNames, ...signatureDefectNames] as const

const defectName = z.enum(dnsDefectNames)

/** The keys of a defect with options. */
export const dnsDefectKeys = mapping(() => ({
  defect: defectName.describe('Name of the defect. See docs/dns.md.').meta({ examples: ['slow'] }),
  name: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name to which the defect is limited; `*.` and a name stands for all names below that name. Default: the whole zone.',
    )
    .meta({ examples: ['mail.lab.test'] }),
  types: z
    .array(z.string().regex(/^[A-Z][A-Z0-9]*$/, 'write a record type such as MX'))
    .min(1)
    .optional()
    .describe(
      'nxdomain, nodata, servfail, refused, lame, slow, silent, truncated: query types that get the defect. Default: all.',
    )
    .meta({ examples: [['A', 'AAAA']] }),
  delay: timeLimit
    .optional()
    .describe('slow: wait before each answer. Default: 5s.')
    .meta({ examples: ['5s'] }),
}))

/** A defect of a zone: its name alone, or an object with options. */
export const dnsDefect = z
  .union([defectName, dnsDefectKeys])
  .transform((given) => (typeof given === 'string' ? { defect: given } : given))

const zone = mapping(() => ({
  records: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Records as lines of a zone file. Names without a period at the end are relative to the zone. They replace generated records of the same name and type.',
    )
    .meta({ examples: [['www 300 IN A 127.0.0.1', '@ TXT "any text"']] }),
  file: z
    .string()
    .min(1)
    .optional()
    .describe('Zone file with more records, relative to this file. Read at the start and at each reload.')
    .meta({ examples: ['example.test.zone'] }),
  generated: z
    .boolean()
    .default(true)
    .describe(
      'Whether records are generated from the configuration. SOA and NS records are always generated, unless `records` or `file` contains them.',
    ),
  dnssec: z
    .boolean()
    .optional()
    .describe('Whether the zone is signed. Default: `dns.dnssec`.')
    .meta({ examples: [true] }),
  authenticated: z
    .boolean()
    .optional()
    .describe(
      'Whether answers have the AD bit for clients that ask for it, as from a resolver that has checked the signatures. Default: whether the zone is signed.',
    )
    .meta({ examples: [false] }),
  defects: z
    .array(dnsDefect)
    .default([])
    .describe('Deliberate defects of the zone, to test clients: names, or { defect, name, types, delay }.')
    .meta({ examples: [['wrong-mx', { defect: 'slow', delay: '2s' }]] }),
}))

/** The key `dns`. */
export const dns = mapping(() => ({
  address: listenAddress.describe('Address to listen on, by UDP and TCP.'),
  port: listenPort.default(53).describe('Port. portOffset is added; 0 takes a free port.'),
  ttl: duration
    .refine((ms) => ms >= 0 && ms <= 604_800_000, 'write at most 7d')
    .prefault('60s')
    .describe('TTL of generated records, and of records that name no TTL.'),
  addresses: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .default([])
    .describe('IP addresses of the lab’s hosts. Default: those on which the virtual servers listen.')
    .meta({ examples: [['127.0.0.1', '::1']] }),
  dnssec: z
    .boolean()
    .default(false)
    .describe('Whether zones are signed (DNSSEC with ECDSA P-256). `dnssec` of a zone overrides it.'),
  transfer: z
    .array(addressOrNetwork)
    .default([])
    .describe('IP addresses and networks that may transfer zones (AXFR). Default: none.')
    .meta({ examples: [['127.0.0.1']] }),
  zones: z
    .record(hostName, zone)
    .default({})
    .describe('Zones by name. The domains and host names of the lab have zones without being listed.')
    .meta({ examples: [{ 'example.test': { records: ['@ MX 10 mail', 'mail A 127.0.0.1'] } }] }),
}))

export type DnsConfig = z.output<typeof dns>
export type DnsZoneConfig = DnsConfig['zones'][string]
export type DnsDefect = z.output<typeof dnsDefect>
export type DnsDefectInput = z.input<typeof dnsDefect>
export type RecordDefectName = (typeof recordDefectNames)[number]
export type AnswerDefectName = (typeof answerDefectNames)[number]
export type SignatureDefectName = (typeof signatureDefectNames)[number]
