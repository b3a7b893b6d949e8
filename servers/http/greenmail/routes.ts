import { basename } from 'node:path'
import { z } from 'zod'
import { addressKey, foldName } from '../../../src/accounts/directory/names.ts'
import type { Account } from '../../../src/accounts/directory/types.ts'
import { seesOwner } from '../../../src/api/caller.ts'
import { invoke } from '../../../src/api/invoke.ts'
import type { EndpointFacts } from '../../../src/api/lab.ts'
import { deleteMessages } from '../../../src/api/messages/bulk.ts'
import { ApiProblem, type ProblemName } from '../../../src/api/problem.ts'
import { accountOwner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import {
  administers,
  bodyOf,
  changes,
  jsonResponse,
  pathParameter,
  type Route,
  type RouteCall,
  reads,
} from '../routes.ts'
import { messagesOf } from './messages.ts'

// The keys are those of GreenMail's API: https://greenmail-mail-test.github.io/greenmail/#api

const messageAnswer = ({ c }: RouteCall, message: string): Response => jsonResponse(c, { message })

/** Runs an operation of the lab. GreenMail answers 400 with `message` where it cannot do something. */
async function run(call: RouteCall, name: string, input: object = {}): Promise<unknown> {
  try {
    return await invoke(call.api, call.caller, { name, input }, call.c.req.raw.signal)
  } catch (error) {
    if (!(error instanceof ApiProblem) || !REFUSALS.has(error.problem)) throw error
    throw badRequest(error.message)
  }
}

const REFUSALS: ReadonlySet<ProblemName> = new Set(['conflict', 'invalid', 'not-found'])

const badRequest = (why: string): ApiProblem => new ApiProblem('bad-request', why, { message: why })

/** The protocol of GreenMail for each of the lab. */
const PROTOCOLS: Readonly<Record<string, string>> = { smtp: 'smtp', pop3: 'pop3', imap4: 'imap' }

/** Returns the ports of a virtual server as GreenMail's server setups. */
function setupsOf({ protocol, address, port, tlsPort }: EndpointFacts): object[] {
  const name = PROTOCOLS[protocol]
  if (name === undefined) return []
  const setup = (at: number | undefined, isSecure: boolean): object[] =>
    at === undefined
      ? []
      : [
          {
            port: at,
            address,
            protocol: isSecure ? `${name}s` : name,
            isSecure,
            readTimeout: -1,
            writeTimeout: -1,
            connectionTimeout: -1,
            serverStartupTimeout: 2_000,
            isDynamicPort: false,
          },
        ]
  return [...setup(port, false), ...setup(tlsPort, true)]
}

const configuration = reads('/api/configuration', ({ api, c }) =>
  jsonResponse(c, {
    serverSetups: api.lab.endpoints().flatMap(setupsOf),
    authenticationDisabled: api.lab.directory.mode === 'open',
    sieveIgnoreDetail: true,
    preloadDirectory: null,
  }),
)

const accountsOf = ({ api, caller }: RouteCall): Account[] =>
  api.lab.directory.accounts().filter(({ user }) => seesOwner(caller, accountOwner(user)))

const userOf = ({ user, addresses }: Pick<Account, 'user' | 'addresses'>) => ({
  login: user,
  email: addresses[0] ?? user,
})

/** Returns the account of a login or an address. @throws ApiProblem `bad-request`, as in GreenMail */
function accountIn(call: RouteCall): Account {
  const wanted = pathParameter(call.c, 'user')
  const accounts = accountsOf(call)
  const found =
    accounts.find(({ user }) => foldName(user) === foldName(wanted)) ??
    accounts.find(({ addresses }) => addresses.some((one) => addressKey(one) === addressKey(wanted)))
  if (found) return found
  throw badRequest(`User '${wanted}' not found`)
}

const listUsers = reads('/api/user', (call) => jsonResponse(call.c, accountsOf(call).map(userOf)))

const newUser = z.object({ email: z.string().min(1), login: z.string().min(1), password: z.string().min(1) })

const createUser = administers('POST', '/api/user', async (call) => {
  const { email, login, password } = await bodyOf(call, newUser)
  const user = await run(call, 'accounts.create', { user: login, password, addresses: [email] })
  return jsonResponse(call.c, userOf(user as Account))
})

/**
 * The API at the root needs no credentials, and GreenMail forgets its changes when it stops.
 * @throws ApiProblem `bad-request` for an account that the configuration file has
 */
function assertForgettable({ api: { lab }, c }: RouteCall, account: Account): void {
  const file = lab.configuration?.file
  if (!c.get('isTool') || file === undefined || !lab.directory.isConfigured(account)) return
  throw badRequest(`User '${account.user}' is in ${basename(file)}; delete it there, or over the API of the lab`)
}

const deleteUser = administers('DELETE', '/api/user/:user', async (call) => {
  const account = accountIn(call)
  assertForgettable(call, account)
  const { user } = account
  await run(call, 'accounts.delete', { user })
  return messageAnswer(call, `User '${pathParameter(call.c, 'user')}' deleted`)
})

async function listMessages(call: RouteCall): Promise<Response> {
  const { user } = accountIn(call)
  const name = pathParameter(call.c, 'folder') || 'INBOX'
  const folders = await call.api.lab.store.listFolders(accountOwner(user))
  const isWanted = (one: string): boolean => one === name || (/^inbox$/i.test(name) && /^inbox$/i.test(one))
  const folder = folders.find((one) => isWanted(one.name))
  // An account has its folders when it is used first.
  if (!folder && /^inbox$/i.test(name)) return jsonResponse(call.c, [])
  if (!folder) throw badRequest(`User '${user}' does not have mailbox folder '${name}'`)
  return jsonResponse(call.c, await messagesOf(call.api, folder.id))
}

const purge = changes('POST', '/api/mail/purge', async (call) => {
  const { api, caller } = call
  // GreenMail has mailboxes only: the articles of newsgroups stay.
  const found = await api.views.find(caller, [])
  await deleteMessages(
    api,
    found.filter(({ folder }) => folder.owner !== PUBLIC_OWNER),
  )
  return messageAnswer(call, 'Purged mails')
})

const reset = administers('POST', '/api/service/reset', async (call) => {
  const { directory } = call.api.lab
  await run(call, 'reset')
  // Only the users of the configuration are left.
  const isAdded = (account: Account): boolean =>
    !directory.isConfigured(account) && call.context.tenants.tenantOfAccount(account.user) === undefined
  for (const account of directory.accounts().filter(isAdded)) await directory.remove(account)
  return messageAnswer(call, 'Performed reset')
})

/** The API of GreenMail, below `/greenmail`. */
export const greenMailRoutes: readonly Route[] = [
  configuration,
  listUsers,
  createUser,
  deleteUser,
  ...['', '/', '/:folder', '/:folder/'].map((rest) => reads(`/api/user/:user/messages${rest}`, listMessages)),
  purge,
  reset,
]

/** The path that says whether the lab runs, without a log-on. */
export const greenMailHealth = {
  '/greenmail/api/service/readiness': { type: 'application/json', text: '{"message":"Service running"}' },
}
