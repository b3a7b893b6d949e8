import { headerOf, matchesFilters, matchesRecipient } from '../outgoing/filters.ts'
import type { Delivery, DeliveryServices } from './types.ts'

/** Returns the function that names the folder of captured mail for a recipient of a message. */
export function capturedFolders(
  { captured }: Pick<DeliveryServices, 'captured'>,
  { mailFrom, account, client, message }: Delivery,
): (address: string, domain: string) => string {
  const { folder, mailboxes = [] } = captured ?? {}
  if (mailboxes.length === 0) return (_, domain) => folder ?? domain
  const filtered = { mailFrom, account, client, header: headerOf(message) }
  const matching = mailboxes.filter(({ filters }) => matchesFilters(filters, filtered))
  return (address, domain) =>
    matching.find(({ filters }) => matchesRecipient(filters, address))?.name ?? folder ?? domain
}
