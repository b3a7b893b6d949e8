import type { Api } from '../../../src/api/api.ts'
import type { ReportProviderEvent } from '../../../src/api/webhooks/types.ts'
import { sentByOf } from '../../../src/mail/format/sent-by.ts'
import type { DeliveryEnvelope } from '../../../src/storage/store/types.ts'
import { deliver, happeningOf, reportEvents, sentMail } from './deliver.ts'
import { providerNamed } from './providers.ts'
import type { SentMail } from './types.ts'

/** Returns a message that was sent before, and its provider; undefined for mail that no provider of the lab has sent. */
async function sentBefore(api: Api, raw: Buffer, envelope: Pick<SentMail, 'from' | 'recipients' | 'at'>) {
  const found = sentByOf(raw)
  if (!found) return undefined
  const { by, details } = found
  const server = api.lab.config.virtualServers.find(({ name }) => name === details.virtualServer)
  const config = server?.providers.find(({ provider }) => provider === by.provider)
  if (!config) return undefined
  const provider = await providerNamed(config.provider)
  return { origin: { api, provider, config, ...details }, mail: sentMail(raw, { ...by, ...details, ...envelope }) }
}

/** Delivers a message whose time has come. @throws Error if the configuration no longer has the API */
export async function deliverScheduled(
  api: Api,
  raw: Buffer,
  { mailFrom = '', rcptTo = [], session }: DeliveryEnvelope,
) {
  const found = await sentBefore(api, raw, { from: mailFrom, recipients: rcptTo, at: api.lab.clock.now() })
  if (!found) throw new Error('the configuration no longer has the API by which the message was scheduled')
  await deliver(found.origin, { ...found, raw, session })
}

/** Reports an event of a message that was sent before. */
export async function reportProviderEvent(
  api: Api,
  ...[{ raw, from, recipients, at }, wanted]: Parameters<ReportProviderEvent>
): Promise<boolean> {
  const { event: type } = wanted
  const found = await sentBefore(api, raw, { from, recipients, at })
  if (!found?.origin.provider.eventPosts || !type) return false
  const all = recipients.map((recipient) => ({ ...happeningOf(wanted), delayMs: wanted.delayMs ?? 0, type, recipient }))
  await reportEvents(found.origin, found.mail, all)
  return true
}
