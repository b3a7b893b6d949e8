import { z } from 'zod'
import { compileScript } from '../mail/sieve/sieve.ts'
import { mistakeText } from '../mail/sieve/types.ts'
import { CONFIGURED_SCRIPT, type ListedScript, SieveScripts } from '../storage/store/sieve-scripts.ts'
import { accountNamed } from './accounts.ts'
import type { Api } from './api.ts'
import type { Caller } from './caller.ts'
import { flag } from './input-types.ts'
import { defineOperation } from './operation.ts'
import { ApiProblem } from './problem.ts'

const facts = {
  name: z.string(),
  active: z.boolean().describe('Whether it runs on mail that the account gets.'),
  configured: z.boolean().describe('Whether it is the script of the configuration, which only the YAML changes.'),
}

const script = z.object({ ...facts, content: z.string() }).meta({ id: 'Script' })

const scriptKey = { user: z.string(), name: z.string().describe('The name of the script.') }

const factsOf = ({ name, isActive }: Pick<ListedScript, 'name' | 'isActive'>): z.infer<z.ZodObject<typeof facts>> => ({
  name,
  active: isActive,
  configured: name === CONFIGURED_SCRIPT,
})

/** @throws ApiProblem `not-found` */
const scriptsOf = (api: Api, caller: Caller, user: string): SieveScripts =>
  new SieveScripts(api.lab.store, accountNamed(api, caller, user), api.lab.config.mail.sieve)

/** @throws ScriptError `NONEXISTENT` */
async function read(scripts: SieveScripts, name: string): Promise<z.infer<typeof script>> {
  const content = (await scripts.get(name)).toString()
  const isActive = (await scripts.active())?.name === name
  return { ...factsOf({ name, isActive }), content }
}

/** @throws ApiProblem `invalid` with every mistake of a script */
function assertCompiles({ lab: { config } }: Api, content: string): void {
  const compiled = compileScript(content, { scriptOctets: config.mail.sieve.scriptSize })
  if (!('errors' in compiled)) return
  const errors = compiled.errors.map(({ line, column, message }) => ({
    pointer: '/content',
    message: mistakeText({ line, column, message }),
    line,
    column,
  }))
  throw new ApiProblem('invalid', `the script has mistakes: ${errors.map(({ message }) => message).join('; ')}`, {
    errors,
  })
}

const list = defineOperation('scripts.list', 'GET /accounts/{user}/scripts', {
  listKey: 'name',
  summary: 'List the Sieve scripts of an account.',
  access: 'read',
  input: z.strictObject({ user: z.string() }),
  output: z.object({ items: z.array(z.object(facts).meta({ id: 'ListedScript' })) }),
  run: async ({ api, caller, input: { user } }) => ({
    items: (await scriptsOf(api, caller, user).list()).map(factsOf),
  }),
})

const get = defineOperation('scripts.get', 'GET /accounts/{user}/scripts/{name}', {
  summary: 'Read a Sieve script.',
  access: 'read',
  input: z.strictObject(scriptKey),
  output: script,
  run: ({ api, caller, input: { user, name } }) => read(scriptsOf(api, caller, user), name),
})

const put = defineOperation('scripts.put', 'PUT /accounts/{user}/scripts/{name}', {
  summary:
    'Store a Sieve script, or replace it. A script with mistakes is not stored; each mistake has line and column.',
  access: 'change',
  input: z.strictObject({
    ...scriptKey,
    content: z.string(),
    active: z.boolean().default(false).describe('Activates the script. An active script stays active without it.'),
    dryRun: flag.default(false).describe('Only checks the script.'),
  }),
  output: script,
  problems: ['conflict'],
  async run({ api, caller, input: { user, name, content, active, dryRun } }) {
    const scripts = scriptsOf(api, caller, user)
    const octets = Buffer.from(content)
    await scripts.assertSpace(name, octets.length)
    assertCompiles(api, content)
    if (dryRun) return { ...factsOf({ name, isActive: active }), content }
    await scripts.put(name, octets)
    if (active) await scripts.activate(name)
    return read(scripts, name)
  },
})

const update = defineOperation('scripts.update', 'PATCH /accounts/{user}/scripts/{name}', {
  summary: 'Rename, activate or deactivate a Sieve script. At most one script of an account is active.',
  access: 'change',
  input: z.strictObject({
    ...scriptKey,
    newName: z.string().optional(),
    active: z.boolean().optional(),
  }),
  output: script,
  problems: ['conflict'],
  async run({ api, caller, input: { user, name, newName = name, active } }) {
    const scripts = scriptsOf(api, caller, user)
    const before = await read(scripts, name)
    if (newName !== name) await scripts.rename(name, newName)
    if (active !== undefined && active !== before.active) await scripts.activate(active ? newName : '')
    return read(scripts, newName)
  },
})

const remove = defineOperation('scripts.delete', 'DELETE /accounts/{user}/scripts/{name}', {
  summary: 'Delete a Sieve script that is not active.',
  access: 'change',
  input: z.strictObject(scriptKey),
  problems: ['conflict', 'invalid'],
  run: ({ api, caller, input: { user, name } }) => scriptsOf(api, caller, user).delete(name),
})

export const scriptOperations = [list, get, put, update, remove] as const
