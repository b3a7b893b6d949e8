import type { WebhookData } from '../src/api/webhooks/types.ts'
import type { WebhookConfig } from '../src/config/schema.ts'
import { mailpitWebhook } from './http/mailpit/webhook.ts'

/** What webhooks send in the format of another product. */
export const webhookData: Readonly<Record<Exclude<WebhookConfig['format'], 'standard'>, WebhookData>> = {
  mailpit: mailpitWebhook,
}
