import { z } from 'zod'
import { accesses, allowedAccess, type Caller } from './caller.ts'
import { defineOperation } from './operation.ts'

const callerFacts = z
  .object({
    role: z.enum(['administrator', 'reader', 'tenant', 'account']),
    name: z.string().describe('User name of the account, or the name of the tenant or token.'),
    tenant: z.string().nullable(),
    may: z.array(z.enum(accesses)).describe('What the caller may do.'),
  })
  .meta({ id: 'Caller' })

const factsOf = (caller: Caller): z.infer<typeof callerFacts> => ({
  role: caller.role,
  name: caller.name,
  tenant: caller.tenant?.name ?? null,
  may: allowedAccess(caller),
})

const get = defineOperation('session.get', 'GET /session', {
  summary: 'Read who the caller is, and what the caller may do.',
  access: 'read',
  input: z.strictObject({}),
  output: callerFacts,
  run: async ({ caller }) => factsOf(caller),
})

const create = defineOperation('session.create', 'POST /session', {
  summary: 'Log a browser on. The lab remembers the credentials of this request, and the response sets a cookie.',
  access: 'read',
  input: z.strictObject({}),
  output: callerFacts,
  status: 201,
  location: () => '/session',
  browserSession: 'starts',
  run: async ({ caller }) => factsOf(caller),
})

const remove = defineOperation('session.delete', 'DELETE /session', {
  summary: 'Log a browser off. The cookie of this request becomes invalid.',
  access: 'read',
  input: z.strictObject({}),
  browserSession: 'ends',
  run: async () => {},
})

export const callerOperations = [get, create, remove] as const
