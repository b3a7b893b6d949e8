import type { Api } from '../src/api/api.ts'
import type { ReportProviderEvent } from '../src/api/webhooks/types.ts'
import type { WebhookFormats } from '../src/api/webhooks/webhooks.ts'
import type { ServerProtocol } from '../src/core/config/schema.ts'
import type { DeliveryEnvelope } from '../src/storage/store/delivery-envelope.ts'
import type { MessageStore } from '../src/storage/store/types.ts'
import type { QueueEvent } from '../src/transport/outgoing/types.ts'
import type { ProtocolService } from './service.ts'

/** Loads the service of each protocol. A lab loads only those that it serves. */
const loaders: Readonly<Record<ServerProtocol, () => Promise<ProtocolService>>> = {
  smtp: async () => (await import('./smtp/session.ts')).smtp,
  lmtp: async () => (await import('./smtp/session.ts')).lmtp,
  pop3: async () => (await import('./pop3/session.ts')).pop3,
  imap4: async () => (await import('./imap4/session.ts')).imap4,
  nntp: async () => (await import('./nntp/session.ts')).nntp,
  managesieve: async () => (await import('./managesieve/session.ts')).managesieve,
  http: async () => (await import('./http/session.ts')).http,
}

/** Returns the service of a protocol. */
export const serviceOf = (protocol: ServerProtocol): Promise<ProtocolService> => loaders[protocol]()

/** Returns the function that reports events to the webhooks of the provider by whose API a message was sent. */
export const providerReporter =
  (api: Api): ReportProviderEvent =>
  async (...facts) =>
    (await import('./http/providers/later.ts')).reportProviderEvent(api, ...facts)

/** Returns the function that delivers messages that JMAP and the APIs of providers have scheduled. */
export const scheduledDelivery =
  (api: Api) =>
  async (message: Buffer, envelope: DeliveryEnvelope): Promise<void> =>
    envelope.outgoing?.submission
      ? (await import('./http/jmap/submit.ts')).deliverLater(api, message, envelope)
      : (await import('./http/providers/later.ts')).deliverScheduled(api, message, envelope)

/** Records an event of the queue at the submission of JMAP by which the message was sent. */
export const recordSubmission = async (store: MessageStore, event: QueueEvent): Promise<void> =>
  (await import('./http/jmap/submit.ts')).recordResults(store, event)

/** Loads the formats of other products in which webhooks can send. */
export const webhookFormats = async (): Promise<WebhookFormats> => ({
  mailpit: (await import('./http/mailpit/shapes.ts')).mailpitWebhook,
})
