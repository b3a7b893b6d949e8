import type { WebhookConfig } from '../../core/config/schema.ts'
import type { Delivery } from './queue.ts'

/** The webhooks of the configuration, as the operations use them. */
export interface WebhookSender extends AsyncDisposable {
  readonly hooks: readonly { readonly config: WebhookConfig }[]
  /** Returns the deliveries, the newest first. */
  deliveries(): Delivery[]
  /** Forgets every delivery, after all messages were deleted. */
  reset(): Promise<void>
}
