import { z } from 'zod'
import type { DnsRecord } from '../../transport/dns/message.ts'
import { typeText } from '../../transport/dns/types.ts'
import { dataText } from '../../transport/dns/zone-text/record-types.ts'
import { recordText } from '../../transport/dns/zone-text/zone-text.ts'
import type { Api } from '../api.ts'
import { defineOperation, locationAt } from '../operation.ts'
import { notFound } from '../problem.ts'
import { nameServiceOf, runChange } from './dns-lab.ts'

const record = z
  .object({
    id: z.string().nullable().describe('Id of an added record, to remove it. Null for all others.'),
    zone: z.string(),
    name: z.string(),
    type: z.string(),
    ttl: z.number().int().describe('Seconds that resolvers may keep it.'),
    data: z.string().describe('As in a zone file.'),
    text: z.string().describe('The record as a line of a zone file.'),
  })
  .meta({ id: 'DnsRecord' })

function recordFacts(zone: string, { name, type, ttl = 0, data }: DnsRecord, id: string | null) {
  const text = recordText({ name, type, ttl, data } as DnsRecord)
  return { id, zone, name, type: typeText(type), ttl, data: dataText(type, data), text }
}

const zoneOf = (api: Api, name: string): string => api.lab.dns.names?.zones.zoneFor(name, 'ANY')?.name ?? ''

const list = defineOperation('dnsRecords.list', 'GET /dns/records', {
  listKey: 'text',
  summary: 'List the records of the zones: generated ones, written ones, and those that were added.',
  access: 'inspect',
  input: z.strictObject({
    zone: z.string().optional().describe('Only records of this zone.'),
    name: z.string().optional().describe('Only records of this name.'),
    type: z.string().optional().describe('Only records of this type, such as TLSA.'),
  }),
  output: z.object({ items: z.array(record) }),
  async run({ api, input }) {
    const { names } = api.lab.dns
    const added = names?.addedRecords ?? []
    const plain = (text: string | undefined): string | undefined => text?.toLowerCase().replace(/\.$/, '')
    const [zone, name] = [plain(input.zone), plain(input.name)]
    const all = (names?.zones.list ?? [])
      .filter((one) => zone === undefined || one.name === zone)
      .flatMap((one) =>
        one.records.map((found) => {
          const text = recordText(found)
          return recordFacts(one.name, found, added.find((other) => recordText(other.record) === text)?.id ?? null)
        }),
      )
    const isWanted = (one: (typeof all)[number]): boolean =>
      (name === undefined || one.name === name) && (input.type === undefined || one.type === input.type)
    return { items: all.filter(isWanted) }
  },
})

const ID = z.string().describe('Id of an added record.')

const missingRecord = (id: string) => notFound(`there is no added record ${id}; GET /api/v1/dns/records lists them`)

const get = defineOperation('dnsRecords.get', 'GET /dns/records/{id}', {
  summary: 'Read a record that was added.',
  access: 'inspect',
  input: z.strictObject({ id: ID }),
  output: record,
  async run({ api, input: { id } }) {
    const found = api.lab.dns.names?.addedRecords.find((one) => one.id === id)
    if (!found) throw missingRecord(id)
    return recordFacts(zoneOf(api, found.record.name), found.record, id)
  },
})

const add = defineOperation('dnsRecords.add', 'POST /dns/records', {
  summary: 'Add a record until the lab is reset or stops. It replaces generated records of its name and type.',
  access: 'administer',
  input: z.strictObject({
    record: z
      .string()
      .min(1)
      .max(65_535)
      .describe('A line of a zone file, such as `_acme-challenge.lab.test 60 IN TXT "token"`.'),
    zone: z
      .string()
      .optional()
      .describe('Zone to which a name without a period at the end is relative. Default: names are absolute.'),
  }),
  output: record,
  status: 201,
  location: locationAt('/dns/records/{id}'),
  problems: ['conflict'],
  async run({ api, input }) {
    const added = runChange(() => nameServiceOf(api).addRecord(input.record, input.zone))
    return recordFacts(zoneOf(api, added.record.name), added.record, added.id)
  },
})

const remove = defineOperation('dnsRecords.remove', 'DELETE /dns/records/{id}', {
  summary: 'Remove a record that was added.',
  access: 'administer',
  input: z.strictObject({ id: ID }),
  async run({ api, input: { id } }) {
    if (api.lab.dns.names?.removeRecord(id)) return
    throw missingRecord(id)
  },
})

export const dnsRecordOperations = [list, get, add, remove] as const
