import type { Api } from '../../../src/api/api.ts'
import type { Caller, Standing } from '../../../src/api/caller.ts'
import { coalesce } from '../../../src/core/async/coalesce.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { accountOf } from './account.ts'
import { dataTypes } from './data-types.ts'
import type { JmapRequest, JsonObject } from './types.ts'

/** The states of data types. */
type States = Readonly<Record<string, string>>

/** A client that is told about changes. RFC 8620 section 7. */
export interface Follower {
  readonly facts: Omit<JmapRequest, 'using' | 'createdIds' | 'answer'>
  readonly caller: Caller
  /** Returns why the caller may no longer follow. */
  readonly lostRights: Standing
  /** The data types, or null for all. */
  readonly types: readonly string[] | null
  /** The push state that the client has last seen. */
  readonly since: string | undefined
  /** Whether the client still reads what it was sent. Otherwise it is told when `wake` is called. */
  readonly isReady: () => boolean
  readonly send: (change: JsonObject, pushState: string) => void
  readonly end: () => void
}

/** The data type whose state changes with new mail only. RFC 8621 section 1.5. */
const DELIVERY = 'EmailDelivery'

/** How often requests have changed what no event of the store tells, by account. All nodes know it. */
const requestsOf = ({ lab }: Api) => lab.values.map<number>('jmap-requests')
export const changedBy = (api: Api, accountId: string): void => {
  const added = requestsOf(api).add(accountId, 1)
  added.catch((error: unknown) => api.lab.logError(error, 'JMAP: clients are not told about a change'))
}

/**
 * Tells a client about changes until it is stopped, and about those since the push state that it has seen. The push state has
 * all states, so that every node of a lab understands it. Returns functions that look for changes, and that stop.
 */
export function follow(follower: Follower): { readonly wake: () => void; readonly stop: () => void } {
  const { facts, caller, since } = follower
  const { api, account } = facts
  const { store, owner, id } = account
  let last: States | undefined = since === undefined ? undefined : statesIn(since)
  let [hasArrived, isStopped] = [false, false]
  const look = async (): Promise<void> => {
    if (isStopped || !follower.isReady()) return
    if (follower.lostRights()) return end()
    const isNew = hasArrived
    hasArrived = false
    const now = await statesOf(facts, caller)
    if (isStopped) return
    const before = last ?? now
    last = now
    const changed = Object.entries(now).filter(([name, state]) => before[name] !== state && wants(name))
    if (isNew && wants(DELIVERY) && now.Email !== undefined) changed.push([DELIVERY, now.Email])
    if (changed.length === 0) return
    follower.send({ '@type': 'StateChange', changed: { [id]: Object.fromEntries(changed) } }, encodeStates(now))
  }
  const wants = (name: string): boolean => follower.types?.includes(name) ?? true
  const wake = coalesce(() =>
    look().catch((error: unknown) => {
      api.lab.logError(error, 'JMAP: a client was not told about a change; it has to connect again')
      end()
    }),
  )
  const unwatch = store.watch(
    (event) => {
      if (event.folder.owner !== owner) return
      if (event.type === 'appended') hasArrived ||= event.entries.some(({ envelope }) => envelope !== undefined)
      wake()
    },
    { follows: (folder) => folder.owner === owner },
  )
  const unwatchRights = api.rights.watch(wake)
  const unwatchRequests = requestsOf(api).watch(({ key }) => {
    if (key === id) wake()
  })
  const stop = (): void => {
    isStopped = true
    unwatch()
    unwatchRights()
    unwatchRequests()
    api.stopping.removeEventListener('abort', end)
  }
  const end = (): void => {
    if (isStopped) return
    stop()
    follower.end()
  }
  api.stopping.addEventListener('abort', end)
  wake()
  return { wake, stop }
}

/** Returns the state of every data type. */
async function statesOf(facts: Follower['facts'], caller: Caller): Promise<States> {
  const account = await accountOf(facts.api, caller)
  const call = {
    ...facts,
    account,
    using: new Set<string>(),
    createdIds: new Map(),
    answer: { octetsLeft: 0 },
    name: '',
    args: {},
  }
  const states = dataTypes.map(async (type) => [type.name, await type.state(call)] as const)
  return Object.fromEntries(await Promise.all(states))
}

/** Returns the push state of an account. @throws StoreError */
export const pushStateOf = async (facts: Follower['facts'], caller: Caller): Promise<string> =>
  encodeStates(await statesOf(facts, caller))

const encodeStates = (states: States): string => Buffer.from(JSON.stringify(states)).toString('base64url')

/** Returns the states in a push state; none if it is not one. */
function statesIn(text: string): States {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return isMapping(value) ? (value as States) : {}
  } catch {
    return {}
  }
}
