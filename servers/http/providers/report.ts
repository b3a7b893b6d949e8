import type { Api } from '../../../src/api/api.ts'
import type { ReportProviderEvent } from '../../../src/api/webhooks/types.ts'
import { reportEvents } from './events.ts'
import { metadataIn } from './metadata.ts'
import { eventOf } from './send.ts'
import { providerNamed } from './table.ts'

/** Reports an event of a message that was sent before. */
export async function reportProviderEvent(
  api: Api,
  ...[{ raw, ...envelope }, wanted]: Parameters<ReportProviderEvent>
): Promise<boolean> {
  const found = metadataIn(raw)
  if (!found) return false
  const server = api.lab.config.virtualServers.find(({ name }) => name === found.virtualServer)
  const config = server?.providers.find(({ provider }) => provider === found.provider)
  const happening = eventOf(wanted)
  const provider = await providerNamed(found.provider)
  if (!config || !happening || !provider.events) return false
  const all = envelope.recipients.map((recipient) => ({ delayMs: 0, ...happening, recipient }))
  await reportEvents(
    api,
    { provider, config, virtualServer: found.virtualServer },
    { ...found.sent, ...envelope },
    all,
    found.base,
  )
  return true
}
