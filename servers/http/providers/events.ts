import { randomUUID } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import { type ProviderConfig, providerSource } from '../../../src/core/config/schema/providers.ts'
import type { MailEvent, Provider, SentMail } from './types.ts'

/** Something that happens to a message. */
export interface Happening {
  readonly type: ProviderEvent
  readonly recipient: string
  readonly reply?: MailEvent['reply']
  /** Default: `eventDelay` of the provider. */
  readonly delayMs?: number
}

/** The sender of events. */
interface EventSource {
  readonly provider: Provider
  readonly config: ProviderConfig
  /** The name of the virtual server. */
  readonly virtualServer: string
}

const DELIVERED = { code: 250, status: '2.0.0', text: 'OK' }
const REPLIES: Partial<Readonly<Record<ProviderEvent, MailEvent['reply']>>> = {
  bounced: { code: 550, status: '5.1.1', text: 'No such user here' },
  'soft-bounced': { code: 452, status: '4.2.2', text: 'The mailbox is full' },
  deferred: { code: 451, status: '4.4.1', text: 'The host does not answer' },
  dropped: { code: 550, status: '5.1.1', text: 'The recipient is on the suppression list' },
}

/** Sends the events of a message to the webhooks of its provider. Those that are due at the same time go together. */
export async function reportEvents(
  api: Api,
  { provider, config, virtualServer }: EventSource,
  mail: SentMail,
  happenings: readonly Happening[],
  base: string,
): Promise<void> {
  if (!provider.events || !api.webhooks || config.webhooks.length === 0) return
  const source = providerSource(virtualServer, config.provider)
  const now = api.lab.clock.now()
  const byDelay = new Map<number, MailEvent[]>()
  for (const { type, recipient, reply, delayMs = config.eventDelay } of happenings) {
    const event = {
      id: randomUUID(),
      type,
      recipient,
      at: now + delayMs,
      reply: reply ?? REPLIES[type] ?? DELIVERED,
      mail,
    }
    byDelay.set(delayMs, [...(byDelay.get(delayMs) ?? []), event])
  }
  for (const hook of config.webhooks) {
    const groups = [...byDelay].sort(([a], [b]) => a - b)
    for (const [delayMs, all] of groups) {
      const wanted = all.filter(({ type }) => hook.events.includes(type))
      const ordered = hook.faults.includes('wrong-order') ? wanted.reverse() : wanted
      const posts = ordered.length === 0 ? [] : await provider.events.posts(ordered, { api, hook, base })
      for (const post of posts) {
        const copies = hook.faults.includes('duplicates') ? 2 : 1
        for (let copy = 0; copy < copies; copy++) await api.webhooks.post(hook.url, { ...post, source, delayMs })
      }
    }
  }
}
