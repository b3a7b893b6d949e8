import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { pointerToken } from './references.ts'
import {
  type DataType,
  emptyMap,
  invalid,
  invalidProperties,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  type Query,
  SetError,
} from './types.ts'

/** Returns the standard methods of a data type. RFC 8620 section 5. */
export function methodsOf(type: DataType): Readonly<Record<string, Method>> {
  const { name, capability, arguments: more = {} } = type
  const runs: Readonly<Record<string, [standard: readonly string[], run: Method['run'] | undefined]>> = {
    get: [['ids', 'properties'], (call) => get(type, call)],
    changes: [['sinceState', 'maxChanges'], type.changes && ((call) => changes(type, call))],
    set: [
      ['ifInState', 'create', 'update', 'destroy'],
      (type.create ?? type.update ?? type.destroy) && ((call) => set(type, call)),
    ],
    query: [
      ['filter', 'sort', 'position', 'anchor', 'anchorOffset', 'limit', 'calculateTotal'],
      type.query && ((call) => query(type, call)),
    ],
    queryChanges: [
      ['filter', 'sort', 'sinceQueryState', 'maxChanges', 'upToId', 'calculateTotal'],
      type.queryChanges && ((call) => queryChanges(type, call)),
    ],
  }
  return Object.fromEntries(
    Object.entries(runs).flatMap(([method, [standard, run]]) => {
      if (!run) return []
      const checked: Method['run'] = async (call) => {
        knownArguments(call, [...standard, ...(more[method] ?? [])])
        return run(call)
      }
      return [[`${name}/${method}`, { capability, run: checked }]]
    }),
  )
}

/** Checks that a call has only arguments that its method takes. @throws MethodError `invalidArguments` */
export function knownArguments({ name, args }: MethodCall, known: readonly string[]): void {
  const unknown = Object.keys(args).find((one) => one !== 'accountId' && !known.includes(one))
  if (unknown !== undefined) throw invalid(`${name} has no argument ${unknown}`)
}

/** RFC 8620 section 5.1. */
async function get(type: DataType, call: MethodCall): Promise<JsonObject> {
  const ids = optional(call, 'ids', isIds)
  const given = optional(call, 'properties', isStrings)
  const unknown = given?.find((one) => !type.properties.includes(one) && !type.isProperty?.(one))
  if (unknown !== undefined) throw invalid(`${type.name} has no property ${unknown}`)
  const { maxObjectsInGet: most } = call.limits
  if (ids && ids.length > most) throw tooLarge(`the call names ${ids.length} ids; maxObjectsInGet is ${most}`)
  const wanted = [...new Set(['id', ...(given ?? type.defaultProperties ?? type.properties)])]
  const distinct = ids ? [...new Set(ids.map((id) => realId(call, id)))] : null
  const state = await type.state(call)
  const found = await type.get(call, distinct, wanted)
  if (found.length > most) throw tooLarge(`there are ${found.length} objects; maxObjectsInGet is ${most}`)
  const list = found.map((object) => Object.fromEntries(wanted.map((one) => [one, object[one] ?? null])))
  const known = new Set(found.map(({ id }) => id))
  return { accountId: call.account.id, state, list, notFound: (distinct ?? []).filter((id) => !known.has(id)) }
}

/** RFC 8620 section 5.2. */
async function changes(type: DataType, call: MethodCall): Promise<JsonObject> {
  const sinceState = required(call, 'sinceState', isString)
  const max = optional(call, 'maxChanges', isPositive) ?? Number.MAX_SAFE_INTEGER
  const found = await type.changes?.(call, sinceState, max)
  if (!found) throw new MethodError('cannotCalculateChanges', `the changes since the state ${sinceState} are not known`)
  const { more = {}, hasMoreChanges = false, ...lists } = found
  return { accountId: call.account.id, oldState: sinceState, hasMoreChanges, ...lists, ...more }
}

/** RFC 8620 section 5.3. */
async function set(type: DataType, call: MethodCall) {
  const create = optional(call, 'create', isObjects) ?? {}
  const update = optional(call, 'update', isObjects) ?? {}
  const destroy = optional(call, 'destroy', isIds) ?? []
  const count = Object.keys(create).length + Object.keys(update).length + destroy.length
  const { maxObjectsInSet: most } = call.limits
  if (count > most) throw tooLarge(`the call changes ${count} objects; maxObjectsInSet is ${most}`)
  const oldState = await type.state(call)
  assertState(call, oldState)
  const created = emptyMap<JsonObject>()
  const updated = emptyMap<JsonObject | null>()
  const destroyed: string[] = []
  const refused: Record<'notCreated' | 'notUpdated' | 'notDestroyed', Record<string, JsonObject>> = {
    notCreated: emptyMap(),
    notUpdated: emptyMap(),
    notDestroyed: emptyMap(),
  }
  const attempt = async (key: keyof typeof refused, id: string, work: () => Promise<unknown>): Promise<void> => {
    if (isSliceOver()) await nextSlice()
    try {
      await work()
    } catch (error) {
      if (!(error instanceof SetError)) throw error
      refused[key][id] = { type: error.type, description: error.message, ...error.more }
    }
  }
  for (const [creationId, object] of Object.entries(create))
    await attempt('notCreated', creationId, async () => {
      if (!type.create) throw new SetError('forbidden', `${type.name} objects cannot be created`)
      assertKnown(type, Object.keys(object))
      const made = await type.create(call, object, creationId)
      call.createdIds.set(creationId, made.id)
      created[creationId] = made
    })
  const doomed = new Set(destroy.map((id) => realId(call, id)))
  for (const [given, patch] of Object.entries(update))
    await attempt('notUpdated', given, async () => {
      const id = realId(call, given)
      // RFC 8620 section 5.3: an object that is destroyed too may be left as it is.
      if (doomed.has(id)) throw new SetError('willDestroy', 'the same call destroys the object')
      if (!type.update) throw new SetError('forbidden', `${type.name} objects cannot be changed`)
      assertKnown(
        type,
        Object.keys(patch).map((path) => pointerToken(path.split('/')[0] ?? '')),
      )
      updated[id] = await type.update(call, id, patch)
    })
  for (const id of doomed)
    await attempt('notDestroyed', id, async () => {
      if (!type.destroy) throw new SetError('forbidden', `${type.name} objects cannot be destroyed`)
      await type.destroy(call, id)
      destroyed.push(id)
    })
  const orNull = <T extends object>(value: T): T | null => (Object.keys(value).length > 0 ? value : null)
  const response = {
    ...{ accountId: call.account.id, oldState, newState: await type.state(call) },
    ...{ created: orNull(created), updated: orNull(updated), destroyed: orNull(destroyed) },
    notCreated: orNull(refused.notCreated),
    notUpdated: orNull(refused.notUpdated),
    notDestroyed: orNull(refused.notDestroyed),
  }
  return { response, implicit: (await type.afterSet?.(call, response)) ?? [] }
}

/** @throws MethodError `stateMismatch` */
export function assertState(call: MethodCall, state: string): void {
  const ifInState = optional(call, 'ifInState', isString)
  if (ifInState !== undefined && ifInState !== state)
    throw new MethodError('stateMismatch', `the state is ${state}, not ${ifInState}`)
}

/** @throws SetError */
function assertKnown({ name, properties, isProperty }: DataType, given: readonly string[]): void {
  const unknown = given.filter((one) => !properties.includes(one) && !isProperty?.(one))
  if (unknown.length > 0) throw invalidProperties(unknown, `${name} has no property ${unknown.join(', ')}`)
}

/** RFC 8620 section 5.5. */
async function query(type: DataType, call: MethodCall): Promise<JsonObject> {
  const position = optional(call, 'position', isInteger) ?? 0
  const anchor = optional(call, 'anchor', isString)
  const anchorOffset = optional(call, 'anchorOffset', isInteger) ?? 0
  const limit = optional(call, 'limit', isInteger)
  if (limit !== undefined && limit < 0) throw invalid('limit is negative')
  const found = await type.query?.(call, queryIn(call))
  const { ids, queryState, canCalculateChanges } = found as NonNullable<typeof found>
  const at = anchor === undefined ? -1 : ids.indexOf(realId(call, anchor))
  if (anchor !== undefined && at === -1) throw new MethodError('anchorNotFound', `${anchor} is not in the results`)
  const from = anchor === undefined ? (position < 0 ? position + ids.length : position) : at + anchorOffset
  const start = Math.max(from, 0)
  const most = call.limits.maxObjectsInGet
  const part = ids.slice(start, limit === undefined ? undefined : start + limit)
  return {
    ...{ accountId: call.account.id, queryState, canCalculateChanges, position: start },
    ids: part.slice(0, most),
    ...(call.args.calculateTotal === true && { total: ids.length }),
    // RFC 8620 section 5.5: the limit that the server has enforced.
    ...(part.length > most && { limit: most }),
  }
}

/** RFC 8620 section 5.6. */
async function queryChanges(type: DataType, call: MethodCall): Promise<JsonObject> {
  const since = required(call, 'sinceQueryState', isString)
  const max = optional(call, 'maxChanges', isPositive) ?? Number.MAX_SAFE_INTEGER
  const found = await type.queryChanges?.(call, queryIn(call), since)
  if (!found) throw new MethodError('cannotCalculateChanges', `the changes since the state ${since} are not known`)
  const { removed, added, newQueryState, total } = found
  if (removed.length + added.length > max)
    throw new MethodError(
      'tooManyChanges',
      `there are ${removed.length + added.length} changes; read the results again`,
    )
  return {
    ...{ accountId: call.account.id, oldQueryState: since, newQueryState, removed, added },
    ...(call.args.calculateTotal === true && { total }),
  }
}

/** Clients such as meli write null for the default of a member. */
const withoutNulls = (comparator: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(comparator).filter(([, value]) => value !== null))

function queryIn(call: MethodCall): Query {
  return {
    filter: optional(call, 'filter', isMapping) ?? null,
    sort: (optional(call, 'sort', isMappings) ?? []).map(withoutNulls),
  }
}

/** Returns an id, or the id of the object that the request has created under a creation id. RFC 8620 section 5.3. */
export const realId = ({ createdIds }: MethodCall, id: string): string =>
  (id.startsWith('#') ? createdIds.get(id.slice(1)) : undefined) ?? id

const tooLarge = (description: string): MethodError => new MethodError('requestTooLarge', description)

type Check<T> = (value: unknown) => value is T
export const isString: Check<string> = (value) => typeof value === 'string'
export const isBoolean: Check<boolean> = (value) => typeof value === 'boolean'
export const isInteger: Check<number> = (value): value is number => Number.isSafeInteger(value)
export const isStrings: Check<string[]> = (value) => Array.isArray(value) && value.every(isString)
export const isMappings: Check<JsonObject[]> = (value): value is JsonObject[] =>
  Array.isArray(value) && value.every(isMapping)
const isPositive: Check<number> = (value): value is number => isInteger(value) && value > 0
export const isObjects: Check<Record<string, JsonObject>> = (value): value is Record<string, JsonObject> =>
  isMapping(value) && Object.values(value).every(isMapping)
/** RFC 8620 section 1.2; a creation id follows `#`. */
const isIds: Check<string[]> = (value): value is string[] =>
  isStrings(value) && value.every((id) => /^#?[\w-]{1,255}$/.test(id))

/** Returns an argument; undefined if it is absent or null. @throws MethodError `invalidArguments` */
export function optional<T>({ args }: MethodCall, name: string, isRight: Check<T>): T | undefined {
  const value = args[name] ?? undefined
  if (value === undefined || isRight(value)) return value
  throw invalid(`${name} has a wrong type`)
}

/** @throws MethodError `invalidArguments` */
export function required<T>(call: MethodCall, name: string, isRight: Check<T>): T {
  const value = optional(call, name, isRight)
  if (value === undefined) throw invalid(`${name} is missing`)
  return value
}

/** Returns an object with a patch applied. RFC 8620 section 5.3. @throws SetError `invalidPatch` */
export function patched(object: JsonObject, patch: JsonObject): JsonObject {
  const out = structuredClone(object) as Record<string, unknown>
  for (const path of Object.keys(patch)) {
    const tokens = path.split('/').map(pointerToken)
    const last = tokens.pop() ?? ''
    let target: unknown = out
    let end = -1
    for (const token of tokens) {
      end = path.indexOf('/', end + 1)
      const above = path.slice(0, end)
      if (Object.hasOwn(patch, above)) throw new SetError('invalidPatch', `the patch has ${above} and a path below it`)
      target = isMapping(target) && Object.hasOwn(target, token) ? target[token] : undefined
      if (!isMapping(target)) throw new SetError('invalidPatch', `the object has no ${path}`)
    }
    const place = target as Record<string, unknown>
    // At the top, null is the default of the property; below, it removes the key.
    if (patch[path] === null && tokens.length > 0) delete place[last]
    else Object.defineProperty(place, last, { value: patch[path], ...WRITABLE })
  }
  return out
}

const WRITABLE = { writable: true, enumerable: true, configurable: true }
