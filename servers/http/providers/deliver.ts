import { randomUUID } from 'node:crypto'
import { bounceEvent, type OnDemand } from '../../../src/core/config/on-demand/parse.ts'
import { refusalOf } from '../../../src/core/config/on-demand/replies.ts'
import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import { providerSource } from '../../../src/core/config/schema/providers.ts'
import { definedOnly } from '../../../src/core/values/defined.ts'
import { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { reportStored } from '../../../src/transport/delivery/reports/on-demand/report-stored.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import { DeliveryError } from '../../../src/transport/delivery/types.ts'
import type { Happening, MailEvent, Origin, SentMail } from './types.ts'

/** A message as the lab delivers it. */
export interface Delivered {
  readonly mail: SentMail
  readonly raw: Buffer
  /** Header lines to put in front of it. */
  readonly trace?: Buffer | undefined
  /** Id of the session that sent it. */
  readonly session?: string | undefined
}

/**
 * Delivers a message, and sends its events to the webhooks. Recipients that the lab refuses become bounces, as at a provider:
 * without events, by mail.
 */
export async function deliver(origin: Origin, { mail, raw, trace, session }: Delivered): Promise<void> {
  const { api, provider, config } = origin
  const { from, at } = mail
  const happened: Happening[] = []
  const attempt = async (recipients: readonly string[]): Promise<void> => {
    try {
      const all = recipients.flatMap((one) => happeningsOf(origin, from, one))
      const to = [...new Set(all.filter(isSent).map(({ recipient }) => recipient))]
      const tags = [config.provider, ...mail.tags]
      const isReportedOtherwise = provider.eventPosts !== undefined
      if (to.length > 0) await api.lab.deliver({ from, to, raw, trace, tags, session, isReportedOtherwise })
      happened.push(...all)
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error
      const [recipient = '', ...others] = recipients
      const { refusal } = error
      // One recipient that refuses mail keeps the others from it. A provider sends to each alone.
      if (others.length > 0) for (const one of recipients) await attempt([one])
      else if (provider.eventPosts) happened.push({ type: bounceEvent(refusal), recipient, reply: refusal })
      else {
        const stored = { message: [raw], mailFrom: from, rcptTo: [recipient], session, arrivedAt: at }
        await reportStored(api.lab.services, stored, { kind: 'bounce', action: 'failed', refusal, delayMs: 0 }, at)
      }
    }
  }
  await attempt([...new Set(mail.recipients)])
  const sentTo = new Set(happened.filter(isSent).map(({ recipient }) => recipient))
  const sent = [...sentTo].map((recipient) => ({ type: 'sent', recipient }) as const)
  await reportEvents(origin, mail, [...sent, ...happened])
}

const isSent = ({ type }: Happening): boolean => type !== 'dropped'

/** Returns a message as its events describe it. */
export function sentMail(raw: Buffer, facts: Omit<SentMail, 'subject' | 'messageId' | 'sizeOctets'>): SentMail {
  const { subject, messageId } = new ReadableMessage(raw)
  return { ...facts, subject, messageId: messageId.trim().replace(/^<|>$/g, ''), sizeOctets: raw.length }
}

/** Returns whether a recipient is on the suppression list. */
export const isSuppressed = ({ config }: Pick<Origin, 'config'>, address: string): boolean =>
  config.suppressed.some((one) => one.toLowerCase() === address.toLowerCase())

/** The events that take the place of `delivered`. */
const INSTEAD: readonly ProviderEvent[] = ['bounced', 'soft-bounced', 'deferred', 'dropped', 'delivered']

/** Returns what mail to a recipient causes, first things first. @throws DeliveryError */
function happeningsOf(origin: Origin, from: string, recipient: string): Happening[] {
  const { testAddresses = [] } = origin.provider
  const test = testAddresses.find(([address]) => address.test(recipient))?.[1]
  const given = isSuppressed(origin, recipient) ? 'dropped' : test
  const { onDemand } = given ? {} : resolveOnDemand(origin.api.lab.services, recipient, from)
  const type = given ?? onDemand?.event ?? 'delivered'
  const asked = { ...(onDemand && happeningOf(onDemand)), type, recipient }
  return INSTEAD.includes(type) ? [asked] : [{ type: 'delivered', recipient }, asked]
}

/** Returns the facts of what a test asks for. */
export const happeningOf = (wanted: OnDemand) =>
  definedOnly({ delayMs: wanted.delayMs, reply: 'refusal' in wanted ? wanted.refusal : undefined })

const REPLIES: Partial<Readonly<Record<ProviderEvent, MailEvent['reply'] | undefined>>> = {
  bounced: refusalOf('5.1.1'),
  'soft-bounced': refusalOf('4.2.2'),
  deferred: refusalOf('4.4.1'),
  dropped: { code: 550, status: '5.1.1', text: 'The recipient is on the suppression list' },
}

/** Sends the events of a message to the webhooks of its provider. Those that are due at the same time go together. */
export async function reportEvents(
  { api, provider, config, virtualServer, base }: Origin,
  mail: SentMail,
  happenings: readonly Happening[],
): Promise<void> {
  if (!provider.eventPosts || !api.webhooks) return
  const source = providerSource(virtualServer, config.provider)
  const now = api.lab.clock.now()
  const reply = { code: 250, status: '2.0.0', text: 'OK' }
  const events = happenings.map(({ delayMs = config.eventDelay, ...one }) => ({
    delayMs,
    event: { id: randomUUID(), at: now + delayMs, reply: REPLIES[one.type] ?? reply, ...one, mail },
  }))
  const delays = [...new Set(events.map(({ delayMs }) => delayMs))].sort((a, b) => a - b)
  for (const hook of config.webhooks) {
    for (const delayMs of delays) {
      const due = events.flatMap((one) => (one.delayMs === delayMs ? [one.event] : []))
      const wanted = due.filter(({ type }) => hook.events.includes(type))
      const ordered = hook.faults.includes('wrong-order') ? wanted.reverse() : wanted
      const posts = ordered.length === 0 ? [] : await provider.eventPosts(ordered, { api, hook, base })
      for (const post of posts) {
        const copies = hook.faults.includes('duplicates') ? 2 : 1
        for (let copy = 0; copy < copies; copy++) await api.webhooks.post(hook.url, { ...post, source, delayMs })
      }
    }
  }
}
