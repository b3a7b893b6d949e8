import { splitAddress } from '../../accounts/directory/names.ts'
import { DeliveryError, type DeliveryServices, type Destination, type Recipient, type Relaying } from './types.ts'

/**
 * Decides where mail for an address goes: to a newsgroup, to an account's mailbox, or to the lab's own mailboxes, for other
 * domains (`relay: capture`) and for unknown accounts (`directory.unknown: capture`). `postmaster` may come without a domain.
 * @throws DeliveryError `no-mailbox`, `relay-denied`
 */
export function resolveRecipient(
  { directory, news }: Pick<DeliveryServices, 'directory' | 'news'>,
  address: string,
  relay: Relaying = 'capture',
): Destination {
  const newsgroup = news?.groupOf(address)
  if (newsgroup !== undefined) return { kind: 'newsgroup', name: newsgroup }
  const { localPart, domain } = splitAddress(address)
  const isLocal = domain === '' || directory.isLocalDomain(domain)
  const account = directory.findByAddress(domain === '' ? `${localPart}@${directory.domain}` : address)
  if (account) return { kind: 'mailbox', account }
  const captured = { kind: 'captured', domain: (domain || directory.domain).toLowerCase() } as const
  // Mail for the postmaster is always accepted. RFC 5321 section 4.5.1
  if (isLocal && (directory.unknown === 'capture' || localPart.toLowerCase() === 'postmaster')) return captured
  if (isLocal) throw new DeliveryError('no-mailbox', `No mailbox for ${address}`)
  if (relay === 'deny') throw new DeliveryError('relay-denied', `Unable to relay for ${address}`)
  return captured
}

/**
 * Resolves a recipient given as a log-on name, as test code does. A log-on name stands for the account's
 * mailbox even if `name@domain` is not one of its addresses.
 * @throws DeliveryError
 */
export function resolveNamed(services: DeliveryServices, name: string): Recipient {
  const address = `${name}@${services.directory.domain}`
  const account = services.news?.groupOf(address) === undefined ? services.directory.find(name) : undefined
  return { address, destination: account ? { kind: 'mailbox', account } : resolveRecipient(services, address) }
}
