import { randomBytes } from 'node:crypto'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { releasedForm } from '../../../src/transport/delivery/released.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import { DeliveryError } from '../../../src/transport/delivery/types.ts'
import type { OutgoingEnvelope } from '../../../src/transport/outgoing/types.ts'
import { SUBMISSION } from './capabilities.ts'
import { isObjects, isString, isStrings, optional } from './checks.ts'
import { email } from './email.ts'
import { type Envelope, envelopeFor, envelopeIn, headerAddresses, MAX_DELAYED_SEND } from './envelope.ts'
import { unsupportedFilter } from './filters.ts'
import { identitiesOf, maySendFrom } from './identity.ts'
import { type Filters, findObjects, type Sorts } from './listed.ts'
import { takeReports } from './received-reports.ts'
import { editedObject, methodsOf, realId } from './standard.ts'
import { deliverAt, deliverSubmission, QUEUED, type Submission, submissionsOf, unsend } from './submit.ts'
import {
  type DataType,
  type Implicit,
  invalidProperties,
  type JmapRequest,
  type JsonObject,
  type MethodCall,
  notFound,
  SetError,
} from './types.ts'

const kept = ({ account: { store, account } }: JmapRequest) => submissionsOf(store, account.user)

/** Returns a date without a fraction of zero. RFC 8620 section 1.4. */
const utcDate = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')

const shown = (id: string, { messageId: _, sendAt, ...one }: Submission): JsonObject & { id: string } => ({
  id,
  ...one,
  sendAt: utcDate(sendAt),
})

/** Returns the submissions with the reports that have arrived. @throws StoreError */
async function settled(call: MethodCall) {
  await takeReports(call)
  return kept(call)
}

const { 'Email/set': setEmail } = methodsOf(email)

/** RFC 8621 section 7.5: a client can only cancel. */
const SETTABLE = { undoStatus: (value: unknown): boolean => value === 'canceled' }

/** The submissions that a call has destroyed. */
const removed = new WeakMap<MethodCall, readonly (readonly [id: string, one: Submission])[]>()

/** RFC 8621 section 7. */
export const emailSubmission: DataType = {
  name: 'EmailSubmission',
  capability: SUBMISSION,
  properties: [
    'id',
    'identityId',
    'emailId',
    'threadId',
    'envelope',
    'sendAt',
    'undoStatus',
    'deliveryStatus',
    'dsnBlobIds',
    'mdnBlobIds',
  ],
  arguments: { set: ['onSuccessUpdateEmail', 'onSuccessDestroyEmail'] },
  state: async (call) => String(await (await settled(call)).state()),
  get: async (call, ids) => [...(await kept(call).get(ids))].map(([id, one]) => shown(id, one)),
  changes: async (call, sinceState, max) => (await settled(call)).changes(Number(sinceState), max),
  create,

  async update(call, id, patch) {
    const { before, isChanged } = await editedObject(emailSubmission, SETTABLE, call, id, patch)
    if (!isChanged) return null
    // RFC 8621 section 7.5
    if (before.undoStatus !== 'pending' || !(await unsend(call.api, id)))
      throw new SetError('cannotUnsend', 'the message is sent already')
    await kept(call).change(id, (one) => (one?.undoStatus === 'pending' ? { ...one, undoStatus: 'canceled' } : one))
    return null
  },

  async destroy(call, id) {
    const one = (await kept(call).get([id])).get(id)
    if (!one) throw notFound('EmailSubmission', id)
    await kept(call).change(id, () => undefined)
    removed.set(call, [...(removed.get(call) ?? []), [id, one]])
  },

  async afterSet(call, { created, updated, destroyed }) {
    const onUpdate = optional(call, 'onSuccessUpdateEmail', isObjects) ?? {}
    const onDestroy = optional(call, 'onSuccessDestroyEmail', isStrings) ?? []
    const done = new Set([
      ...Object.values((created ?? {}) as Record<string, { id: string }>).map(({ id }) => id),
      ...Object.keys(updated ?? {}),
      ...((destroyed ?? []) as string[]),
    ])
    const emails = new Map([...(await kept(call).get()), ...(removed.get(call) ?? [])])
    /** The Email of a submission that has succeeded. */
    const emailOf = (key: string): string[] => {
      const one = done.has(realId(call, key)) ? emails.get(realId(call, key)) : undefined
      return one ? [one.emailId] : []
    }
    const update: Record<string, JsonObject> = {}
    for (const [key, patch] of Object.entries(onUpdate))
      for (const id of emailOf(key)) update[id] = { ...update[id], ...patch }
    const destroy = [...new Set(onDestroy.flatMap(emailOf))]
    return setEmails(call, update, destroy)
  },

  query: async (call, query) => findObjects(await kept(call).get(), query, FILTERS, SORTS).map(([id]) => id),

  async queryChanges(call, _, since) {
    const found = await (await settled(call)).changes(Number(since), Number.MAX_SAFE_INTEGER)
    // RFC 8620 section 5.6: ids that were not in the results may be here.
    return found && [...found.created, ...found.updated, ...found.destroyed]
  },
}

/** Returns the Email/set that follows a call, once it has run; none if it would change nothing. RFC 8621 section 7.5. */
export async function setEmails(
  call: MethodCall,
  update: JsonObject,
  destroy: readonly string[] = [],
): Promise<readonly Implicit[]> {
  if (Object.keys(update).length + destroy.length === 0) return []
  const args = { accountId: call.account.id, update, destroy }
  const set = await setEmail?.run({ ...call, name: 'Email/set', args })
  return [['Email/set', (set && 'response' in set ? set.response : set) as JsonObject]]
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
    identityId: realId(call, identityId as string),
    emailId: mailId,
    threadId,
    envelope,
    sendAt,
    messageId: headerValue(stored, headerFields(stored), 'message-id')?.trim(),
    undoStatus: isLater ? 'pending' : 'final',
    deliveryStatus: Object.fromEntries(outgoing.recipients.map(({ address }) => [address, QUEUED])),
    dsnBlobIds: [],
    mdnBlobIds: [],
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
  const from = headerAddresses(raw, 'from')
  if (from.length === 0) throw new SetError('invalidEmail', 'the message has no From', { properties: ['from'] })
  const foreign = from.find((one) => !maySendFrom(call, one))
  if (foreign !== undefined) throw new SetError('forbiddenFrom', `the account may not send from ${foreign}`)
  if (email !== '' && !maySendFrom(call, email))
    throw new SetError('forbiddenMailFrom', `the account may not send from ${email}`)
}

/** Returns an envelope as the lab delivers it. @throws SetError for recipients that SMTP would refuse, too */
export async function outgoingEnvelope(call: MethodCall, { mailFrom, rcptTo }: Envelope): Promise<OutgoingEnvelope> {
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
export function countMessage({ context, account }: MethodCall): void {
  const { messages: count, per: perMs } = context.config.limits.rate ?? {}
  if (count === undefined || perMs === undefined) return
  if (!context.rates.take(`${context.name}\nmessages\n${account.account.user}`, { count, perMs }))
    throw new SetError('rateLimit', `the limit is ${count} messages in ${perMs / 1000} seconds; try again later`)
}

type Entry = readonly [id: string, one: Submission]

const isOneOf =
  (name: 'identityId' | 'emailId' | 'threadId') =>
  (value: unknown): ((entry: Entry) => boolean) => {
    if (!isStrings(value)) throw unsupportedFilter(`${name}s is not a list of ids`)
    return ([, one]) => value.includes(one[name])
  }
function timeIn(value: unknown): number {
  const at = isString(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw unsupportedFilter('before and after are dates')
  return at
}

/** RFC 8621 section 7.3. */
const FILTERS: Filters<Entry> = {
  identityIds: isOneOf('identityId'),
  emailIds: isOneOf('emailId'),
  threadIds: isOneOf('threadId'),
  undoStatus:
    (value) =>
    ([, one]) =>
      one.undoStatus === value,
  before(value) {
    const at = timeIn(value)
    return ([, { sendAt }]) => sendAt < at
  },
  after(value) {
    const at = timeIn(value)
    return ([, { sendAt }]) => sendAt >= at
  },
}

/** RFC 8621 section 7.3 names the date `sentAt`. */
const SORTS: Sorts<Entry> = {
  emailId: ([, { emailId }]) => emailId,
  threadId: ([, { threadId }]) => threadId,
  sentAt: ([, { sendAt }]) => sendAt,
  sendAt: ([, { sendAt }]) => sendAt,
}
