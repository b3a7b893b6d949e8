import type { Api } from '../../../src/api/api.ts'
import type { ReportProviderEvent } from '../../../src/api/webhooks/types.ts'
import { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { sentByOf } from '../../../src/mail/format/sent-by.ts'
import { reportEvents } from './events.ts'
import { eventOf } from './send.ts'
import { providerNamed } from './table.ts'

/** Reports an event of a message that was sent before. */
export async function reportProviderEvent(
  api: Api,
  ...[{ raw, ...envelope }, wanted]: Parameters<ReportProviderEvent>
): Promise<boolean> {
  const found = sentByOf(raw)
  if (!found) return false
  const { by, details } = found
  const server = api.lab.config.virtualServers.find(({ name }) => name === details.virtualServer)
  const config = server?.providers.find(({ provider }) => provider === by.provider)
  const happening = eventOf(wanted)
  if (!config || !happening) return false
  const provider = await providerNamed(config.provider)
  if (!provider.events) return false
  const { subject, messageId } = new ReadableMessage(raw)
  await reportEvents(
    api,
    { provider, config, virtualServer: details.virtualServer },
    { ...by, details: details.details, subject, messageId: messageId.replace(/^<|>$/g, ''), ...envelope },
    envelope.recipients.map((recipient) => ({ delayMs: 0, ...happening, recipient })),
    details.base,
  )
  return true
}
