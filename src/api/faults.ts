import { z } from 'zod'
import { type FaultInput, faultKeys } from '../config/schema/fault.ts'
import type { AddedFault } from './api.ts'
import { defineOperation, type Operation } from './operation.ts'
import { notFound } from './problem.ts'

const fault = z
  .object({
    id: z
      .string()
      .nullable()
      .describe('Id for removal. Null for faults of the configuration: change the file to remove them.'),
    fault: z.looseObject({}).describe('The fault, as in the key `faults` of the YAML.'),
    hits: z.number().int().describe('How often the fault has happened.'),
  })
  .meta({ id: 'Fault' })

const facts = ({ id, input, hits }: AddedFault) => ({ id, fault: input, hits })

const list = defineOperation({
  name: 'faults.list',
  method: 'GET',
  path: '/faults',
  summary: 'List the faults that the lab injects.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(fault) }),
  run: async ({ api }) => ({
    items: [...api.lab.faults.configured.map((one) => ({ id: null, ...one })), ...[...api.faults.values()].map(facts)],
  }),
})

const add = defineOperation({
  name: 'faults.add',
  method: 'POST',
  path: '/faults',
  summary: 'Add a fault: when it happens, and what it does (docs/testing.md).',
  access: 'administer',
  input: z
    .looseObject({})
    .describe('As in the key `faults` of the YAML: { when: { verb: RCPT }, do: { reply: 451 4.7.1 Later } }.'),
  describedInput: faultKeys,
  output: fault,
  status: 201,
  async run({ api, input }) {
    return facts(api.addFault(input as FaultInput))
  },
})

const remove = defineOperation({
  name: 'faults.remove',
  method: 'DELETE',
  path: '/faults/{id}',
  summary: 'Remove a fault that was added over the API.',
  access: 'administer',
  input: z.strictObject({ id: z.string() }),
  async run({ api, input: { id } }) {
    const found = api.faults.get(id)
    if (!found) throw notFound(`there is no fault ${id}; GET /api/v1/faults lists them`)
    found.remove()
    api.faults.delete(id)
  },
})

export const faultOperations: readonly Operation[] = [list, add, remove]
