import type { Directory } from '../directory/types.ts'
import type { NewsService } from '../news/news-service.ts'
import { openInbox } from '../store/mailboxes.ts'
import { accountOwner, CAPTURED_OWNER, type MessageStore } from '../store/types.ts'

/** A message that comes from the lab itself: to a moderator, or from test code. */
export interface LocalMail {
  readonly from: string
  /** Addresses, or log-on names. */
  readonly to: readonly string[]
  readonly raw: Buffer
}

/** Where such mail goes. */
export interface MailSite {
  readonly store: MessageStore
  readonly directory: Directory
  /** Takes mail for the addresses of newsgroups; absent: they are none. */
  readonly newsService?: NewsService
}

/**
 * Puts a message into mailboxes and newsgroups without SMTP; mail for other domains is captured. Resolves once the store
 * has it.
 * @throws when a local recipient does not exist, or a newsgroup refuses it: then nobody gets it
 */
export async function deliverLocally({ store, directory, newsService }: MailSite, mail: LocalMail): Promise<void> {
  const rcptTo = mail.to.map((name) => (name.includes('@') ? name : `${name}@${directory.domain}`))
  const groups = rcptTo.map((address) => newsService?.groupOf(address))
  const owners = new Set(mail.to.filter((_, i) => groups[i] === undefined).map((name) => ownerOf(directory, name)))
  const targets = []
  for (const owner of owners) targets.push({ folderId: (await openInbox(store, owner)).id })
  const newsgroups = [...new Set(groups)].filter((group) => group !== undefined)
  if (newsService && newsgroups.length > 0)
    await newsService.postMail(newsgroups, mail.raw, { host: newsService.hostname })
  if (targets.length > 0) await store.append([{ raw: mail.raw, targets, envelope: { mailFrom: mail.from, rcptTo } }])
}

function ownerOf(directory: Directory, recipient: string) {
  const account = recipient.includes('@') ? directory.findByAddress(recipient) : directory.find(recipient)
  if (account) return accountOwner(account.user)
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
  if (recipient.includes('@') && !directory.isLocalDomain(domain)) return CAPTURED_OWNER
  throw new Error(`no account "${recipient}" in the lab's directory`)
}
