import { isDeepStrictEqual } from 'node:util'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import {
  assertSettable,
  filled,
  isIds,
  isInteger,
  isMappings,
  isObjects,
  isPositive,
  isString,
  isStrings,
  optional,
  required,
  type Test,
} from './checks.ts'
import { pointerToken } from './references.ts'
import {
  type DataType,
  invalid,
  invalidProperties,
  type JsonObject,
  type Method,
  type MethodCall,
  MethodError,
  notFound,
  type Query,
  SetError,
} from './types.ts'

/** The standard methods, with the arguments that every type takes. A type has those whose functions it has. RFC 8620 section 5. */
const STANDARD: Readonly<
  Record<
    string,
    {
      readonly args: readonly string[]
      readonly has: (type: DataType) => unknown
      readonly run: (type: DataType, call: MethodCall) => ReturnType<Method['run']>
    }
  >
> = {
  get: { args: ['ids', 'properties'], has: (type) => type.get, run: getObjects },
  changes: { args: ['sinceState', 'maxChanges'], has: (type) => type.changes, run: listChanges },
  set: {
    args: ['ifInState', 'create', 'update', 'destroy'],
    has: ({ create, update, destroy }) => create ?? update ?? destroy,
    run: setObjects,
  },
  query: {
    args: ['filter', 'sort', 'position', 'anchor', 'anchorOffset', 'limit', 'calculateTotal'],
    has: (type) => type.query,
    run: queryIds,
  },
  queryChanges: {
    args: ['filter', 'sort', 'sinceQueryState', 'maxChanges', 'upToId', 'calculateTotal'],
    has: (type) => type.queryChanges,
    run: listQueryChanges,
  },
}

/** Returns the standard methods of a data type. RFC 8620 section 5. */
export function methodsOf(type: DataType): Readonly<Record<string, Method>> {
  const { name, capability, arguments: more = {} } = type
  const own = Object.entries(STANDARD).filter(([, { has }]) => has(type))
  return Object.fromEntries(
    own.map(([method, { args, run }]) => [
      `${name}/${method}`,
      {
        capability,
        async run(call: MethodCall) {
          assertArguments(call, [...args, ...(more[method] ?? [])])
          return run(type, call)
        },
      },
    ]),
  )
}

/** Checks that a call has only arguments that its method takes. @throws MethodError `invalidArguments` */
export function assertArguments({ name, args }: MethodCall, known: readonly string[]): void {
  const unknown = Object.keys(args).find((one) => one !== 'accountId' && !known.includes(one))
  if (unknown !== undefined) throw invalid(`${name} has no argument ${unknown}`)
}

/** Checks that a call names no more objects than a limit allows. @throws MethodError `requestTooLarge` */
export function assertCount({ limits }: MethodCall, limit: 'maxObjectsInGet' | 'maxObjectsInSet', count: number): void {
  if (count > limits[limit])
    throw new MethodError('requestTooLarge', `there are ${count} objects; ${limit} is ${limits[limit]}`)
}

/** Checks that a type has properties. @throws MethodError `invalidArguments` */
export function assertProperties({ name, properties, isProperty }: DataType, given: readonly string[]): void {
  const unknown = given.find((one) => !properties.includes(one) && !isProperty?.(one))
  if (unknown !== undefined) throw invalid(`${name} has no property ${unknown}`)
}

/** RFC 8620 section 5.1. */
async function getObjects(type: DataType, call: MethodCall): Promise<JsonObject> {
  const ids = optional(call, 'ids', isIds)
  const given = optional(call, 'properties', isStrings)
  assertProperties(type, given ?? [])
  assertCount(call, 'maxObjectsInGet', ids?.length ?? 0)
  const wanted = [...new Set(['id', ...(given ?? type.defaultProperties ?? type.properties)])]
  const distinct = ids ? [...new Set(ids.map((id) => realId(call, id)))] : null
  const state = await type.state(call)
  const found = await type.get(call, distinct, wanted)
  assertCount(call, 'maxObjectsInGet', found.length)
  const list = found.map((object) => Object.fromEntries(wanted.map((one) => [one, object[one] ?? null])))
  const known = new Set(found.map(({ id }) => id))
  return { accountId: call.account.id, state, list, notFound: (distinct ?? []).filter((id) => !known.has(id)) }
}

/** RFC 8620 section 5.2. */
async function listChanges(type: DataType, call: MethodCall): Promise<JsonObject> {
  const oldState = required(call, 'sinceState', isString)
  const max = optional(call, 'maxChanges', isPositive) ?? Number.MAX_SAFE_INTEGER
  const found = await type.changes?.(call, oldState, max)
  if (!found) throw unknownState(oldState)
  const { more = {}, hasMoreChanges = false, ...lists } = found
  return { accountId: call.account.id, oldState, hasMoreChanges, ...lists, ...more }
}

const unknownState = (state: string): MethodError =>
  new MethodError('cannotCalculateChanges', `the changes since the state ${state} are not known`)

/**
 * Works on one object after the other. Returns the results, and the errors of objects that were refused, by the keys of the
 * objects; null instead of none. RFC 8620 section 5.3.
 */
export async function attemptEach<In, Out>(
  objects: Iterable<readonly [key: string, object: In]>,
  work: (object: In, key: string) => Promise<Out>,
): Promise<{ readonly done: Record<string, Out> | null; readonly refused: Record<string, JsonObject> | null }> {
  const done: [string, Out][] = []
  const refused: [string, JsonObject][] = []
  for (const [key, object] of objects) {
    if (isSliceOver()) await nextSlice()
    try {
      done.push([key, await work(object, key)])
    } catch (error) {
      if (!(error instanceof SetError)) throw error
      refused.push([key, error.object])
    }
  }
  return { done: filled(Object.fromEntries(done)), refused: filled(Object.fromEntries(refused)) }
}

/** Creates objects. Later calls find them by their creation ids. */
export const createEach = <In>(
  call: MethodCall,
  objects: Readonly<Record<string, In>>,
  create: (object: In, creationId: string) => Promise<JsonObject & { readonly id: string }>,
): ReturnType<typeof attemptEach<In, JsonObject>> =>
  attemptEach(Object.entries(objects), async (object, creationId) => {
    const made = await create(object, creationId)
    call.createdIds.set(creationId, made.id)
    return made
  })

/** RFC 8620 section 5.3. */
async function setObjects(type: DataType, call: MethodCall) {
  const create = optional(call, 'create', isObjects) ?? {}
  const update = Object.entries(optional(call, 'update', isObjects) ?? {})
  const destroy = optional(call, 'destroy', isIds) ?? []
  assertCount(call, 'maxObjectsInSet', Object.keys(create).length + update.length + destroy.length)
  const oldState = await type.state(call)
  assertState(call, oldState)
  const created = await createEach(call, create, async (object, creationId) => {
    if (!type.create) throw new SetError('forbidden', `${type.name} objects cannot be created`)
    assertKnown(type, Object.keys(object))
    return type.create(call, object, creationId)
  })
  const doomed = new Set(destroy.map((id) => realId(call, id)))
  const updated = await attemptEach(update, async (patch, given) => {
    const id = realId(call, given)
    // RFC 8620 section 5.3: an object that is destroyed too may be left as it is.
    if (doomed.has(id)) throw new SetError('willDestroy', 'the same call destroys the object')
    if (!type.update) throw new SetError('forbidden', `${type.name} objects cannot be changed`)
    assertKnown(type, Object.keys(patch).map(propertyOf))
    return type.update(call, id, patch)
  })
  const destroyed = await attemptEach(
    Array.from(doomed, (id) => [id, id]),
    async (id) => {
      if (!type.destroy) throw new SetError('forbidden', `${type.name} objects cannot be destroyed`)
      await type.destroy(call, id)
    },
  )
  const changes = Object.entries(updated.done ?? {}).map(([given, one]) => [realId(call, given), one])
  const response = {
    accountId: call.account.id,
    oldState,
    newState: await type.state(call),
    created: created.done,
    updated: filled(Object.fromEntries(changes)),
    destroyed: filled(Object.keys(destroyed.done ?? {})),
    notCreated: created.refused,
    notUpdated: updated.refused,
    notDestroyed: destroyed.refused,
  }
  return { response, implicit: (await type.afterSet?.(call, response)) ?? [] }
}

/** Returns the property that a path of a patch changes. */
const propertyOf = (path: string): string => pointerToken(path.split('/')[0] ?? '')

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

/** Returns an object of a type before and after a patch. @throws SetError, also for a change that the client may not make */
export async function editedObject(
  type: DataType,
  settable: Readonly<Record<string, Test>>,
  call: MethodCall,
  id: string,
  patch: JsonObject,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject; readonly isChanged: boolean }> {
  const [before] = await type.get(call, [id], type.properties)
  if (!before) throw notFound(type.name, id)
  const after = patchedObject(before, patch)
  const changed = Object.keys(after).filter((name) => !isDeepStrictEqual(after[name], before[name]))
  assertSettable(settable, Object.fromEntries(changed.map((name) => [name, after[name]])))
  return { before, after, isChanged: changed.length > 0 }
}

/** RFC 8620 section 5.5. */
async function queryIds(type: DataType, call: MethodCall): Promise<JsonObject> {
  const position = optional(call, 'position', isInteger) ?? 0
  const anchor = optional(call, 'anchor', isString)
  const anchorOffset = optional(call, 'anchorOffset', isInteger) ?? 0
  const limit = optional(call, 'limit', isInteger)
  if (limit !== undefined && limit < 0) throw invalid('limit is negative')
  const { ids, queryState } = await queryOnce(type, call)
  const at = anchor === undefined ? -1 : ids.indexOf(realId(call, anchor))
  if (anchor !== undefined && at === -1) throw new MethodError('anchorNotFound', `${anchor} is not in the results`)
  const from = anchor === undefined ? (position < 0 ? position + ids.length : position) : at + anchorOffset
  const start = Math.max(from, 0)
  const most = call.limits.maxObjectsInGet
  const part = ids.slice(start, limit === undefined ? undefined : start + limit)
  return {
    accountId: call.account.id,
    queryState,
    canCalculateChanges: type.queryChanges !== undefined,
    position: start,
    ids: part.slice(0, most),
    ...(call.args.calculateTotal === true && { total: ids.length }),
    // RFC 8620 section 5.5: the limit that the server has enforced.
    ...(part.length > most && { limit: most }),
  }
}

/** RFC 8620 section 5.6. Nothing is kept of the old results: an object that changed is removed, and added where it is now. */
async function listQueryChanges(type: DataType, call: MethodCall): Promise<JsonObject> {
  const oldQueryState = required(call, 'sinceQueryState', isString)
  const max = optional(call, 'maxChanges', isPositive) ?? Number.MAX_SAFE_INTEGER
  // Changes after the results may be listed, too.
  const { query, ids, queryState: newQueryState } = await queryOnce(type, call)
  const found = await type.queryChanges?.(call, query, oldQueryState)
  if (!found) throw unknownState(oldQueryState)
  const changed = new Set(found)
  const added = ids.flatMap((id, index) => (changed.has(id) ? [{ id, index }] : []))
  const count = changed.size + added.length
  if (count > max) throw new MethodError('tooManyChanges', `there are ${count} changes; read the results again`)
  return {
    accountId: call.account.id,
    oldQueryState,
    newQueryState,
    removed: [...changed],
    added,
    ...(call.args.calculateTotal === true && { total: ids.length }),
  }
}

/** Returns the results of a query, and a state that they have or are newer than. */
async function queryOnce(type: DataType, call: MethodCall) {
  const sort = optional(call, 'sort', isMappings) ?? []
  const query: Query = { filter: optional(call, 'filter', isMapping) ?? null, sort: sort.map(withoutNulls) }
  const queryState = await type.state(call)
  return { query, queryState, ids: (await type.query?.(call, query)) ?? [] }
}

/** Clients such as meli write null for the default of a member. */
const withoutNulls = (comparator: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(comparator).filter(([, value]) => value !== null))

/** Returns an id, or the id of the object that the request has created under a creation id. RFC 8620 section 5.3. */
export const realId = ({ createdIds }: MethodCall, id: string): string =>
  (id.startsWith('#') ? createdIds.get(id.slice(1)) : undefined) ?? id

/** Returns an object with a patch applied. RFC 8620 section 5.3. @throws SetError `invalidPatch` */
export function patchedObject(object: JsonObject, patch: JsonObject): JsonObject {
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
    else
      Object.defineProperty(place, last, { value: patch[path], writable: true, enumerable: true, configurable: true })
  }
  return out
}
