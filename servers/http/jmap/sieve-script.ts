import { randomBytes } from 'node:crypto'
import { compileScript } from '../../../src/mail/sieve/sieve.ts'
import { mistakeText } from '../../../src/mail/sieve/types.ts'
import { type ListedScript, ScriptError, SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import { octetsOfBlob, scriptBlobId } from './blobs.ts'
import { SIEVE } from './capabilities.ts'
import { assertSettable, filled, isBoolean, isString, optional, orNull, required, type Test } from './checks.ts'
import { unsupportedFilter } from './filters.ts'
import { type Filters, findObjects, listed, type Sorts } from './listed.ts'
import { editedObject, realId } from './standard.ts'
import {
  type DataType,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  notFound,
  SetError,
} from './types.ts'

const scriptsOf = ({ account: { store, account }, context }: JmapRequest) =>
  new SieveScripts(store, account, context.sieve)

const shown = ({ id, name, isActive, content }: ListedScript) => ({ id, name, blobId: scriptBlobId(content), isActive })

const { get, state } = listed(async (call) => (await scriptsOf(call).list()).map(shown))

async function scriptWith(call: MethodCall, id: string): Promise<ListedScript> {
  const found = (await scriptsOf(call).list()).find((one) => one.id === id)
  if (!found) throw notFound('SieveScript', id)
  return found
}

/** The errors of SieveScript/set for refused changes. RFC 9661 section 2.4. */
const REFUSALS = {
  ACTIVE: 'sieveIsActive',
  ALREADYEXISTS: 'alreadyExists',
  NONEXISTENT: 'notFound',
  'QUOTA/MAXSCRIPTS': 'overQuota',
  'QUOTA/MAXSIZE': 'tooLarge',
} as const

async function refusing(change: Promise<void>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof ScriptError)) throw error
    throw new SetError(error.code === undefined ? 'forbidden' : REFUSALS[error.code], error.message)
  })
}

/** Returns the content of a script that compiles. @throws SetError `invalidSieve`, `invalidProperties` */
async function contentOf(call: MethodCall, blobId: unknown): Promise<Buffer> {
  const content = isString(blobId) ? await octetsOfBlob(call, realId(call, blobId)) : undefined
  if (!content) throw invalidProperties(['blobId'], 'there is no such blob')
  const compiled = compileScript(content, { scriptOctets: call.context.sieve.scriptSize })
  if ('errors' in compiled) throw new SetError('invalidSieve', compiled.errors.map(mistakeText).join('; '))
  return content
}

/** @throws SetError `alreadyExists` */
async function assertFree(call: MethodCall, name: string): Promise<void> {
  const taken = (await scriptsOf(call).list()).find((one) => one.name === name)
  if (taken) throw new SetError('alreadyExists', `there is a script ${name} already`, { existingId: taken.id })
}

const SETTABLE: Readonly<Record<string, Test>> = { name: isString, blobId: isString }

/** RFC 9661 section 2.5. */
const FILTERS: Filters<ListedScript> = {
  isActive: (value) => (one) => one.isActive === value,
  name(value) {
    if (!isString(value)) throw unsupportedFilter('name is a text')
    return (one) => one.name.toLowerCase().includes(value.toLowerCase())
  },
}
const SORTS: Sorts<ListedScript> = { name: ({ name }) => name, isActive: ({ isActive }) => isActive }

/** RFC 9661 section 2. */
export const sieveScript: DataType = {
  name: 'SieveScript',
  capability: SIEVE,
  properties: ['id', 'name', 'blobId', 'isActive'],
  arguments: { set: ['onSuccessActivateScript', 'onSuccessDeactivateScript'] },
  state,
  get,

  async create(call, object) {
    assertSettable({ ...SETTABLE, name: orNull(isString) }, object)
    const name = (object.name ?? `script-${randomBytes(6).toString('base64url')}`) as string
    const content = await contentOf(call, object.blobId)
    await assertFree(call, name)
    await refusing(scriptsOf(call).put(name, content))
    const made = (await scriptsOf(call).list()).find((one) => one.name === name)
    if (!made) throw new SetError('notFound', 'the script was deleted meanwhile')
    return shown(made)
  },

  async update(call, id, patch) {
    const { before, after } = await editedObject(sieveScript, SETTABLE, call, id, patch)
    const name = after.name as string
    const content = after.blobId === before.blobId ? undefined : await contentOf(call, after.blobId)
    if (name !== before.name) {
      await assertFree(call, name)
      await refusing(scriptsOf(call).rename(before.name as string, name))
    }
    if (content) await refusing(scriptsOf(call).put(name, content))
    return content ? { blobId: scriptBlobId(content) } : null
  },

  async destroy(call, id) {
    await refusing(scriptsOf(call).delete((await scriptWith(call, id)).name))
  },

  // RFC 9661 section 2.4: only if all changes have succeeded. The response tells which scripts that changes.
  async afterSet(call, response) {
    const activate = optional(call, 'onSuccessActivateScript', isString)
    const deactivates = optional(call, 'onSuccessDeactivateScript', isBoolean) ?? false
    const hasFailed = ['notCreated', 'notUpdated', 'notDestroyed'].some((name) => response[name] !== null)
    if (hasFailed || !(activate !== undefined || deactivates)) return []
    const before = await scriptsOf(call).list()
    const wanted = before.find(({ id }) => activate !== undefined && id === realId(call, activate))
    if (activate !== undefined && !wanted) return []
    await refusing(scriptsOf(call).activate(wanted?.name ?? ''))
    const after = await scriptsOf(call).list()
    const changed = after.filter(({ id, isActive }) => before.find((one) => one.id === id)?.isActive !== isActive)
    const created = Object.values((response.created ?? {}) as Record<string, { id: string; isActive: boolean }>)
    const updated = { ...(response.updated as JsonObject | null) } as Record<string, unknown>
    for (const { id, isActive } of changed) {
      const made = created.find((one) => one.id === id)
      if (made) made.isActive = isActive
      else updated[id] = { ...(updated[id] as object | null), isActive }
    }
    Object.assign(response, { updated: filled(updated), newState: await state(call) })
    return []
  },

  query: async (call, query) => findObjects(await scriptsOf(call).list(), query, FILTERS, SORTS).map(({ id }) => id),
}

/** RFC 9661 section 2.6. */
export const validateScript: Method = {
  capability: SIEVE,
  async run(call) {
    const blobId = required(call, 'blobId', isString)
    const error = await contentOf(call, blobId).then(
      () => null,
      (failed: unknown) => {
        if (!(failed instanceof SetError)) throw failed
        if (failed.type === 'invalidProperties') throw new MethodError('blobNotFound', failed.message)
        return failed.object
      },
    )
    return { accountId: call.account.id, error }
  },
}
