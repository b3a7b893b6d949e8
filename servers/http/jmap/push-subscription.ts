import { randomBytes, randomUUID } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { Owner } from '../../../src/storage/store/types.ts'
import { CORE } from './capabilities.ts'
import { follow, pushStateOf } from './push.ts'
import { isString, isStrings, methodsOf } from './standard.ts'
import {
  type DataType,
  invalid,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type Method,
  MethodError,
  SetError,
} from './types.ts'

/** A subscription, which all nodes know. RFC 8620 section 7.2. */
interface Subscription {
  readonly owner: Owner
  readonly deviceClientId: string
  readonly url: string
  /** The code that the receiver was sent. */
  readonly code: string
  /** Whether the client has sent the code back. Nothing else is sent before. */
  readonly isVerified: boolean
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly expires: number
  /** Null: all data types. */
  readonly types: readonly string[] | null
  /** The node that sends its changes: the one that has verified it or changed it last. */
  readonly node: string
}

const MAX_LIFE_MS = 7 * 86_400_000
const MAX_SUBSCRIPTIONS = 100
/** The time that a push service keeps what it cannot pass on, in seconds. RFC 8030 section 5.2. */
const HEADERS = { TTL: '86400' }

const subscriptionsOf = ({ lab }: Api) => lab.values.map<Subscription>('jmap-push-subscriptions')

/** Returns a subscription that has not ended. */
function live(api: Api, id: string): Subscription | undefined {
  const found = subscriptionsOf(api).get(id)
  return found && found.expires > api.lab.clock.now() ? found : undefined
}

/** Returns a subscription of the account. @throws SetError `notFound` */
function own({ api, account }: JmapRequest, id: string): Subscription {
  const found = live(api, id)
  if (found?.owner !== account.owner) throw new SetError('notFound', `there is no push subscription ${id}`)
  return found
}

const post = (api: Api, url: string, body: JsonObject): void => {
  const request = { event: 'jmap.push', body: JSON.stringify(body), headers: HEADERS, delayMs: 0 }
  const sent = api.webhooks?.post(url, request)
  sent?.catch((error: unknown) => api.lab.logError(error, 'JMAP: a push message is lost'))
}

/** The functions that end the subscriptions which this process sends, by id. */
const running = new WeakMap<Api, Map<string, () => void>>()

function runningOf(api: Api): Map<string, () => void> {
  const known = running.get(api)
  if (known) return known
  const stops = new Map<string, () => void>()
  running.set(api, stops)
  api.onReset(() => subscriptionsOf(api).clear())
  // Another node has taken it over, or it was destroyed.
  subscriptionsOf(api).watch(({ key, value }) => {
    if (value?.node !== api.lab.cluster.node) stops.get(key)?.()
  })
  return stops
}

/** Sends the changes of the account to a subscription until it ends. */
async function start({ api, context, account, limits, record }: JmapRequest, id: string): Promise<void> {
  const facts = { api, context, account, limits, signal: api.stopping, record: { id: record.id, note: () => {} } }
  // The client is told every change after the answer that it gets.
  const since = await pushStateOf(facts, account.caller)
  const stops = runningOf(api)
  if (stops.has(id) || live(api, id)?.node !== api.lab.cluster.node) return
  const user = account.account.user
  const isKnown = (): boolean => context.latest().directory.find(user) !== undefined
  const remove = (): void => {
    const removed = subscriptionsOf(api).delete(id)
    removed.catch((error: unknown) => api.lab.logError(error, 'JMAP: a push subscription is not removed'))
  }
  const { stop } = follow({
    facts,
    caller: account.caller,
    lostRights: () => (isKnown() ? undefined : new ApiProblem('forbidden', `there is no account ${user}`)),
    get types() {
      return live(api, id)?.types ?? null
    },
    since,
    isReady() {
      if (live(api, id)) return true
      remove()
      return false
    },
    send(change) {
      const { url } = live(api, id) ?? {}
      if (url !== undefined) post(api, url, change)
    },
    end() {
      stops.delete(id)
      if (!isKnown()) remove()
    },
  })
  stops.set(id, () => {
    stops.delete(id)
    stop()
  })
}

/** Returns the end that a client asks for, seven days ahead at most. @throws SetError `invalidProperties` */
function endOf({ api }: JmapRequest, expires: unknown): number {
  const now = api.lab.clock.now()
  if (expires === null) return now + MAX_LIFE_MS
  // RFC 8620 section 1.4: a UTCDate.
  const end = isString(expires) && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(expires) ? Date.parse(expires) : Number.NaN
  if (end > now) return Math.min(end, now + MAX_LIFE_MS)
  throw invalidProperties(['expires'], 'expires is not a UTC time in the future')
}

/** @throws SetError `invalidProperties` */
function typesIn(types: unknown): readonly string[] | null {
  if (types === null || (isStrings(types) && types.length <= 100 && types.every((one) => one.length <= 100)))
    return types
  throw invalidProperties(['types'], 'types is not a list of at most 100 names, or null')
}

const shown = (id: string, { deviceClientId, isVerified, code, expires, types }: Subscription) => ({
  ...{ id, deviceClientId, verificationCode: isVerified ? code : null },
  ...{ expires: timeText(expires), types },
})

const READABLE = ['id', 'deviceClientId', 'verificationCode', 'expires', 'types']
const SECRET = ['url', 'keys']

const pushSubscription: DataType = {
  name: 'PushSubscription',
  capability: CORE,
  properties: [...READABLE, ...SECRET],
  defaultProperties: READABLE,
  state: async () => '',

  async get({ api, account }, ids, properties) {
    if (properties.some((one) => SECRET.includes(one)))
      throw new MethodError('forbidden', 'url and keys of a PushSubscription are never returned') // RFC 8620 section 7.2.1
    return [...subscriptionsOf(api).entries()]
      .filter(([id, { owner }]) => owner === account.owner && live(api, id) && (ids === null || ids.includes(id)))
      .map(([id, one]) => shown(id, one))
  },

  async create(call, object) {
    const { deviceClientId, url, keys = null, verificationCode = null, expires = null, types = null } = object
    const { api, account } = call
    if (!isString(deviceClientId) || deviceClientId === '' || deviceClientId.length > 255)
      throw invalidProperties(['deviceClientId'], 'deviceClientId is not a text of at most 255 characters')
    if (!isString(url) || !api.lab.config.webhooks.some((hook) => hook.url === url))
      throw invalidProperties(['url'], 'url is not one of `webhooks` of the lab; add it there')
    if (keys !== null) throw invalidProperties(['keys'], 'the lab does not encrypt push messages; leave out keys')
    if (verificationCode !== null || 'id' in object)
      throw invalidProperties(['id', 'verificationCode'], 'a new PushSubscription has neither id nor verificationCode')
    const kept = { owner: account.owner, deviceClientId, url, code: randomBytes(16).toString('base64url') }
    const one = { ...kept, isVerified: false, expires: endOf(call, expires), types: typesIn(types) }
    const all = subscriptionsOf(api)
    const ofAccount = [...all.entries()].filter(([, { owner }]) => owner === account.owner)
    for (const [id] of ofAccount) if (!live(api, id)) await all.delete(id)
    if (ofAccount.filter(([id]) => live(api, id)).length >= MAX_SUBSCRIPTIONS)
      throw new SetError('overQuota', `the account has ${MAX_SUBSCRIPTIONS} push subscriptions; destroy one`)
    const id = randomUUID()
    await all.put(id, { ...one, node: api.lab.cluster.node })
    post(api, url, { '@type': 'PushVerification', pushSubscriptionId: id, verificationCode: one.code })
    return { id, keys: null, verificationCode: null, expires: timeText(one.expires), types: one.types }
  },

  async update(call, id, { verificationCode, expires, types, ...others }) {
    if (Object.keys(others).length > 0)
      throw invalidProperties(Object.keys(others), 'only verificationCode, expires and types can be changed')
    const old = own(call, id)
    if (verificationCode !== undefined && verificationCode !== old.code)
      throw invalidProperties(['verificationCode'], 'the verification code is not the one that the URL was sent')
    const one = {
      ...{ ...old, node: call.api.lab.cluster.node, isVerified: old.isVerified || verificationCode !== undefined },
      ...(expires !== undefined && { expires: endOf(call, expires) }),
      ...(types !== undefined && { types: typesIn(types) }),
    }
    await subscriptionsOf(call.api).put(id, one)
    if (one.isVerified) await start(call, id)
    return expires === undefined ? null : { expires: timeText(one.expires) }
  },

  async destroy(call, id) {
    own(call, id)
    await subscriptionsOf(call.api).delete(id)
  },
}

/** Makes a method one without account and state. RFC 8620 sections 7.2.1 and 7.2.2. */
const ofSession = ({ capability, run }: Method): Method => ({
  capability,
  isOfSession: true,
  async run(call) {
    if ('ifInState' in call.args) throw invalid(`${call.name} has no argument ifInState`)
    const result = await run(call)
    const { accountId, state, oldState, newState, ...response } =
      'implicit' in result ? (result.response as JsonObject) : result
    return response
  },
})

/** PushSubscription/get and /set. */
export const pushSubscriptionMethods: Readonly<Record<string, Method>> = Object.fromEntries(
  Object.entries(methodsOf(pushSubscription)).map(([name, method]) => [name, ofSession(method)]),
)
