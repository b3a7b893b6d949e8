import { quotaOf, usageOf } from '../../../src/storage/store/quota.ts'
import { QUOTA } from './capabilities.ts'
import { isString } from './checks.ts'
import { type Filters, findObjects, listed, type Sorts } from './listed.ts'
import type { DataType, MethodCall } from './types.ts'

type Quota = {
  readonly id: string
  readonly resourceType: string
  readonly used: number
  readonly hardLimit: number
  readonly name: string
}

/** The properties that all quotas share. */
const SHARED = { scope: 'account', types: ['Email'], warnLimit: null, softLimit: null, description: null }

/** Returns the quotas of the account that are limited. RFC 9425 section 4. */
async function listQuotas({ account: { store, owner, account } }: MethodCall): Promise<(Quota & typeof SHARED)[]> {
  const { size, messages } = await quotaOf(store, owner, account.quota)
  const { octets, messages: count } = await usageOf(store, owner)
  const rows = [
    { id: 'size', resourceType: 'octets', used: octets, hardLimit: size, name: 'Size of all messages' },
    { id: 'messages', resourceType: 'count', used: count, hardLimit: messages, name: 'Number of messages' },
  ]
  return rows.flatMap(({ hardLimit, ...row }) => (hardLimit === undefined ? [] : [{ ...row, hardLimit, ...SHARED }]))
}

/** RFC 9425 section 4.4.1. */
const FILTERS: Filters<Quota> = {
  name: (value) => (one) => isString(value) && one.name.includes(value),
  scope: (value) => () => value === SHARED.scope,
  resourceType: (value) => (one) => one.resourceType === value,
  type: (value) => () => SHARED.types.some((one) => one === value),
}
const SORTS: Sorts<Quota> = { name: ({ name }) => name, used: ({ used }) => used }

const { get, state } = listed(listQuotas)

/** Quotas of the account. Only the current state is known, so changes can be told if there are none. RFC 9425. */
export const quota: DataType = {
  name: 'Quota',
  capability: QUOTA,
  properties: ['id', 'resourceType', 'used', 'hardLimit', 'name', ...Object.keys(SHARED)],
  state,
  get,
  changes: async (call, since) =>
    since === (await state(call))
      ? { created: [], updated: [], destroyed: [], newState: since, more: { updatedProperties: null } }
      : undefined,
  query: async (call, query) => findObjects(await listQuotas(call), query, FILTERS, SORTS).map(({ id }) => id),
  queryChanges: async (call, _, since) => (since === (await state(call)) ? [] : undefined),
}
