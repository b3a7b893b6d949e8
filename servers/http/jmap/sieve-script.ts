import { createHash, randomBytes } from 'node:crypto'
import { meetsAll } from '../../../src/api/messages/search.ts'
import { compileScript } from '../../../src/mail/sieve/sieve.ts'
import { mistakeText } from '../../../src/mail/sieve/types.ts'
import { type ListedScript, ScriptError, SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import { octetsOfBlob, scriptBlobId } from './blobs.ts'
import { SIEVE } from './capabilities.ts'
import { filterConditions, unsupportedFilter, whenever } from './filters.ts'
import { isBoolean, isString, optional, patched, realId, required } from './standard.ts'
import {
  type DataType,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  SetError,
  shownValue,
} from './types.ts'

const scriptsOf = ({ account: { store, account }, context }: JmapRequest) =>
  new SieveScripts(store, account, context.sieve)

const shown = ({ id, name, isActive, content }: ListedScript) => ({ id, name, blobId: scriptBlobId(content), isActive })

const stateOf = async (call: JmapRequest): Promise<string> => {
  const all = (await scriptsOf(call).list()).map(shown)
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url').slice(0, 16)
}

async function scriptWith(call: MethodCall, id: string): Promise<ListedScript> {
  const found = (await scriptsOf(call).list()).find((one) => one.id === id)
  if (!found) throw new SetError('notFound', `there is no script ${id}`)
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

/** RFC 9661 section 2. */
export const sieveScript: DataType = {
  name: 'SieveScript',
  capability: SIEVE,
  properties: ['id', 'name', 'blobId', 'isActive'],
  arguments: { set: ['onSuccessActivateScript', 'onSuccessDeactivateScript'] },
  state: stateOf,
  get: async (call, ids) =>
    (await scriptsOf(call).list()).filter(({ id }) => ids === null || ids.includes(id)).map(shown),

  async create(call, { name: given = null, blobId, ...others }) {
    if (Object.keys(others).length > 0) throw invalidProperties(Object.keys(others), 'the server sets these properties')
    if (given !== null && !isString(given)) throw invalidProperties(['name'], 'the name is not a text')
    const name = given ?? `script-${randomBytes(6).toString('base64url')}`
    const content = await contentOf(call, blobId)
    await assertFree(call, name)
    await refusing(scriptsOf(call).put(name, content))
    const made = (await scriptsOf(call).list()).find((one) => one.name === name)
    if (!made) throw new SetError('notFound', 'the script was deleted meanwhile')
    return shown(made)
  },

  async update(call, id, patch) {
    const before = await scriptWith(call, id)
    const old: JsonObject = shown(before)
    const { name, blobId, ...others } = patched(old, patch)
    const wrong = Object.keys(others).filter((one) => others[one] !== old[one])
    if (wrong.length > 0) throw invalidProperties(wrong, 'the server sets these properties')
    if (!isString(name)) throw invalidProperties(['name'], 'the name is not a text')
    const content = blobId === old.blobId ? undefined : await contentOf(call, blobId)
    if (name !== before.name) {
      await assertFree(call, name)
      await refusing(scriptsOf(call).rename(before.name, name))
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
    const more = Object.keys(updated).length > 0 ? { updated } : {}
    Object.assign(response, { ...more, newState: await stateOf(call) })
    return []
  },

  async query(call, { filter, sort }) {
    const conditions = filterConditions<ListedScript>(filter, (name, value) => {
      if (name === 'isActive') return whenever(({ isActive }) => isActive === value)
      if (name !== 'name') return undefined
      if (!isString(value)) throw unsupportedFilter('name is a text')
      return whenever((one) => one.name.toLowerCase().includes(value.toLowerCase()))
    })
    const found = (await scriptsOf(call).list()).filter((one) => meetsAll(conditions, { message: one }))
    for (const { property, isAscending } of sort.toReversed()) {
      if (property !== 'name' && property !== 'isActive')
        throw new MethodError('unsupportedSort', `scripts are not sorted by ${shownValue(property)}`)
      const sign = isAscending === false ? -1 : 1
      found.sort((one, other) => (one[property] < other[property] ? -sign : one[property] > other[property] ? sign : 0))
    }
    return { ids: found.map(({ id }) => id), queryState: await stateOf(call), canCalculateChanges: false }
  },
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
        return { type: failed.type, description: failed.message }
      },
    )
    return { accountId: call.account.id, error }
  },
}
