import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { TenantRecord, TenantScope } from '../accounts/directory/tenants.ts'
import { accountOf, CAPTURED_OWNER, type Folder, PUBLIC_OWNER } from '../storage/store/folder.ts'
import { forgetScripts } from '../storage/store/sieve-scripts.ts'
import type { Api } from './api.ts'
import { deleteMessages } from './messages/bulk.ts'
import type { IndexedMessage } from './messages/message-index.ts'
import { defineOperation, locationAt } from './operation.ts'
import { ApiProblem, notFound } from './problem.ts'

const tenant = z
  .object({
    name: z.string(),
    token: z.string().describe('Token for `Authorization: Bearer`. It has access to the tenant only.'),
    baseUrl: z
      .string()
      .describe('Base path of the API for the tenant: its operations see only what belongs to the tenant.'),
    accounts: z.array(z.object({ user: z.string(), password: z.string(), address: z.string() })),
  })
  .meta({ id: 'Tenant' })

const PREFIX = 't'

const facts = ({ name, token, accounts }: TenantRecord) => ({
  name,
  token,
  baseUrl: `/t/${name}/api/v1`,
  accounts: [...accounts],
})

const create = defineOperation('tenants.create', 'POST /tenants', {
  summary: 'Create a tenant with its own accounts, so that parallel test runs can share a lab.',
  access: 'administer',
  input: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9]{0,31}$/, 'is not a name of lower-case letters and digits')
      .optional()
      .describe('Name of the tenant. Default: a random name.'),
    accounts: z
      .array(z.string().regex(/^[a-z0-9._]{1,32}$/, 'is not a name of letters, digits, dots and underscores'))
      .min(1)
      .default(['alice', 'bob'])
      .describe('Names of the accounts. Each gets the prefix `TENANT-`.'),
  }),
  output: tenant,
  status: 201,
  location: locationAt('/tenants/{name}'),
  problems: ['conflict'],
  async run({ api, input }) {
    const name = input.name ?? `${PREFIX}${randomBytes(4).toString('hex')}`
    const { directory, tenants } = api.lab
    if (tenants.has(name)) throw nameTaken(name)
    const accounts = input.accounts.map((one) => {
      const user = `${name}-${one}`
      return { user, password: randomBytes(9).toString('base64url'), address: `${user}@${directory.domain}` }
    })
    const existing = accounts.find(({ user }) => directory.mode === 'listed' && directory.find(user) !== undefined)
    if (existing) throw new ApiProblem('conflict', `there is an account ${existing.user} already; choose another name`)
    const scope = tenants.scope(name)
    const owned = directory.mode === 'listed' && directory.accounts().find(({ user }) => scope.ownsAccount(user))
    if (owned) {
      const what = `the account ${owned.user} would belong to the tenant ${name}`
      throw new ApiProblem('conflict', `${what}; choose another name`)
    }
    const created = { name, token: randomBytes(24).toString('base64url'), accounts }
    // Another node may have created it meanwhile.
    if (!(await tenants.created.claim(name, created))) throw nameTaken(name)
    for (const { user, password, address } of accounts) await directory.add({ user, password, addresses: [address] })
    return facts(created)
  },
})

const nameTaken = (name: string): ApiProblem =>
  new ApiProblem('conflict', `there is a tenant ${name} already; choose another name`)

const list = defineOperation('tenants.list', 'GET /tenants', {
  listKey: 'name',
  summary: 'List the tenants that were created over the API.',
  access: 'administer',
  input: z.strictObject({}),
  output: z.object({ items: z.array(tenant) }),
  run: async ({ api }) => ({ items: [...api.lab.tenants.created.values()].map(facts) }),
})

const get = defineOperation('tenants.get', 'GET /tenants/{name}', {
  summary: 'Read a tenant that was created over the API, with its token and passwords.',
  access: 'administer',
  input: z.strictObject({ name: z.string() }),
  output: tenant,
  run: async ({ api, input: { name } }) => facts(tenantNamed(api, name)),
})

/** @throws ApiProblem `not-found` */
function tenantNamed(api: Api, name: string): TenantRecord {
  const found = api.lab.tenants.created.get(name)
  if (found) return found
  throw notFound(`there is no tenant ${name}; GET /api/v1/tenants lists them`)
}

const remove = defineOperation('tenants.delete', 'DELETE /tenants/{name}', {
  readsMessages: true,
  summary:
    'Delete a tenant with its accounts, mail and newsgroups, end its sessions and streams of events, and forget what is known of them. Captured mail goes, too, unless others have sent or received it.',
  access: 'administer',
  input: z.strictObject({ name: z.string() }),
  async run({ api, caller, input: { name } }) {
    tenantNamed(api, name)
    const { store, directory, tenants } = api.lab
    const scope = tenants.scope(name)
    const accounts = directory.accounts().filter(({ user }) => scope.ownsAccount(user))
    for (const account of accounts) await directory.remove(account)
    for (const { user } of accounts) await api.lab.virtualServers.endSessionsOf(user, caller.session)
    for (const owner of await store.listOwners()) {
      const user = accountOf({ owner })
      if (user === undefined || !scope.ownsAccount(user)) continue
      for (const { id } of await store.listFolders(owner)) await store.deleteFolder(id)
      await forgetScripts(store, owner)
    }
    for (const { id, name: group } of await store.listFolders(PUBLIC_OWNER)) {
      if (scope.ownsNewsgroup(group)) await store.deleteFolder(id)
    }
    const folders = ({ owner }: Folder): boolean => owner === CAPTURED_OWNER
    for await (const batch of api.index.batches({ folders }))
      await deleteMessages(
        api,
        batch.filter((message) => isCapturedFor(api, scope, message)),
      )
    await tenants.created.delete(name)
  },
})

/** Returns whether a message is captured mail of a tenant in which nobody else of the lab has a part. */
function isCapturedFor({ lab: { directory, tenants } }: Api, scope: TenantScope, message: IndexedMessage): boolean {
  const { envelope } = message.entry
  if (message.folder.owner !== CAPTURED_OWNER || !scope.ownsEnvelope(envelope)) return false
  const addresses = [envelope?.mailFrom ?? '', ...(envelope?.rcptTo ?? [])]
  return addresses.every((one) => {
    if (scope.ownsAccount(one)) return true
    return tenants.tenantOfAccount(one) === undefined && !directory.isLocalDomain(one.slice(one.lastIndexOf('@') + 1))
  })
}

export const tenantOperations = [create, list, get, remove] as const
