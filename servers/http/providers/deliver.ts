import { randomUUID } from 'node:crypto'
import { bounceEvent, type OnDemand } from '../../../src/core/config/on-demand/parse.ts'
import { refusalOf } from '../../../src/core/config/on-demand/replies.ts'
import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import { providerSource } from '../../../src/core/config/schema/providers.ts'
import { omitUndefined } from '../../../src/core/values/omit-undefined.ts'
import { ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { ScheduledFacts } from '../../../src/storage/store/delivery-envelope.ts'
import { deliverToEach } from '../../../src/transport/delivery/local-mail.ts'
import { reportStored } from '../../../src/transport/delivery/reports/on-demand/report-stored.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import type { QueueEntry } from '../../../src/transport/outgoing/types.ts'
import type { MailEvent, Origin, ProviderCall, SentMail } from './types.ts'

/** Something that happens to a message. Default: the usual reply for the event, after the `eventDelay` of the provider. */
type Happening = Pick<MailEvent, 'type' | 'recipient'> & Partial<Pick<MailEvent, 'reply'>> & Pick<OnDemand, 'delayMs'>

/**
 * Delivers a message, and sends its events to the webhooks. Recipients that the lab refuses become bounces, as at a provider:
 * without events, by mail.
 * @param trace header lines to put in front of it
 */
export async function deliver(origin: Origin, mail: SentMail, trace?: Buffer): Promise<void> {
  const { api, provider, config } = origin
  const { from, at, raw, session } = mail
  const happened: Happening[] = []
  const blobs = new Set<string>()
  const attempt = async (recipients: readonly string[]): Promise<void> => {
    const all = recipients.flatMap((one) => happeningsOf(origin, from, one))
    const to = [...new Set(all.filter(isSent).map(({ recipient }) => recipient))]
    const tags = [config.provider, ...mail.tags]
    const isReportedOtherwise = provider.eventPosts !== undefined
    const local = { from, to, raw, trace, tags, session, isReportedOtherwise }
    for (const { entry } of to.length > 0 ? await api.lab.deliver(local) : []) blobs.add(entry.blob)
    happened.push(...all)
  }
  await deliverToEach([...new Set(mail.recipients)], attempt, async (recipient, refusal) => {
    if (provider.eventPosts) return happened.push({ type: bounceEvent(refusal), recipient, reply: refusal })
    const stored = { message: [raw], mailFrom: from, rcptTo: [recipient], session, arrivedAt: at }
    return reportStored(api.lab.services, stored, { kind: 'bounce', action: 'failed', refusal, delayMs: 0 }, at)
  })
  const sentTo = new Set(happened.filter(isSent).map(({ recipient }) => recipient))
  const sent = [...sentTo].map((recipient) => ({ type: 'sent', recipient }) as const)
  const all = [...sent, ...happened]
  if (provider.eventPosts && config.webhooks.length > 0)
    for (const blob of blobs)
      for (const { type: text, recipient } of all)
        api.lab.histories.add(blob, { type: 'reported', text, recipients: [recipient], session })
  await reportEvents(origin, mail, all)
}

const isSent = ({ type }: Happening): boolean => type !== 'dropped'

/** Lets the queue of the lab deliver a message later. @throws StoreError */
export async function schedule(
  origin: Origin,
  { from, recipients, subject, raw, session }: Pick<SentMail, 'from' | 'recipients' | 'subject' | 'raw' | 'session'>,
  scheduled: ScheduledFacts,
): Promise<void> {
  const to = recipients.map((address) => ({ address }))
  const outgoing = { connector: 'Scheduled mail', destination: sourceOf(origin), recipients: to, subject, scheduled }
  const target = { mailFrom: from, rcptTo: recipients, outgoing, ...(session && { session }) }
  await origin.api.outgoing.queue.append(raw, [target])
}

/** Returns the scheduled messages of a provider, or of a tenant: all, or those with an id or in a batch. */
export const scheduledMail = (call: ProviderCall, id?: string): QueueEntry[] =>
  call.api.outgoing.queue.list().filter(({ destination, scheduled, recipients }) => {
    const isOwn =
      scheduled && destination === sourceOf(call) && recipients.every(({ address }) => reaches(call, address))
    return isOwn && (id === undefined || scheduled.ids.includes(id))
  })

/** Returns whether a request may send to an address: below a tenant, only to its accounts. */
export const reaches = ({ api, tenant }: ProviderCall, address: string): boolean =>
  tenant?.ownsAccount(api.lab.directory.findByAddress(address)?.user ?? '') !== false

/** Returns the name of a provider of the lab. */
export const sourceOf = ({ virtualServer, config }: Origin): string => providerSource(virtualServer, config.provider)

/** Returns a message as its events describe it. */
export function sentMail(facts: Omit<SentMail, 'subject' | 'messageId'>): SentMail {
  const { subject, messageId } = new ReadableMessage(facts.raw)
  return { ...facts, subject, messageId: messageId.trim().replace(/^<|>$/g, '') }
}

/** Returns whether a recipient is on the suppression list. */
export const isSuppressed = ({ config }: Pick<Origin, 'config'>, address: string): boolean =>
  config.suppressed.some((one) => one.toLowerCase() === address.toLowerCase())

/** The events that take the place of `delivered`. */
const INSTEAD: readonly ProviderEvent[] = ['bounced', 'soft-bounced', 'deferred', 'dropped', 'delivered']

/** Returns what mail to a recipient causes, first things first. @throws DeliveryError */
function happeningsOf(origin: Origin, from: string, recipient: string): Happening[] {
  const test = origin.provider.testAddresses?.find(([address]) => address.test(recipient))?.[1]
  const given = isSuppressed(origin, recipient) ? 'dropped' : test
  const { onDemand } = given ? {} : resolveOnDemand(origin.api.lab.services, recipient, from)
  const type = given ?? onDemand?.event ?? 'delivered'
  const asked = { ...(onDemand && happeningOf(onDemand)), type, recipient }
  return INSTEAD.includes(type) ? [asked] : [{ type: 'delivered', recipient }, asked]
}

/** Returns the facts of what a test asks for. */
export const happeningOf = (wanted: OnDemand) =>
  omitUndefined({ delayMs: wanted.delayMs, reply: 'refusal' in wanted ? wanted.refusal : undefined })

const REPLIES: Partial<Readonly<Record<ProviderEvent, MailEvent['reply'] | undefined>>> = {
  bounced: refusalOf('5.1.1'),
  'soft-bounced': refusalOf('4.2.2'),
  deferred: refusalOf('4.4.1'),
  dropped: { code: 550, status: '5.1.1', text: 'The recipient is on the suppression list' },
}
const ACCEPTED = { code: 250, status: '2.0.0', text: 'OK' }

/** Sends the events of a message to the webhooks of its provider. Those that are due at the same time go together. */
export async function reportEvents(origin: Origin, mail: SentMail, happenings: readonly Happening[]): Promise<void> {
  const { api, provider, config, base } = origin
  if (!provider.eventPosts || !api.webhooks) return
  const now = api.lab.clock.now()
  const delayOf = ({ delayMs = config.eventDelay }: Happening): number => delayMs
  for (const delayMs of [...new Set(happenings.map(delayOf))].sort((a, b) => a - b)) {
    const due = happenings.filter((one) => delayOf(one) === delayMs)
    const at = now + delayMs
    const events = due.map((one) => ({ id: randomUUID(), at, reply: REPLIES[one.type] ?? ACCEPTED, ...one, mail }))
    for (const hook of config.webhooks) {
      const wanted = events.filter(({ type }) => hook.events.includes(type))
      if (hook.faults.includes('wrong-order')) wanted.reverse()
      const posts = wanted.length === 0 ? [] : await provider.eventPosts(wanted, { api, hook, base })
      for (const post of hook.faults.includes('duplicates') ? posts.flatMap((one) => [one, one]) : posts)
        await api.webhooks.post(hook.url, { ...post, source: sourceOf(origin), delayMs })
    }
  }
}
