import { joinPieces, type Pieces } from '../common/pieces.ts'
import { runInSlices } from '../common/time-slice.ts'
import type { Account } from '../directory/types.ts'
import { ArticleRefused } from '../news/article.ts'
import { openInbox, removeEmptyMailboxes } from '../store/mailboxes.ts'
import {
  accountOwner,
  CAPTURED_OWNER,
  type MessageStore,
  type NewMessage,
  type Owner,
  StoreError,
} from '../store/types.ts'
import { mayHaveBcc, type StrippedMessage, withoutBcc } from './bcc.ts'
import { resolveNamed } from './resolve.ts'
import { type Delivery, DeliveryError, type DeliverySite, type Recipient } from './types.ts'

/** A message from the lab itself: to a moderator, or from test code. */
export interface LocalMail {
  readonly from: string
  /** Addresses or log-on names. */
  readonly to: readonly string[]
  readonly raw: Buffer
}

/** Delivers a message without SMTP. Resolves once it is stored. @throws DeliveryError, StoreError; no mailbox has it then */
export async function deliverLocalMail(site: DeliverySite, { from, to, raw }: LocalMail): Promise<void> {
  const recipients = to.map((name) => resolveNamed(site, name))
  await deliver(site, { message: [raw], mailFrom: from, recipients })
}

/**
 * Puts a message into each recipient's mailbox, once per mailbox, and posts it to the newsgroups among the recipients.
 * Resolves once the store has it.
 * @throws DeliveryError `article-refused`, `article-deferred`; StoreError
 */
export async function deliver(site: DeliverySite, delivery: Delivery): Promise<void> {
  const { trace, message, rest, recipients, mailFrom, session, at } = delivery
  const newsgroups = newsgroupsOf(recipients)
  // A group that refuses the message must refuse it before any mailbox has it.
  if (newsgroups.length > 0) await postToNewsgroups(site, newsgroups, delivery)
  const stripped = mayHaveBcc(message) ? await runInSlices(withoutBcc(joinPieces(message))) : undefined
  const { owners, created } = mailboxesOf(site, delivery, stripped)
  const rcptTo = recipients.map(({ address }) => address)
  const envelope = session === undefined ? { mailFrom, rcptTo } : { mailFrom, rcptTo, session }
  const newOwners: Owner[] = []
  try {
    for (const owner of created.map(({ user }) => accountOwner(user))) {
      if (!(await site.store.findFolder(owner, 'INBOX'))) newOwners.push(owner)
    }
    const batch: NewMessage[] = []
    for (const copy of new Set(owners.values())) {
      const targets = await inboxes(site.store, owners, copy)
      const start = trace ? [trace, ...copy] : copy
      batch.push({ raw: rest ? followed(start, rest) : start, targets, envelope, internalDate: at })
    }
    if (batch.length > 0) await site.store.append(batch)
  } catch (error) {
    for (const account of created) site.directory.remove(account)
    await undo(site.store, newOwners)
    throw error
  }
}

/** Removes the mailboxes that a failed delivery created. A store that fails here too still reports the first failure. */
async function undo(store: MessageStore, owners: readonly Owner[]): Promise<void> {
  try {
    for (const owner of owners) await removeEmptyMailboxes(store, owner)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

async function* followed(start: Pieces, rest: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  yield* start
  yield* rest()
}

function newsgroupsOf(recipients: readonly Recipient[]): string[] {
  const names = recipients.flatMap(({ destination }) => (destination.kind === 'newsgroup' ? [destination.name] : []))
  return [...new Set(names)]
}

/**
 * Returns the mailboxes of the recipients, each with the copy that it gets: the message as received or without its Bcc
 * fields. An open directory gets the accounts that it does not have yet (`created`): only now, because RCPT alone must
 * not fill it.
 */
function mailboxesOf(
  { directory }: DeliverySite,
  { message, recipients }: Delivery,
  stripped: StrippedMessage | undefined,
) {
  const owners = new Map<Owner, Pieces>()
  const created: Account[] = []
  for (const { address, destination } of recipients) {
    if (destination.kind === 'newsgroup') continue
    const captured = destination.kind === 'captured'
    const added = captured ? undefined : directory.add(destination.account)
    if (added?.isNew) created.push(added.account)
    const owner = added ? accountOwner(added.account.user) : CAPTURED_OWNER
    // Recipients named in Bcc see the field, others must not. The lab's own copy stays complete. RFC 5322 section 3.6.3
    const whole = !stripped || captured || stripped.names(address)
    if (whole || !owners.has(owner)) owners.set(owner, whole ? message : stripped.rest)
  }
  return { owners, created }
}

/** Posts one article to all the groups. @throws DeliveryError */
async function postToNewsgroups(
  { news, hostname }: DeliverySite,
  newsgroups: readonly string[],
  { message, session }: Delivery,
): Promise<void> {
  try {
    await news?.postMail(newsgroups, joinPieces(message), { host: hostname, session })
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    // A client that lost the reply sends the message again: the article exists already.
    if (error.code === 'duplicate') return
    const reason = error.code === 'later' ? 'article-deferred' : 'article-refused'
    throw new DeliveryError(reason, error.message, { cause: error })
  }
}

async function inboxes(
  store: MessageStore,
  owners: ReadonlyMap<Owner, Pieces>,
  wanted: Pieces,
): Promise<{ folderId: string }[]> {
  const targets = []
  for (const [owner, copy] of owners) {
    if (copy === wanted) targets.push({ folderId: (await openInbox(store, owner)).id })
  }
  return targets
}
