import { randomBytes } from 'node:crypto'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { releasedForm } from '../../../src/transport/delivery/released.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import { DeliveryError } from '../../../src/transport/delivery/types.ts'
import type { OutgoingEnvelope } from '../../../src/transport/outgoing/types.ts'
import { SUBMISSION } from './capabilities.ts'
import { addressesOf, type Envelope, envelopeFor, envelopeIn, MAX_DELAYED_SEND } from './envelope.ts'
import { identitiesOf, maySendFrom } from './identity.ts'
import { isString, isStrings, patched, realId } from './standard.ts'
import { deliverAt, deliverSubmission, QUEUED, type Submission, submissionsOf, unsend } from './submit.ts'
import {
  type DataType,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type MethodCall,
  MethodError,
  type Query,
  SetError,
} from './types.ts'

const kept = ({ account: { store, account } }: JmapRequest) => submissionsOf(store, account.user)

/** Returns a date without a fraction of zero. RFC 8620 section 1.4. */
const utcDate = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

const shown = (id: string, one: Submission): JsonObject & { id: string } => ({
  id,
  ...one,
  sendAt: utcDate(one.sendAt),
})

/** RFC 8621 section 7. */
export const emailSubmission: DataType = {
  name: 'EmailSubmission',
  capability: SUBMISSION,
  properties: [
    ...['id', 'identityId', 'emailId', 'threadId', 'envelope', 'sendAt', 'undoStatus', 'deliveryStatus'],
    ...['dsnBlobIds', 'mdnBlobIds'],
  ],
  arguments: { set: ['onSuccessUpdateEmail', 'onSuccessDestroyEmail'] },
  state: async (call) => String(await kept(call).state()),
  get: async (call, ids) => [...(await kept(call).get(ids))].map(([id, one]) => shown(id, one)),
  changes: (call, sinceState, max) => kept(call).changes(Number(sinceState), max),
  create,

  async update(call, id, patch) {
    const before = (await kept(call).get([id])).get(id)
    if (!before) throw new SetError('notFound', `there is no submission ${id}`)
    const object = shown(id, before)
    const after = patched(object, patch)
    const changed = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(object[name]))
    if (changed.length === 0) return null
    const others = changed.filter((name) => name !== 'undoStatus')
    if (others.length > 0 || after.undoStatus !== 'canceled')
      throw invalidProperties(changed, 'only undoStatus can be changed, and only to canceled')
    // RFC 8621 section 7.5
    if (before.undoStatus !== 'pending' || !(await unsend(call.api, id)))
      throw new SetError('cannotUnsend', 'the message is sent already')
    await kept(call).change(id, (one) => (one?.undoStatus === 'pending' ? { ...one, undoStatus: 'canceled' } : one))
    return null
  },

  async destroy(call, id) {
    if (!(await kept(call).get([id])).has(id)) throw new SetError('notFound', `there is no submission ${id}`)
    await kept(call).change(id, () => undefined)
  },

  query: async (call, query) => ({
    ids: await idsFor(call, query),
    queryState: String(await kept(call).state()),
    canCalculateChanges: true,
  }),

  async queryChanges(call, query, since) {
    const found = await kept(call).changes(Number(since), Number.MAX_SAFE_INTEGER)
    if (!found) return undefined
    const ids = await idsFor(call, query)
    const changed = new Set([...found.created, ...found.updated])
    return {
      // RFC 8620 section 5.6: ids that were not in the results may be here.
      removed: [...found.updated, ...found.destroyed],
      added: ids.flatMap((id, index) => (changed.has(id) ? [{ id, index }] : [])),
      newQueryState: found.newState,
      total: ids.length,
    }
  },
}

/** RFC 8621 section 7.5. */
async function create(call: MethodCall, object: JsonObject): Promise<JsonObject & { id: string }> {
  const { identityId, emailId, envelope: given, ...others } = object
  if (Object.keys(others).length > 0) throw invalidProperties(Object.keys(others), 'the server sets these properties')
  const { account, api, context } = call
  const { user } = account.account
  const identity = isString(identityId) ? (await identitiesOf(call)).get(realId(call, identityId)) : undefined
  if (!identity) throw invalidProperties(['identityId'], 'there is no such identity')
  const { raw: stored, mailId, threadId } = await messageOf(call, emailId)
  const raw = Buffer.concat([...releasedForm(stored)])
  const envelope = given ? envelopeIn(given) : envelopeFor(stored, identity.email, (one) => maySendFrom(call, one))
  assertMaySend(call, stored, envelope)
  const outgoing = await outgoingEnvelope(call, envelope)
  const now = context.clock.now()
  const sendAt = sendAtOf(envelope, now)
  countMessage(call)
  const id = `S${randomBytes(12).toString('base64url')}`
  const isLater = sendAt > now
  const made: Submission = {
    ...{ identityId: realId(call, identityId as string), emailId: mailId, threadId, envelope, sendAt },
    undoStatus: isLater ? 'pending' : 'final',
    deliveryStatus: Object.fromEntries(outgoing.recipients.map(({ address }) => [address, QUEUED])),
    ...{ dsnBlobIds: [], mdnBlobIds: [] },
  }
  await kept(call).change(id, () => made)
  const submitted = { raw, envelope: { ...outgoing, submission: { user, id } }, session: call.record.id }
  try {
    if (isLater) await deliverAt(api, submitted, sendAt)
    else await deliverSubmission(api, submitted, (text) => call.record.note(text))
  } catch (error) {
    await kept(call).change(id, () => undefined)
    throw error
  }
  return shown(id, (await kept(call).get([id])).get(id) ?? made)
}

/** Returns the octets of an Email. @throws SetError */
async function messageOf(call: MethodCall, emailId: unknown) {
  const { account, context } = call
  const { history } = account
  await history.settled()
  const mail = isString(emailId) ? history.mails.get(realId(call, emailId)) : undefined
  const [copy] = mail?.copies.values() ?? []
  if (!mail || !copy) throw invalidProperties(['emailId'], 'there is no such email')
  const { messageSize } = context.config.limits
  if (copy.entry.sizeOctets > messageSize)
    throw new SetError('tooLarge', `the limit is ${messageSize} octets`, { maxSize: messageSize })
  const raw = await account.store.read(copy.folder.id, copy.entry.uid)
  if (!raw) throw invalidProperties(['emailId'], 'the email was deleted meanwhile')
  const [threadId = ''] = await history.threadIds([mail])
  return { raw, mailId: mail.id, threadId }
}

/** @throws SetError `invalidEmail`, `forbiddenFrom`, `forbiddenMailFrom` */
function assertMaySend(call: MethodCall, raw: Buffer, { mailFrom: { email } }: Envelope): void {
  const from = addressesOf(raw, 'from')
  if (from.length === 0) throw new SetError('invalidEmail', 'the message has no From', { properties: ['from'] })
  const foreign = from.find((one) => !maySendFrom(call, one))
  if (foreign !== undefined) throw new SetError('forbiddenFrom', `the account may not send from ${foreign}`)
  if (email !== '' && !maySendFrom(call, email))
    throw new SetError('forbiddenMailFrom', `the account may not send from ${email}`)
}

/** Returns an envelope as the lab delivers it. @throws SetError for recipients that SMTP would refuse, too */
async function outgoingEnvelope(call: MethodCall, { mailFrom, rcptTo }: Envelope): Promise<OutgoingEnvelope> {
  const { context } = call
  const { recipients: most } = context.config.limits
  if (rcptTo.length === 0) throw new SetError('noRecipients', 'the message has no recipients')
  if (rcptTo.length > most)
    throw new SetError('tooManyRecipients', `the limit is ${most} recipients`, { maxRecipients: most })
  await context.directory.refresh()
  const refusals = rcptTo.flatMap(({ email }) => refusalOf(call, mailFrom.email, email))
  if (refusals.length > 0)
    throw new SetError('invalidRecipients', refusals.map(([, why]) => why).join('; '), {
      invalidRecipients: refusals.map(([email]) => email),
    })
  const { ENVID, RET, BODY, SMTPUTF8, REQUIRETLS } = mailFrom.parameters ?? {}
  const isUtf8 = SMTPUTF8 === null || [mailFrom, ...rcptTo].some(({ email }) => /[^ -~]/.test(email))
  return {
    mailFrom: mailFrom.email,
    recipients: rcptTo.map(({ email: address, parameters }) => ({
      address,
      ...(parameters?.NOTIFY && { notify: parameters.NOTIFY.toUpperCase().split(',') }),
      ...(parameters?.ORCPT && { originalRecipient: parameters.ORCPT }),
    })),
    ...(ENVID && { envelopeId: ENVID }),
    ...(RET && { ret: RET.toUpperCase() as 'FULL' | 'HDRS' }),
    ...(BODY?.toUpperCase() === '8BITMIME' && { body: '8BITMIME' }),
    ...(isUtf8 && { smtpUtf8: true }),
    ...(REQUIRETLS === null && { requireTls: true }),
  }
}

function refusalOf({ api }: MethodCall, mailFrom: string, email: string): readonly (readonly [string, string])[] {
  if (!/^[^\s\p{Cc}@<>,;"]+@[^\s\p{Cc}@<>,;"]+$/u.test(email) || Buffer.byteLength(email) > 254)
    return [[email, `${JSON.stringify(email)} is not an address`]]
  try {
    resolveOnDemand(api.lab.services, email, mailFrom)
    return []
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error
    return [[email, `${error.refusal.code} ${error.refusal.status} ${error.message}`]]
  }
}

/** Returns when a message is to be sent. RFC 4865 section 5. @throws SetError */
function sendAtOf({ mailFrom: { parameters } }: Envelope, now: number): number {
  const { HOLDFOR, HOLDUNTIL } = parameters ?? {}
  if (HOLDFOR && HOLDUNTIL) throw invalidProperties(['envelope'], 'HOLDFOR and HOLDUNTIL exclude each other')
  const at = HOLDFOR ? now + Number(HOLDFOR) * 1000 : HOLDUNTIL ? Date.parse(HOLDUNTIL) : now
  if (!(at <= now + MAX_DELAYED_SEND * 1000))
    throw invalidProperties(['envelope'], `a message may wait ${MAX_DELAYED_SEND} seconds (maxDelayedSend)`)
  return Math.max(at, now)
}

/** Counts a message against the limit of the virtual server. @throws SetError `rateLimit` */
function countMessage({ context, account }: MethodCall): void {
  const { messages: count, per: perMs } = context.config.limits.rate ?? {}
  if (count === undefined || perMs === undefined) return
  if (!context.rates.take(`${context.name}\nmessages\n${account.account.user}`, { count, perMs }))
    throw new SetError('rateLimit', `the limit is ${count} messages in ${perMs / 1000} seconds; try again later`)
}

type Test = (value: unknown) => (one: Submission) => boolean

const isOneOf =
  (name: 'identityId' | 'emailId' | 'threadId'): Test =>
  (value) => {
    if (!isStrings(value)) throw unsupported(`${name}s is not a list of ids`)
    return (one) => value.includes(one[name])
  }
const isBefore: Test = (value) => {
  const at = isString(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw unsupported('before and after are dates')
  return ({ sendAt }) => sendAt < at
}

/** The conditions of a filter. RFC 8621 section 7.3. */
const CONDITIONS: Readonly<Record<string, Test>> = {
  identityIds: isOneOf('identityId'),
  emailIds: isOneOf('emailId'),
  threadIds: isOneOf('threadId'),
  undoStatus: (value) => (one) => one.undoStatus === value,
  before: isBefore,
  after: (value) => {
    const test = isBefore(value)
    return (one) => !test(one)
  },
}

const unsupported = (description: string): MethodError => new MethodError('unsupportedFilter', description)

/** The properties by which submissions are sorted. RFC 8621 section 7.3 names the date `sentAt`. */
const SORTS: Readonly<Record<string, (one: Submission) => string | number>> = {
  emailId: ({ emailId }) => emailId,
  threadId: ({ threadId }) => threadId,
  sentAt: ({ sendAt }) => sendAt,
  sendAt: ({ sendAt }) => sendAt,
}

async function idsFor(call: MethodCall, { filter, sort }: Query): Promise<string[]> {
  const test = filterTest(filter, CONDITIONS)
  const order = sort.map(({ property, isAscending = true }) => {
    const key = isString(property) && Object.hasOwn(SORTS, property) ? SORTS[property] : undefined
    if (!key) throw new MethodError('unsupportedSort', `submissions are not sorted by ${String(property)}`)
    return { key, sign: isAscending === false ? -1 : 1 }
  })
  const found = [...(await kept(call).get())].filter(([, one]) => test(one))
  found.sort(([, one], [, other]) => {
    for (const { key, sign } of order) if (key(one) !== key(other)) return key(one) < key(other) ? -sign : sign
    return 0
  })
  return found.map(([id]) => id)
}

/** Returns the test of a filter: a condition, or an operator with further filters. RFC 8620 section 5.5. @throws MethodError */
export function filterTest<T>(
  filter: JsonObject | null,
  conditions: Readonly<Record<string, (value: unknown) => (one: T) => boolean>>,
  depth = 0,
): (one: T) => boolean {
  if (filter === null) return () => true
  const { operator, conditions: inner } = filter
  if (operator === undefined) {
    const tests = Object.entries(filter).map(([name, value]) => {
      const condition = Object.hasOwn(conditions, name) ? conditions[name] : undefined
      if (!condition) throw unsupported(`there is no condition ${name}`)
      return condition(value)
    })
    return (one) => tests.every((test) => test(one))
  }
  if (!Array.isArray(inner) || !inner.every(isMapping) || depth > 20) throw unsupported('the filter is not one')
  const tests = inner.map((one) => filterTest(one, conditions, depth + 1))
  if (operator === 'AND') return (one) => tests.every((test) => test(one))
  if (operator === 'OR') return (one) => tests.some((test) => test(one))
  if (operator === 'NOT') return (one) => !tests.some((test) => test(one))
  throw unsupported(`there is no operator ${String(operator)}`)
}
