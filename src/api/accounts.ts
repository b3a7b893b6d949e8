import { z } from 'zod'
import { addressKey, foldName } from '../accounts/directory/names.ts'
import type { Account, AccountChanges } from '../accounts/directory/types.ts'
import { APPENDED, pathOfItem } from '../core/config/edit/config-path.ts'
import type { ConfigChange } from '../core/config/edit/edit-yaml.ts'
import { type Path, pointerOf, valueAt } from '../core/config/mistakes.ts'
import { accountAccess, quota as quotaSchema } from '../core/config/schema/directory.ts'
import { mailAddress } from '../core/config/schema/values.ts'
import { mapInSlices } from '../core/time/time-slice.ts'
import { omitUndefined } from '../core/values/omit-undefined.ts'
import { forgetIdentifier } from '../storage/store/access-lists.ts'
import { accountOwner } from '../storage/store/folder.ts'
import { forgetScripts } from '../storage/store/sieve-scripts.ts'
import type { Api } from './api.ts'
import { type Caller, seesOwner } from './caller.ts'
import { changeConfiguration } from './configuration/change.ts'
import { flag } from './input-types.ts'
import { defineOperation, locationAt } from './operation.ts'
import { ApiProblem, notFound } from './problem.ts'

const account = z
  .object({
    user: z.string(),
    addresses: z.array(z.string()),
    configured: z.boolean().describe('False for accounts that last until the lab stops.'),
    state: accountAccess.state
      .unwrap()
      .nullable()
      .describe('Why the account cannot log on. null: the account can log on.'),
    twoFactor: z.boolean().describe('Whether mail and news clients need an app password.'),
    appPasswords: z.array(z.string()).describe('The names of the app passwords.'),
    delegates: z.array(z.string()).describe('The accounts that can act for this one.'),
    outOfOffice: z
      .object({
        text: z.string(),
        subject: z.string().optional(),
        external: z.string().optional(),
        from: z.string().optional(),
        until: z.string().optional(),
        repeatAfter: z.number().describe('Milliseconds.'),
      })
      .nullable()
      .describe('Automatic reply to mail that the account gets. null: none.'),
    messages: z.number().int(),
    unread: z.number().int(),
  })
  .meta({ id: 'Account' })

async function factsOf({ lab: { store, directory } }: Api, one: Account): Promise<z.infer<typeof account>> {
  const folders = await store.listFolders(accountOwner(one.user))
  const counts = await mapInSlices(folders, ({ id }) => store.status(id))
  const sum = (count: (of: (typeof counts)[number]) => number): number => counts.reduce((all, of) => all + count(of), 0)
  return {
    user: one.user,
    addresses: [...one.addresses],
    configured: directory.isConfigured(one),
    state: one.state ?? null,
    twoFactor: one.twoFactor ?? false,
    appPasswords: (one.appPasswords ?? []).map(({ name }) => name),
    delegates: [...(one.delegates ?? [])],
    outOfOffice: one.outOfOffice ?? null,
    messages: sum(({ exists }) => exists),
    unread: sum(({ unseen }) => unseen),
  }
}

/** Where the configuration has them. */
const ACCOUNTS: Path = ['directory', 'accounts']

/** Returns an account that a caller sees. In an open directory, only accounts that are used exist. @throws ApiProblem `not-found` */
export function accountNamed({ lab: { directory } }: Api, caller: Caller, user: string): Account {
  const found = directory.accounts().find((one) => foldName(one.user) === foldName(user))
  if (found && seesOwner(caller, accountOwner(found.user))) return found
  throw notFound(`there is no account ${user}; GET /api/v1/accounts lists them`)
}

const list = defineOperation('accounts.list', 'GET /accounts', {
  listKey: 'user',
  summary: 'List the accounts with their addresses and counts.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ mode: z.enum(['listed', 'open']), items: z.array(account) }),
  async run({ api, caller }) {
    const { directory } = api.lab
    const seen = directory.accounts().filter(({ user }) => seesOwner(caller, accountOwner(user)))
    return { mode: directory.mode, items: await mapInSlices(seen, (one) => factsOf(api, one)) }
  },
})

const get = defineOperation('accounts.get', 'GET /accounts/{user}', {
  summary: 'Read an account with its addresses and counts.',
  access: 'read',
  input: z.strictObject({ user: z.string() }),
  output: account,
  run: ({ api, caller, input: { user } }) => factsOf(api, accountNamed(api, caller, user)),
})

const userName = z
  .string()
  .regex(/^[^\p{Cc}\\]{1,255}$/u, 'is not a name of 1 to 255 characters without backslashes and control characters')

const create = defineOperation('accounts.create', 'POST /accounts', {
  summary: 'Create an account, either until the lab stops or in the configuration.',
  access: 'administer',
  input: z.strictObject({
    user: userName,
    password: z.string().min(1).describe('An open directory accepts any password.'),
    addresses: z
      .array(mailAddress)
      .optional()
      .describe('Mail addresses. Default: the user name at the domain of the lab.'),
    ...accountAccess,
    quota: quotaSchema.optional().describe('Quota, as in the YAML. Default: the quota of the directory.'),
    configured: z
      .boolean()
      .default(false)
      .describe('Writes the account to the configuration, so that it exists after the next start.'),
  }),
  output: account,
  status: 201,
  location: locationAt('/accounts/{user}'),
  problems: ['conflict'],
  async run({ api, caller, input: { configured, ...given } }) {
    assertFree(api, given.user, given.addresses)
    if (configured) await writeToConfiguration(api, caller, () => [...ACCOUNTS, APPENDED], given)
    else await api.lab.directory.add(omitUndefined(given))
    return factsOf(api, accountNamed(api, caller, given.user))
  },
})

/** @throws ApiProblem `conflict` if another account has the name or one of the addresses */
function assertFree({ lab: { directory } }: Api, user: string, addresses: readonly string[] = []): void {
  const accounts = directory.accounts()
  const same = accounts.find((one) => foldName(one.user) === foldName(user))
  if (same) throw new ApiProblem('conflict', `there is an account ${same.user} already; choose another name`)
  const wanted = new Set((addresses.length > 0 ? addresses : [defaultAddress(user, directory.domain)]).map(addressKey))
  const owner = accounts.find((one) => one.addresses.some((address) => wanted.has(addressKey(address))))
  if (owner) throw new ApiProblem('conflict', `the account ${owner.user} has this address already; choose another one`)
}

const defaultAddress = (user: string, domain: string): string => (user.includes('@') ? user : `${user}@${domain}`)

const update = defineOperation('accounts.update', 'PATCH /accounts/{user}', {
  summary:
    'Change the password of an account, its state, its app passwords, its delegates or its out-of-office reply. Open sessions of mail and news clients continue; browsers and streams of events must log on again after another password.',
  access: 'change',
  input: z.strictObject({
    user: z.string(),
    password: z.string().min(1).optional(),
    ...accountAccess,
    state: accountAccess.state.nullable().describe('Why the account cannot log on. null: the account can log on.'),
    appPasswords: accountAccess.appPasswords.describe('Replaces all app passwords.'),
    outOfOffice: accountAccess.outOfOffice.nullable().describe('Automatic reply to mail. null: none.'),
    revokeAppPasswords: z.array(z.string()).optional().describe('Names of app passwords to revoke.'),
  }),
  output: account,
  problems: ['conflict'],
  async run({ api, caller, input: { user, ...wanted } }) {
    const { directory } = api.lab
    const found = accountNamed(api, caller, user)
    if (directory.mode === 'open' && wanted.password !== undefined) {
      throw new ApiProblem(
        'conflict',
        'the directory accepts any password; to check passwords, set directory: { mode: listed }',
      )
    }
    const { password, ...access } = wanted
    if (caller.role === 'account' && Object.values(access).some((value) => value !== undefined)) {
      throw new ApiProblem(
        'forbidden',
        'an account can change only its password; ask an administrator for other changes',
      )
    }
    const changes = changesOf(found, wanted)
    if (!directory.isConfigured(found)) await directory.change(found, changes)
    else if (caller.role === 'administrator' && caller.tenant === undefined) {
      if (found.file === undefined) {
        await changeConfigured(api, caller, found, changes)
        // The change has created another directory.
        await api.lab.directory.change(found, undefined)
      } else await directory.change(found, changes) // The file belongs to others: the change lasts until the lab stops.
    } else {
      throw new ApiProblem(
        'forbidden',
        `the account ${found.user} is in the configuration; an administrator can change it`,
      )
    }
    return factsOf(api, accountNamed(api, caller, user))
  },
})

interface WantedChanges {
  readonly password?: string | undefined
  readonly state?: Account['state'] | null
  readonly twoFactor?: boolean | undefined
  readonly appPasswords?: Account['appPasswords']
  readonly revokeAppPasswords?: readonly string[] | undefined
  readonly delegates?: readonly string[] | undefined
  readonly outOfOffice?: Account['outOfOffice'] | null
}

/** Returns what changes on an account. A state or an out-of-office reply of undefined is removed. */
function changesOf(
  found: Account,
  { password, state, twoFactor, delegates, outOfOffice, appPasswords, revokeAppPasswords }: WantedChanges,
): AccountChanges {
  const kept = appPasswords ?? found.appPasswords ?? []
  const left = kept.filter(({ name }) => !revokeAppPasswords?.includes(name))
  const changesPasswords = appPasswords !== undefined || revokeAppPasswords !== undefined
  return {
    ...omitUndefined({ password, twoFactor, delegates, appPasswords: changesPasswords ? left : undefined }),
    // The password takes the place of a hash.
    ...(password === undefined ? {} : { passwordHash: undefined }),
    ...(state === undefined ? {} : { state: state ?? undefined }),
    ...(outOfOffice === undefined ? {} : { outOfOffice: outOfOffice ?? undefined }),
  }
}

/** Writes the changes of an account to the configuration. */
async function changeConfigured(api: Api, caller: Caller, { user }: Account, changes: AccountChanges): Promise<void> {
  const edits = (config: unknown): ConfigChange[] => {
    const place = pathOfItem(ACCOUNTS, user, config)
    return Object.entries(changes).flatMap(([key, value]): ConfigChange[] => {
      const path = [...place, key]
      if (value !== undefined) return [{ op: 'set', path: pointerOf(path), value: toJson(value) }]
      return valueAt(config, path) === undefined ? [] : [{ op: 'remove', path: pointerOf(path) }]
    })
  }
  await changeConfiguration(api, caller, edits, { dryRun: false })
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const remove = defineOperation('accounts.delete', 'DELETE /accounts/{user}', {
  summary: 'Delete an account and its mail, and end its sessions.',
  access: 'administer',
  input: z.strictObject({
    user: z.string(),
    keepMail: flag
      .default(false)
      .describe('Keeps the mail and the Sieve scripts. A new account with the same name gets them.'),
  }),
  problems: ['conflict', 'invalid'],
  async run({ api, caller, input: { user, keepMail } }) {
    const { directory, store } = api.lab
    const found = accountNamed(api, caller, user)
    if (found.file !== undefined) {
      const cure = 'remove it there, and reload the configuration'
      throw new ApiProblem('conflict', `the account ${found.user} is in the file ${found.file}; ${cure}`)
    }
    if (directory.isConfigured(found)) {
      const place = (config: unknown): string => pointerOf(pathOfItem(ACCOUNTS, found.user, config))
      const changesOf = (config: unknown) => [{ op: 'remove', path: place(config) } as const]
      await changeConfiguration(api, caller, changesOf, { dryRun: false })
    }
    // Also forgets what was changed on an account of the configuration.
    await api.lab.directory.remove(found)
    await api.lab.virtualServers.endSessionsOf(found.user, caller.session)
    if (keepMail) return
    for (const { id } of await store.listFolders(accountOwner(found.user))) await store.deleteFolder(id)
    await forgetScripts(store, accountOwner(found.user))
    await forgetIdentifier(store, directory.canonicalName(found.user))
  },
})

async function writeToConfiguration(
  api: Api,
  caller: Caller,
  place: (config: unknown) => Path,
  given: unknown,
): Promise<void> {
  const changesOf = (config: unknown) => [{ op: 'set', path: pointerOf(place(config)), value: toJson(given) } as const]
  await changeConfiguration(api, caller, changesOf, { dryRun: false })
}

export const accountOperations = [list, get, create, update, remove] as const
