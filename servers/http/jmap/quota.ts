import { createHash } from 'node:crypto'
import { quotaOf, usageOf } from '../../../src/storage/store/quota.ts'
import { QUOTA } from './capabilities.ts'
import { type DataType, invalid, type JsonObject, type MethodCall, MethodError, type Query } from './types.ts'

/** Returns the quotas of the account that are limited. RFC 9425 section 4. */
async function quotasOf({ account: { store, owner, account } }: MethodCall): Promise<readonly JsonObject[]> {
  const { size, messages } = await quotaOf(store, owner, account.quota)
  const { octets, messages: count } = await usageOf(store, owner)
  const rows = [
    { id: 'size', resourceType: 'octets', used: octets, hardLimit: size, name: 'Size of all messages' },
    { id: 'messages', resourceType: 'count', used: count, hardLimit: messages, name: 'Number of messages' },
  ]
  const shared = { scope: 'account', types: ['Email'], warnLimit: null, softLimit: null, description: null }
  return rows.flatMap((row) => (row.hardLimit === undefined ? [] : [{ ...row, ...shared }]))
}

const stateOf = async (call: MethodCall): Promise<string> =>
  createHash('sha256')
    .update(JSON.stringify(await quotasOf(call)))
    .digest('base64url')
    .slice(0, 16)

const SORTS = ['name', 'used']

async function found(call: MethodCall, { filter, sort }: Query): Promise<string[]> {
  const known = { name: 'name', scope: 'scope', resourceType: 'resourceType', type: 'types' }
  const matches = (quota: JsonObject): boolean =>
    Object.entries(filter ?? {}).every(([key, value]) => {
      if (!Object.hasOwn(known, key)) throw new MethodError('unsupportedFilter', `quotas cannot be filtered by ${key}`)
      const own = quota[known[key as keyof typeof known]]
      return key === 'name' ? typeof value === 'string' && String(own).includes(value) : [own].flat().includes(value)
    })
  const quotas = (await quotasOf(call)).filter(matches)
  for (const { property, isAscending = true } of sort.toReversed()) {
    if (typeof property !== 'string') throw invalid('a sort has no property')
    if (!SORTS.includes(property)) throw new MethodError('unsupportedSort', `quotas cannot be sorted by ${property}`)
    const direction = isAscending === false ? -1 : 1
    quotas.sort((a, b) => direction * ((a[property] as number) < (b[property] as number) ? -1 : 1))
  }
  return quotas.map(({ id }) => id as string)
}

/** Quotas of the account. Only the current state is known, so changes can be told if there are none. RFC 9425. */
export const quota: DataType = {
  name: 'Quota',
  capability: QUOTA,
  properties: [
    'id',
    'resourceType',
    'used',
    'hardLimit',
    'scope',
    'name',
    'types',
    'warnLimit',
    'softLimit',
    'description',
  ],
  state: stateOf,
  get: async (call, ids) => (await quotasOf(call)).filter(({ id }) => ids?.includes(id as string) ?? true),
  changes: async (call, since) =>
    since === (await stateOf(call))
      ? { created: [], updated: [], destroyed: [], newState: since, more: { updatedProperties: null } }
      : undefined,
  query: async (call, query) => ({
    ids: await found(call, query),
    queryState: await stateOf(call),
    canCalculateChanges: false,
  }),
  queryChanges: async (call, query, since) =>
    since === (await stateOf(call))
      ? { removed: [], added: [], newQueryState: since, total: (await found(call, query)).length }
      : undefined,
}
