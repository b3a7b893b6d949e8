import type { Directory } from '../directory/types.ts'
import { openInbox } from '../store/inbox.ts'
import { accountOwner, CAPTURED_OWNER, type MessageStore } from '../store/types.ts'

/** A message that comes from the lab itself: to a moderator, or from test code. */
export interface LocalMail {
  readonly from: string
  /** Addresses, or log-on names. */
  readonly to: readonly string[]
  readonly raw: Buffer
}

/**
 * Puts a message into mailboxes without SMTP; mail for other domains is captured. Resolves once the store has it.
 * @throws when a local recipient does not exist: then nobody gets it
 */
export async function deliverLocally(store: MessageStore, directory: Directory, mail: LocalMail): Promise<void> {
  const owners = new Set(mail.to.map((recipient) => ownerOf(directory, recipient)))
  const targets = []
  for (const owner of owners) targets.push({ folderId: (await openInbox(store, owner)).id })
  const rcptTo = mail.to.map((name) => (name.includes('@') ? name : `${name}@${directory.domain}`))
  await store.append([{ raw: mail.raw, targets, envelope: { mailFrom: mail.from, rcptTo } }])
}

function ownerOf(directory: Directory, recipient: string) {
  const account = recipient.includes('@') ? directory.findByAddress(recipient) : directory.find(recipient)
  if (account) return accountOwner(account.user)
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
  if (recipient.includes('@') && !directory.isLocalDomain(domain)) return CAPTURED_OWNER
  throw new Error(`no account "${recipient}" in the lab's directory`)
}
