import { splitAddress } from '../../../src/accounts/directory/names.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import type { OnDemand } from '../../../src/core/config/on-demand/parse.ts'
import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import { providerTitles } from '../../../src/core/config/schema/providers.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { compose } from '../../../src/mail/format/compose.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { sentByLines } from '../../../src/mail/format/sent-by.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import { crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { reportStored } from '../../../src/transport/delivery/reports/on-demand/report-stored.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import { DeliveryError } from '../../../src/transport/delivery/types.ts'
import { type Happening, reportEvents } from './events.ts'
import { type OutgoingMail, type ProviderCall, ProviderError, type SentMail } from './types.ts'
import { assertAddress } from './values.ts'

const DAY_MS = 86_400_000

/** Counts messages against the limits of the virtual server and of the provider. @throws ProviderError `rate-limit`, `quota` */
export function countMessages({ context, config, key }: ProviderCall, count: number): void {
  const { rates, name, config: server } = context
  const { messages, per } = server.limits.rate ?? {}
  const source = `${name}\n${config.provider}\n${key}`
  for (let at = 0; at < count; at++) {
    if (messages !== undefined && per !== undefined && !rates.take(`${source}\nrate`, { count: messages, perMs: per }))
      throw new ProviderError('rate-limit', `Too many requests: the limit is ${messages} in ${per / 1000} seconds`)
    if (config.quota !== undefined && !rates.take(`${source}\nquota`, { count: config.quota, perMs: DAY_MS }))
      throw new ProviderError('quota', `Daily message quota exceeded: the limit is ${config.quota} in 24 hours`)
  }
}

/** @throws ProviderError `unverified-sender` */
export function assertVerified({ config: { senders } }: Pick<ProviderCall, 'config'>, from: string): void {
  const { domain } = splitAddress(from)
  const known = senders?.map((one) => one.toLowerCase().replace(/^@/, '')) ?? []
  if (senders === undefined || known.includes(from.toLowerCase()) || known.includes(domain.toLowerCase())) return
  throw new ProviderError('unverified-sender', from)
}

/** Returns whether a recipient is on the suppression list. */
export const isSuppressed = ({ config: { suppressed } }: Pick<ProviderCall, 'config'>, address: string): boolean =>
  suppressed.some((one) => one.toLowerCase() === address.toLowerCase())

/**
 * Sends messages: all are checked before the first is delivered. Recipients that the lab cannot deliver to become events,
 * as at a provider. Returns the messages in their order.
 * @throws ProviderError
 */
export async function send(call: ProviderCall, mails: readonly OutgoingMail[]): Promise<SentMail[]> {
  for (const mail of mails) assertMail(call, mail)
  countMessages(call, mails.length)
  const written = await Promise.all(mails.map((mail) => write(call, mail)))
  for (const { raw } of written) {
    const { messageSize } = call.context.config.limits
    if (raw.length > messageSize)
      throw new ProviderError('too-large', `the message has ${raw.length} octets, and the limit is ${messageSize}`)
  }
  for (const one of written) await deliver(call, one)
  return written.map(({ sent }) => sent)
}

function assertMail(call: ProviderCall, { from, recipients, verifiedAs = from }: OutgoingMail): void {
  const { context, tenant } = call
  assertAddress(from, 'from')
  assertVerified(call, verifiedAs)
  const limit = context.config.limits.recipients
  if (recipients.length === 0) throw new ProviderError('invalid', 'the message has no recipient', 'to')
  if (recipients.length > limit) throw new ProviderError('invalid', `the limit is ${limit} recipients`, 'to')
  for (const one of recipients) {
    assertAddress(one, 'to')
    if (tenant !== undefined && !tenant.ownsAccount(call.api.lab.directory.findByAddress(one)?.user ?? ''))
      throw new ProviderError('invalid', `${one} is not an account of the tenant ${tenant.name}`, 'to')
  }
}

interface Written {
  readonly mail: OutgoingMail
  readonly raw: Buffer
  readonly trace: Buffer
  readonly sent: SentMail
}

async function write(call: ProviderCall, mail: OutgoingMail): Promise<Written> {
  const { content, id } = mail
  const at = call.context.clock.now()
  const ownId = call.provider.messageIdOf?.(id) ?? `${id}@${call.config.provider}.lab`
  const given = Buffer.isBuffer(content) ? await runInSlices(crlfSteps(content)) : await composed(content, ownId, at)
  const fields = headerFields(given)
  const lines = [
    ...(headerValue(given, fields, 'message-id') === undefined ? [`Message-ID: <${ownId}>`] : []),
    ...(headerValue(given, fields, 'date') === undefined ? [`Date: ${formatDate(at)}`] : []),
  ]
  const raw = lines.length > 0 ? Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n`), given]) : given
  const sent: SentMail = {
    id,
    from: mail.from,
    recipients: mail.recipients,
    subject: decodeWords(headerValue(given, fields, 'subject') ?? ''),
    messageId: (headerValue(given, fields, 'message-id') ?? ownId).trim().replace(/^<|>$/g, ''),
    at,
    sizeOctets: raw.length,
    tags: mail.tags ?? [],
    arguments: mail.arguments ?? {},
    details: mail.details ?? {},
  }
  const { provider } = call.config
  const by = { provider, name: providerTitles[provider], key: call.key, ...sent }
  const details = { virtualServer: call.context.name, base: baseOf(call), details: sent.details }
  return { mail, raw, trace: sentByLines(by, details), sent }
}

async function composed(draft: Exclude<OutgoingMail['content'], Buffer>, id: string, at: number): Promise<Buffer> {
  try {
    const given = Object.keys(draft.headers ?? {}).some((name) => name.toLowerCase() === 'message-id')
    return await compose(given ? draft : { ...draft, headers: { 'Message-ID': `<${id}>`, ...draft.headers } }, at)
  } catch (error) {
    if (error instanceof TypeError) throw new ProviderError('invalid', error.message, 'headers')
    throw error
  }
}

/** A recipient, and the reason why it gets no mail. */
interface Outcome extends Happening {
  readonly isDelivered: boolean
}

async function deliver(call: ProviderCall, { mail, raw, trace, sent }: Written): Promise<void> {
  const outcomes = mail.recipients.flatMap((address) => outcomesOf(call, mail.from, address))
  const mailOf = (to: readonly string[]) =>
    call.api.lab.deliver({
      from: mail.from,
      to,
      raw,
      trace,
      tags: [call.config.provider, ...sent.tags],
      session: call.c.get('connection').record.id,
      isReportedOtherwise: call.provider.events !== undefined,
    })
  const to = [...new Set(outcomes.flatMap(({ isDelivered, recipient }) => (isDelivered ? [recipient] : [])))]
  const failed = new Map<string, Happening>()
  const attempt = async (all: readonly string[]): Promise<void> => {
    try {
      await mailOf(all)
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error
      const [only, ...others] = all
      if (others.length === 0) failed.set(only as string, happeningOf(only as string, error))
      // One recipient that refuses mail keeps the others from it. A provider sends to each alone.
      else for (const one of all) await attempt([one])
    }
  }
  if (to.length > 0) await attempt(to)
  const happened = outcomes.map((one) => failed.get(one.recipient) ?? one)
  if (!call.provider.events) {
    const undelivered = outcomes.flatMap((one) => failed.get(one.recipient) ?? (one.isDelivered ? [] : [one]))
    return bounce(call, mail.from, raw, undelivered)
  }
  const sentTo = [...new Set(happened.flatMap(({ type, recipient }) => (type === 'dropped' ? [] : [recipient])))]
  const all = [...sentTo.map((recipient): Happening => ({ type: 'sent', recipient })), ...happened]
  await reportEvents(call.api, { ...call, virtualServer: call.context.name }, sent, all, baseOf(call))
}

/** Sends the bounces of a host that has no events. */
async function bounce(
  { api, c }: ProviderCall,
  mailFrom: string,
  raw: Buffer,
  all: readonly Happening[],
): Promise<void> {
  const at = api.lab.clock.now()
  const mail = { message: [raw], mailFrom, session: c.get('connection').record.id, arrivedAt: at }
  for (const { recipient, reply: refusal } of all) {
    if (!refusal) continue
    const wanted = { kind: 'bounce', action: 'failed', refusal, delayMs: 0 } as const
    await reportStored(api.lab.services, { ...mail, rcptTo: [recipient] }, wanted, at)
  }
}

/** Returns what mail to a recipient causes, first things first. */
function outcomesOf(call: ProviderCall, from: string, recipient: string): Outcome[] {
  const test = call.provider.testAddresses?.find(([address]) => address.test(recipient))?.[1]
  const type = isSuppressed(call, recipient) ? 'dropped' : test
  const isLost = type === 'dropped' || type === 'bounced' || type === 'soft-bounced'
  if (type !== undefined) {
    const delivered: Outcome[] =
      isLost || type === 'delivered' ? [] : [{ type: 'delivered', recipient, isDelivered: true }]
    return [...delivered, { type, recipient, isDelivered: !isLost }]
  }
  try {
    const { onDemand } = resolveOnDemand(call.api.lab.services, recipient, from)
    const wanted = onDemand ? eventOf(onDemand) : undefined
    if (!wanted) return [{ type: 'delivered', recipient, isDelivered: true }]
    const asked: Outcome = { ...wanted, recipient, isDelivered: true }
    return isLostAs(wanted.type) ? [asked] : [{ type: 'delivered', recipient, isDelivered: true }, asked]
  } catch (error) {
    if (error instanceof DeliveryError) return [{ ...happeningOf(recipient, error), isDelivered: false }]
    throw error
  }
}

/** Returns whether an event takes the place of `delivered`. */
const isLostAs = (type: ProviderEvent): boolean =>
  ['bounced', 'soft-bounced', 'deferred', 'dropped', 'delivered'].includes(type)

/** Returns the event that a test asks for; undefined for an automatic reply. */
export function eventOf(wanted: OnDemand): Omit<Happening, 'recipient'> | undefined {
  const { kind, delayMs } = wanted
  const delay = delayMs === undefined ? {} : { delayMs }
  if (kind === 'event') return { type: wanted.event, ...delay }
  if (kind === 'complaint') return { type: 'complained', ...delay }
  if (kind === 'vacation') return undefined
  const reply = wanted.refusal
  if (kind === 'bounce' && wanted.action === 'delayed') return { type: 'deferred', reply, ...delay }
  if (kind === 'bounce' && wanted.action !== 'failed') return { type: 'delivered', ...delay }
  return { type: reply.code < 500 ? 'soft-bounced' : 'bounced', reply, ...delay }
}

/** Returns the bounce for mail that the lab refuses. */
function happeningOf(recipient: string, { reason, message, reply }: DeliveryError): Happening {
  const isSoft = ['mailbox-full', 'over-quota', 'article-deferred'].includes(reason)
  const { code, status } = reply ?? (isSoft ? { code: 452, status: '4.2.2' } : { code: 550, status: '5.1.1' })
  return { type: code < 500 ? 'soft-bounced' : 'bounced', recipient, reply: { code, status, text: message } }
}

/** Returns the URL at which the application has the provider: its host, or the lab's own with the prefix. */
function baseOf({ c, path }: ProviderCall): string {
  const { origin, pathname } = new URL(c.req.url)
  return `${origin}${pathname.endsWith(path) ? pathname.slice(0, pathname.length - path.length) : ''}`
}

/** Returns the error for a problem of the lab itself; undefined for one that every client gets in the same form. */
export function errorOfProblem(error: unknown): ProviderError | undefined {
  if (error instanceof ProviderError) return error
  if (!(error instanceof ApiProblem)) return undefined
  if (error.problem === 'too-large') return new ProviderError('too-large', error.message)
  if (error.status === 400 || error.status === 422) return new ProviderError('invalid', error.message)
  return error.status === 503 ? new ProviderError('unavailable', error.message) : undefined
}
