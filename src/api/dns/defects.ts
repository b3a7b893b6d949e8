import { z } from 'zod'
import { parsePart } from '../../core/config/issues.ts'
import { type DnsDefectInput, dnsDefect, dnsDefectKeys } from '../../core/config/schema/dns.ts'
import type { AddedDefect } from '../../transport/dns/name-service.ts'
import { defineOperation, locationAt } from '../operation.ts'
import { notFound } from '../problem.ts'
import { nameServiceOf, runChange } from './dns-lab.ts'

const defect = z
  .object({
    id: z
      .string()
      .nullable()
      .describe('Id of an added defect. Null for those of the configuration: change that instead.'),
    zone: z.string(),
    defect: z.string(),
    name: z.string().nullable().describe('The name to which it is limited.'),
    types: z.array(z.string()).nullable().describe('The types of queries to which it is limited.'),
    delayMs: z.number().nullable(),
  })
  .meta({ id: 'DnsDefect' })

const defectFacts = (id: string | null, zone: string, { defect: kind, name, types, delay }: AddedDefect['defect']) => ({
  id,
  zone,
  defect: kind,
  name: name ?? null,
  types: types ?? null,
  delayMs: delay ?? null,
})

const list = defineOperation('dnsDefects.list', 'GET /dns/defects', {
  listKey: 'id',
  summary: 'List the deliberate defects of the zones.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(defect) }),
  async run({ api }) {
    const { dns } = api.lab.config
    const configured = Object.entries(dns?.zones ?? {}).flatMap(([zone, { defects }]) =>
      defects.map((one) => defectFacts(null, zone, one)),
    )
    const added = api.lab.dns.names?.addedDefects ?? []
    return { items: [...configured, ...added.map((one) => defectFacts(one.id, one.zone, one.defect))] }
  },
})

const ID = z.string().describe('Id of an added defect.')

const missingDefect = (id: string) => notFound(`there is no added defect ${id}; GET /api/v1/dns/defects lists them`)

const get = defineOperation('dnsDefects.get', 'GET /dns/defects/{id}', {
  summary: 'Read a defect that was added.',
  access: 'inspect',
  input: z.strictObject({ id: ID }),
  output: defect,
  async run({ api, input: { id } }) {
    const found = api.lab.dns.names?.addedDefects.find((one) => one.id === id)
    if (!found) throw missingDefect(id)
    return defectFacts(found.id, found.zone, found.defect)
  },
})

const add = defineOperation('dnsDefects.add', 'POST /dns/defects', {
  summary: 'Add a deliberate defect to a zone, until the lab is reset or stops (docs/dns.md).',
  access: 'administer',
  input: z
    .looseObject({ zone: z.string().optional().describe('Default: the mail domain of the lab.') })
    .describe('As in the key `dns.zones.NAME.defects` of the YAML: { defect: slow, delay: 2s }.'),
  describedInput: dnsDefectKeys.extend({
    zone: z.string().optional().describe('Default: the mail domain of the lab.'),
  }),
  output: defect,
  status: 201,
  location: locationAt('/dns/defects/{id}'),
  problems: ['conflict'],
  async run({ api, input: { zone = api.lab.config.domain, ...given } }) {
    const wanted = parsePart(dnsDefect, given as DnsDefectInput)
    const added = runChange(() => nameServiceOf(api).addDefect(zone, wanted))
    return defectFacts(added.id, added.zone, added.defect)
  },
})

const remove = defineOperation('dnsDefects.remove', 'DELETE /dns/defects/{id}', {
  summary: 'Remove a defect that was added.',
  access: 'administer',
  input: z.strictObject({ id: ID }),
  async run({ api, input: { id } }) {
    if (api.lab.dns.names?.removeDefect(id)) return
    throw missingDefect(id)
  },
})

export const dnsDefectOperations = [list, get, add, remove] as const
