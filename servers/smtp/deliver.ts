import { joinPieces, type Pieces } from '../../src/common/pieces.ts'
import { ArticleRefused } from '../../src/news/article.ts'
import { openInbox } from '../../src/store/mailboxes.ts'
import { accountOwner, CAPTURED_OWNER, type NewMessage, type Owner } from '../../src/store/types.ts'
import type { ServerContext } from '../service.ts'
import { SmtpError } from './errors.ts'
import { scanHeader, withoutBcc } from './header-scan.ts'
import type { Recipient } from './transaction.ts'

/** A message on its way into the mailboxes. */
export interface Delivery {
  /** Goes in front of the message. */
  readonly trace: Buffer
  /** As received, dots and chunks undone. */
  readonly message: Pieces
  readonly mailFrom: string
  readonly recipients: readonly Recipient[]
  /** Id of the session that brought it. */
  readonly session: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Which copy of a message an owner gets: as it came, or without its Bcc fields. */
type Copy = 'whole' | 'without-bcc'

/**
 * Puts a message into the mailbox of every recipient, once each, and into the newsgroups among them. Resolved: the store
 * has it. @throws SmtpError, StoreError
 */
export async function deliver(context: ServerContext, delivery: Delivery): Promise<void> {
  const { trace, message } = delivery
  const { messageId, hasBcc } = scanHeader(message)
  const stripped = hasBcc ? withoutBcc(joinPieces(message)) : undefined
  const owners = new Map<Owner, Copy>()
  const newsgroups = new Set<string>()
  for (const { address, destination } of delivery.recipients) {
    if (destination.kind === 'newsgroup') {
      newsgroups.add(destination.name)
      continue
    }
    const captured = destination.kind === 'captured'
    const owner = captured ? CAPTURED_OWNER : accountOwner(destination.account.user)
    // Whom the field names, and the lab's keeping, get it; the others must not see it. RFC 5322 section 3.6.3
    const whole = !stripped || captured || stripped.named.has(address.toLowerCase())
    if (whole || !owners.has(owner)) owners.set(owner, whole ? 'whole' : 'without-bcc')
  }
  if (newsgroups.size > 0) await postToNewsgroups(context, [...newsgroups], delivery)
  const rcptTo = delivery.recipients.map(({ address }) => address)
  const envelope = { mailFrom: delivery.mailFrom, rcptTo, session: delivery.session }
  const batch: NewMessage[] = []
  for (const [copy, pieces] of [
    ['whole', message],
    ['without-bcc', stripped?.rest],
  ] as const) {
    const targets = pieces ? await inboxes(context, owners, copy) : []
    if (pieces && targets.length > 0) {
      batch.push({ raw: [trace, ...pieces], targets, internalDate: delivery.at, messageId, envelope })
    }
  }
  if (batch.length > 0) await context.store.append(batch)
}

/** One article for all the groups. A group that refuses it refuses the message, before any mailbox has it. @throws SmtpError */
async function postToNewsgroups(
  { news, hostname }: ServerContext,
  newsgroups: readonly string[],
  { message, session }: Delivery,
): Promise<void> {
  try {
    await news?.postMail(newsgroups, joinPieces(message), { host: hostname, session })
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    // What a client sends again after a lost reply is there already.
    if (error.code === 'duplicate') return
    throw error.code === 'later'
      ? new SmtpError(451, '4.3.0', error.message)
      : new SmtpError(554, '5.6.0', error.message)
  }
}

async function inboxes(
  { store }: ServerContext,
  owners: ReadonlyMap<Owner, Copy>,
  wanted: Copy,
): Promise<{ folderId: string }[]> {
  const targets = []
  for (const [owner, copy] of owners) {
    if (copy === wanted) targets.push({ folderId: (await openInbox(store, owner)).id })
  }
  return targets
}
