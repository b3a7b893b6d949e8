import type { Api } from '../../../src/api/api.ts'
import type { Caller } from '../../../src/api/caller.ts'
import type { WebhookData } from '../../../src/api/webhooks/webhooks.ts'
import { mailOf } from '../delivered-mail.ts'
import { mailpitSummary } from './shapes.ts'

const SEES_ALL: Caller = { role: 'administrator', name: 'webhook' }

/** Returns what Mailpit's webhook sends of a message that has arrived. https://mailpit.axllent.org/docs/integration/webhook/ */
export const mailpitWebhook: WebhookData = async (api: Api, { name, message }) => {
  const found = name === 'message.received' && message ? api.index.get(message.id) : undefined
  return found?.entry.envelope ? mailpitSummary(api, mailOf([found], SEES_ALL)) : undefined
}
