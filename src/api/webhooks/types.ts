import type { WebhookConfig } from '../../config/schema.ts'
import type { Condition } from '../messages/search.ts'
import type { Delivery } from './queue.ts'

/** A webhook of the configuration. */
export interface Webhook {
  readonly config: WebhookConfig
  readonly key: Buffer
  readonly conditions: readonly Condition[]
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
