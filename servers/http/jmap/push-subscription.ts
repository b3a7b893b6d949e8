import { randomBytes, randomUUID } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import type { Caller } from '../../../src/api/caller.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { type JmapLimits, jmapLimits } from '../../../src/core/config/schema/jmap.ts'
import { untilAborted } from '../../../src/core/time/abort-after.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { Owner } from '../../../src/storage/store/folder.ts'
import type { ServerContext } from '../../service.ts'
import { accountOf } from './account.ts'
import { CORE } from './capabilities.ts'
import { isString, isStrings, isUtcDate } from './checks.ts'
import { follow, pushStateOf } from './push.ts'
import { arePushKeys, encryptedFor, type PushKeys } from './push-encryption.ts'
import { methodsOf } from './standard.ts'
import {
  type DataType,
  invalid,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type Method,
  MethodError,
  notFound,
  SetError,
} from './types.ts'

/** A subscription, which all nodes know. RFC 8620 section 7.2. */
interface Subscription {
  readonly owner: Owner
  /** The name of the account. */
  readonly user: string
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
  /** Null: messages are not encrypted. */
  readonly keys: PushKeys | null
  /** The push state when it was verified. A node that takes over the work sends what has changed since. */
  readonly since?: string
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
  if (found?.owner !== account.owner) throw notFound('PushSubscription', id)
  return found
}

const post = (api: Api, { url, keys }: Subscription, message: JsonObject): void => {
  const text = JSON.stringify(message)
  const content = keys
    ? { body: encryptedFor(keys, text).toString('base64'), encoding: 'base64' as const }
    : { body: text }
  const headers = { ...HEADERS, ...(keys && { 'Content-Encoding': 'aes128gcm' }) }
  const sent = api.webhooks?.post(url, { event: 'jmap.push', ...content, headers, delayMs: 0 })
  sent?.catch((error: unknown) => api.lab.logError(error, 'JMAP: a push message is lost'))
}

const known = new WeakSet<Api>()

/** Lets this node send to the subscriptions of all nodes whenever no other node does. */
export function leadPush(api: Api, context: ServerContext): void {
  if (known.has(api)) return
  known.add(api)
  api.onReset(() => subscriptionsOf(api).clear())
  api.lab.cluster.lead('jmap-push', { run: (signal) => sendPush(api, context, signal) })
}

/** Sends the changes of accounts to their subscriptions until `signal` is aborted. */
async function sendPush(api: Api, context: ServerContext, signal: AbortSignal): Promise<void> {
  const all = subscriptionsOf(api)
  const stops = new Map<string, () => void>()
  const take = (id: string): void => {
    if (!live(api, id)) return stops.get(id)?.()
    if (stops.has(id) || !live(api, id)?.isVerified) return
    const stop = new AbortController()
    stops.set(id, () => stop.abort())
    sendTo(api, context, id, stop.signal)
      .catch((error: unknown) => api.lab.logError(error, `JMAP: the push subscription ${id} is not served`))
      .finally(() => stops.delete(id))
  }
  const unwatch = all.watch(({ key }) => take(key))
  for (const [id] of all.entries()) take(id)
  await untilAborted(signal)
  unwatch()
  for (const stop of stops.values()) stop()
}

/** Sends the changes of the account to a subscription until it ends, or `signal` is aborted. @throws StoreError */
async function sendTo(api: Api, context: ServerContext, id: string, signal: AbortSignal): Promise<void> {
  const { user, since } = live(api, id) as Subscription
  const caller: Caller = { role: 'account', name: user, seesCaptured: false }
  const isKnown = (): boolean => api.lab.directory.find(user) !== undefined
  if (!isKnown()) return subscriptionsOf(api).delete(id)
  const ended = new AbortController()
  const { stop } = follow({
    facts: {
      api,
      context,
      account: await accountOf(api, caller),
      signal: api.stopping,
      // No state depends on the limits.
      limits: jmapLimits(undefined) as JmapLimits,
      record: { id: '', note: () => {} },
    },
    caller,
    lostRights: () => (isKnown() ? undefined : new ApiProblem('forbidden', `there is no account ${user}`)),
    get types() {
      return live(api, id)?.types ?? null
    },
    since,
    isReady() {
      if (!live(api, id)) ended.abort()
      return !ended.signal.aborted
    },
    send(change) {
      const one = live(api, id)
      if (one) post(api, one, change)
    },
    end: () => ended.abort(),
  })
  const end = (): void => ended.abort()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  await untilAborted(ended.signal)
  stop()
  if (!live(api, id) || !isKnown()) await subscriptionsOf(api).delete(id)
}

/** Returns the end that a client asks for, seven days ahead at most. @throws SetError `invalidProperties` */
function endOf({ api }: JmapRequest, expires: unknown): number {
  const now = api.lab.clock.now()
  if (expires === null) return now + MAX_LIFE_MS
  const end = isUtcDate(expires) ? Date.parse(expires) : Number.NaN
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
  id,
  deviceClientId,
  verificationCode: isVerified ? code : null,
  expires: timeText(expires),
  types,
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
    if (keys !== null && !arePushKeys(keys))
      throw invalidProperties(['keys'], 'keys are not p256dh (a point of P-256) and auth (16 octets), in base64url')
    if (verificationCode !== null || 'id' in object)
      throw invalidProperties(['id', 'verificationCode'], 'a new PushSubscription has neither id nor verificationCode')
    const {
      owner,
      account: { user },
    } = account
    const kept = { owner, user, deviceClientId, url, keys, code: randomBytes(16).toString('base64url') }
    const one = { ...kept, isVerified: false, expires: endOf(call, expires), types: typesIn(types) }
    const all = subscriptionsOf(api)
    const ofAccount = [...all.entries()].filter(([, { owner }]) => owner === account.owner)
    for (const [id] of ofAccount) if (!live(api, id)) await all.delete(id)
    if (ofAccount.filter(([id]) => live(api, id)).length >= MAX_SUBSCRIPTIONS)
      throw new SetError('overQuota', `the account has ${MAX_SUBSCRIPTIONS} push subscriptions; destroy one`)
    const id = randomUUID()
    await all.put(id, one)
    post(api, one, { '@type': 'PushVerification', pushSubscriptionId: id, verificationCode: one.code })
    return { id, verificationCode: null, expires: timeText(one.expires), types: one.types }
  },

  async update(call, id, { verificationCode, expires, types, ...others }) {
    if (Object.keys(others).length > 0)
      throw invalidProperties(Object.keys(others), 'only verificationCode, expires and types can be changed')
    const old = own(call, id)
    if (verificationCode !== undefined && verificationCode !== old.code)
      throw invalidProperties(['verificationCode'], 'the verification code is not the one that the URL was sent')
    const isVerified = old.isVerified || verificationCode !== undefined
    const one = {
      ...old,
      isVerified,
      // The client is told every change after the answer that it gets.
      ...(isVerified && { since: await pushStateOf(call, call.account.caller) }),
      ...(expires !== undefined && { expires: endOf(call, expires) }),
      ...(types !== undefined && { types: typesIn(types) }),
    }
    await subscriptionsOf(call.api).put(id, one)
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
