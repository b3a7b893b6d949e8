import type { WebhookConfig } from '../../config/schema.ts'
import type { Api } from '../api.ts'
import type { LabEvent } from '../events/event-log.ts'
import type { Condition } from '../messages/search.ts'
import type { Delivery } from './queue.ts'

/** Returns what a webhook sends of an event, in the format of another product; undefined if that sends nothing. */
export type WebhookData = (api: Api, event: LabEvent) => Promise<object | undefined>

/** A webhook of the configuration. */
export interface Webhook {
  readonly config: WebhookConfig
  readonly key: Buffer
  readonly conditions: readonly Condition[]
  /** Absent: Standard Webhooks. */
  readonly data?: WebhookData | undefined
  /** The roots that `authority` names, in PEM. Undefined: those of the lab and of the system. */
  readonly roots: readonly string[] | undefined
}

/** What sends events to webhooks. */
export interface WebhookSender extends AsyncDisposable {
  readonly hooks: readonly Webhook[]
  /** Returns the deliveries, the newest first. */
  deliveries(): Delivery[]
  /** Uses other webhooks, after a reload. Deliveries to URLs that are no longer listed are given up. */
  use(hooks: readonly Webhook[]): void
  /** Forgets every delivery, after all messages were deleted. */
  reset(): Promise<void>
}
