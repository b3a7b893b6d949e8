import type { Api } from '../../../src/api/api.ts'
import type { ReportProviderEvent } from '../../../src/api/webhooks/types.ts'
import { sentByOf } from '../../../src/mail/format/sent-by.ts'
import type { DeliveryEnvelope } from '../../../src/storage/store/delivery-envelope.ts'
import { deliver, happeningOf, reportEvents, sentMail } from './deliver.ts'
import { adapters } from './providers.ts'
import type { SentMail } from './types.ts'

type Stored = Pick<SentMail, 'raw' | 'from' | 'recipients' | 'at' | 'session'>

/** Returns a message that was sent before, and its provider; undefined for mail that no provider of the lab has sent. */
async function sentBefore(api: Api, stored: Stored) {
  const { by, details } = sentByOf(stored.raw) ?? {}
  const server = api.lab.config.virtualServers.find(({ name }) => name === details?.virtualServer)
  const config = server?.providers.find(({ provider }) => provider === by?.provider)
  if (!by || !details || !config) return undefined
  const provider = await adapters[config.provider]()
  return { origin: { api, provider, config, ...details }, mail: sentMail({ ...by, ...details, ...stored }) }
}

/** Delivers a message whose time has come. @throws Error if the configuration no longer has the API */
export async function deliverScheduled(api: Api, raw: Buffer, envelope: DeliveryEnvelope): Promise<void> {
  const { mailFrom: from = '', rcptTo: recipients = [], session } = envelope
  const found = await sentBefore(api, { raw, from, recipients, at: api.lab.clock.now(), session })
  if (!found) throw new Error('the configuration no longer has the API by which the message was scheduled')
  await deliver(found.origin, found.mail)
}

/** Reports an event of a message that was sent before. */
export async function reportProviderEvent(api: Api, ...[stored, wanted]: Parameters<ReportProviderEvent>) {
  const { event: type, delayMs = 0 } = wanted
  const found = await sentBefore(api, stored)
  if (!found?.origin.provider.eventPosts || !type) return false
  const all = stored.recipients.map((recipient) => ({ ...happeningOf(wanted), delayMs, type, recipient }))
  await reportEvents(found.origin, found.mail, all)
  return true
}
