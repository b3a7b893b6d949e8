import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import type { Zone } from '../../transport/dns/zones/zone.ts'
import type { Api } from '../api.ts'
import { Content, defineOperation } from '../operation.ts'
import { nameServiceOf, zoneNamed } from './dns-lab.ts'

const zone = z
  .object({
    name: z.string(),
    records: z.number().int().describe('Number of records, without those of DNSSEC that the server adds.'),
    serial: z.number().int().describe('Serial number of the SOA record. It grows with each change.'),
    signed: z.boolean().describe('Whether the zone is signed (DNSSEC).'),
    ds: z.string().nullable().describe('DS record, as a trust anchor for resolvers. Null: not signed.'),
    authenticated: z.boolean().describe('Whether answers have the AD bit for clients that ask for it.'),
    defects: z.array(z.string()).describe('Names of the deliberate defects of the zone.'),
  })
  .meta({ id: 'DnsZone' })

function facts(api: Api, { name, records, soa, traits: { key, isAuthenticated, defects } }: Zone) {
  return {
    name,
    records: records.length,
    serial: soa?.type === 'SOA' ? (soa.data.serial ?? 0) : 0,
    signed: key !== undefined,
    ds: key ? nameServiceOf(api).trustAnchor(name) : null,
    authenticated: isAuthenticated,
    defects: defects.map(({ defect }) => defect),
  }
}

const list = defineOperation('dnsZones.list', 'GET /dns/zones', {
  listKey: 'name',
  summary: 'List the zones of the DNS server.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(zone) }),
  async run({ api }) {
    const zones = api.lab.dns.names?.zones.list ?? []
    return { items: zones.map((one) => facts(api, one)) }
  },
})

const get = defineOperation('dnsZones.get', 'GET /dns/zones/{name}', {
  summary: 'Read a zone.',
  access: 'inspect',
  input: z.strictObject({ name: z.string() }),
  output: zone,
  async run({ api, input: { name } }) {
    return facts(api, zoneNamed(api, name))
  },
})

const file = defineOperation('dnsZones.file', 'GET /dns/zones/{name}/file', {
  summary: 'Read a zone as a zone file; with its signatures if it is signed.',
  access: 'inspect',
  input: z.strictObject({ name: z.string() }),
  // RFC 4027
  output: 'text/dns',
  async run({ api, input: { name } }) {
    const found = zoneNamed(api, name)
    const text = nameServiceOf(api).zoneText(found.name)
    return new Content('text/dns; charset=utf-8', text)
  },
})

const query = z
  .object({
    at: z.string().describe("Time of the lab's clock, RFC 3339."),
    name: z.string(),
    type: z.string(),
    client: z.string().describe('Address of the client; `lab` for the lab itself.'),
    protocol: z.enum(['udp', 'tcp']),
    rcode: z.string().describe('Response code, such as NOERROR or NXDOMAIN; `none` if there was no answer.'),
    dnssecOk: z.boolean().describe('Whether the client asked for signatures (DO bit).'),
  })
  .meta({ id: 'DnsQuery' })

const queries = defineOperation('dnsQueries.list', 'GET /dns/queries', {
  summary: 'List the latest 500 queries to the DNS server, newest first.',
  access: 'inspect',
  input: z.strictObject({
    name: z.string().optional().describe('Only queries for this name.'),
    type: z.string().optional().describe('Only queries for this type, such as MX.'),
  }),
  output: z.object({ items: z.array(query) }),
  async run({ api, input: { name, type } }) {
    const wanted = name?.toLowerCase().replace(/\.$/, '')
    const found = (api.lab.dns.names?.recent ?? []).filter(
      (one) => (wanted === undefined || one.name === wanted) && (type === undefined || one.type === type),
    )
    return { items: found.map(({ at, ...one }) => ({ ...one, at: timeText(at) })) }
  },
})

export const dnsZoneOperations = [list, get, file, queries] as const
