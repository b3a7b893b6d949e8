import { splitAddress } from '../../src/directory/names.ts'
import type { Account } from '../../src/directory/types.ts'
import type { ServerContext } from '../service.ts'
import { SmtpError } from './errors.ts'

/** Where mail for one address goes. */
export type Destination =
  | { readonly kind: 'mailbox'; readonly account: Account }
  | { readonly kind: 'newsgroup'; readonly name: string }
  | { readonly kind: 'captured' }

/**
 * Where mail for an address goes: a newsgroup, an account's mailbox, or, for other domains, the lab's own keeping
 * (`relay: capture`). The one place that decides it. @throws SmtpError where nobody takes it
 */
export function resolveRecipient({ config, directory, news }: ServerContext, address: string): Destination {
  const newsgroup = news?.groupOf(address)
  if (newsgroup !== undefined) return { kind: 'newsgroup', name: newsgroup }
  const { localPart, domain } = splitAddress(address)
  const isLocal = domain === '' || directory.isLocalDomain(domain)
  const account = directory.findByAddress(domain === '' ? `${localPart}@${directory.domain}` : address)
  if (account) return { kind: 'mailbox', account }
  // Mail for the postmaster is always taken. RFC 5321 section 4.5.1
  if (isLocal && localPart.toLowerCase() === 'postmaster') return { kind: 'captured' }
  if (isLocal) throw new SmtpError(550, '5.1.1', `No mailbox here by the name ${address}`)
  if (config.relay === 'deny') throw new SmtpError(550, '5.7.1', `Unable to relay for ${address}`)
  return { kind: 'captured' }
}
