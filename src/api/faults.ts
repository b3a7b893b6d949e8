import { z } from 'zod'
import { type FaultInput, faultKeys } from '../core/config/schema/fault.ts'
import type { Api } from './api.ts'
import { mergePatch } from './configuration/merge-patch.ts'
import { nullable } from './input-types.ts'
import type { AddedFault } from './lab.ts'
import { defineOperation, locationAt } from './operation.ts'
import { othersFollow } from './other-nodes.ts'
import { notFound } from './problem.ts'
import { assertVersion, ifMatchOf, versionOf } from './version.ts'

const fault = z
  .object({
    id: z
      .string()
      .nullable()
      .describe('Id for changes. Null for faults of the configuration: change the configuration instead.'),
    fault: z.looseObject({}).describe('The fault, as in the key `testing.faults` of the YAML.'),
    hits: z.number().int().describe('How often the fault has happened.'),
    etag: z.string().nullable().describe('Version of the fault, for `ifMatch`. Null for faults of the configuration.'),
  })
  .meta({ id: 'Fault' })

const facts = ({ id, input, hits }: AddedFault) => ({ id, fault: input, hits, etag: versionOf(JSON.stringify(input)) })

const ID = z.string().describe('Id of a fault that was added over the API.')
const ifMatch = ifMatchOf('the fault')

/** @throws ApiProblem `not-found` */
function faultWith(api: Api, id: string): AddedFault {
  const found = api.lab.faults.shared().find((one) => one.id === id)
  if (found) return found
  throw notFound(`there is no fault ${id}; GET /api/v1/faults lists them`)
}

/** Returns a fault that is as the caller has read it. @throws ApiProblem `not-found`, `precondition-failed` */
function faultAtVersion(api: Api, id: string, tags: string | undefined): AddedFault {
  const found = faultWith(api, id)
  assertVersion(tags, facts(found).etag, { what: `the fault ${id}`, path: `/faults/${id}` })
  return found
}

const list = defineOperation('faults.list', 'GET /faults', {
  listKey: 'id',
  summary: 'List the faults that the lab injects.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(fault) }),
  run: async ({ api }) => ({
    items: [
      ...api.lab.faults.configured.map((one) => ({ id: null, ...one, etag: null })),
      ...api.lab.faults.shared().map(facts),
    ],
  }),
})

const get = defineOperation('faults.get', 'GET /faults/{id}', {
  summary: 'Read a fault that was added over the API.',
  access: 'inspect',
  input: z.strictObject({ id: ID }),
  output: fault,
  hasEtag: true,
  run: async ({ api, input: { id } }) => facts(faultWith(api, id)),
})

const add = defineOperation('faults.add', 'POST /faults', {
  summary: 'Add a fault: when it happens, and what it does (docs/testing-faults.md).',
  access: 'administer',
  input: z
    .looseObject({})
    .describe('As in the key `testing.faults` of the YAML: { when: { verb: RCPT }, do: { reply: 451 4.7.1 Later } }.'),
  describedInput: faultKeys,
  output: fault,
  status: 201,
  location: locationAt('/faults/{id}'),
  hasEtag: true,
  async run({ api, input }) {
    const id = await api.lab.faults.share(input as FaultInput)
    await othersFollow(api.lab)
    return facts(faultWith(api, id))
  },
})

const update = defineOperation('faults.update', 'PATCH /faults/{id}', {
  summary:
    'Change a fault that was added over the API. It keeps its place among the faults, and its hits are counted from 0 again.',
  access: 'administer',
  input: z
    .looseObject({ id: ID, ifMatch })
    .describe('A merge patch (RFC 7396) of the fault: null removes a key. { when: { verb: MAIL }, times: null }'),
  describedInput: z.object({
    id: ID,
    ifMatch,
    ...nullable(faultKeys.shape),
    when: z.looseObject({}).nullable().optional().describe('The conditions to change. Null removes one, or all.'),
    do: z.looseObject({}).optional().describe('The actions to change. Null removes one.'),
  }),
  output: fault,
  hasEtag: true,
  problems: ['precondition-failed'],
  async run({ api, input: { id, ifMatch: tags, ...patch } }) {
    const found = faultAtVersion(api, id, tags)
    await api.lab.faults.changeShared(id, mergePatch(found.input, patch) as FaultInput)
    await othersFollow(api.lab)
    return facts(faultWith(api, id))
  },
})

const remove = defineOperation('faults.remove', 'DELETE /faults/{id}', {
  summary: 'Remove a fault that was added over the API.',
  access: 'administer',
  input: z.strictObject({ id: ID, ifMatch }),
  problems: ['precondition-failed'],
  async run({ api, input: { id, ifMatch: tags } }) {
    faultAtVersion(api, id, tags)
    await api.lab.faults.removeShared(id)
    await othersFollow(api.lab)
  },
})

export const faultOperations = [list, get, add, update, remove] as const
