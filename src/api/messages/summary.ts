import { z } from 'zod'
import type { Directory } from '../../accounts/directory/types.ts'
import { timeText } from '../../core/time/time-text.ts'
import { accountOf, CAPTURED_OWNER, type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import type { MessageEntry } from '../../storage/store/message-entry.ts'
import { type Caller, seesLab } from '../caller.ts'
import type { MessageFacts } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'

const address = z.object({ name: z.string(), address: z.string() }).meta({ id: 'Address' })

/** The API of a provider by which a message was sent. */
const sentBy = z
  .object({
    provider: z.string().describe('The name in the configuration, such as `sendgrid`.'),
    name: z.string().describe('The name in text, such as `SendGrid`.'),
    key: z.string().describe('The last four characters of the key.'),
    id: z.string().describe('The id that the API returned.'),
    tags: z.array(z.string()).describe('Tags, categories.'),
    arguments: z.record(z.string(), z.unknown()).describe('Custom arguments, metadata, variables.'),
  })
  .meta({ id: 'SentBy' })

/** A message in a list. */
export const messageSummary = z
  .object({
    id: z.string().describe('Id of the message. It stays the same across restarts; a move changes it.'),
    folder: z.object({ id: z.string(), name: z.string() }),
    account: z.string().nullable().describe('Account whose mailbox contains the message.'),
    newsgroup: z.string().nullable(),
    content: z.string().describe('Is the same for every copy of a message in the mailboxes of its recipients.'),
    captured: z.boolean().describe('Whether the message is captured mail for another domain.'),
    messageId: z.string().describe('Message-ID with its angle brackets, or empty.'),
    subject: z.string(),
    from: address.nullable(),
    to: z.array(address),
    cc: z.array(address),
    bcc: z.array(address),
    replyTo: z.array(address),
    date: z.string().nullable().describe('Time in the Date field, RFC 3339.'),
    receivedAt: z.string().describe('When the lab received it, RFC 3339.'),
    sizeOctets: z.number().int(),
    read: z.boolean(),
    flagged: z.boolean(),
    flags: z.array(z.string()).describe('IMAP flags and keywords.'),
    tags: z
      .array(z.string())
      .describe('Tags: the IMAP keywords that do not begin with `$`, with a space for each `~`.'),
    attachments: z.number().int(),
    snippet: z.string().describe('The beginning of the text, without quoted lines.'),
    envelope: z
      .object({ from: z.string(), to: z.array(z.string()) })
      .nullable()
      .describe('MAIL FROM and RCPT TO.'),
    session: z.string().nullable().describe('Id of the session that delivered the message.'),
    sentBy: sentBy
      .nullable()
      .describe('The API of a provider by which the message was sent; null if it came otherwise.'),
  })
  .meta({ id: 'MessageSummary' })

export type MessageSummary = z.infer<typeof messageSummary>

/** Words of a tag are separated by single spaces. */
const TAG = /^(?!\$)[^\s~\\(){%*"\]\x00-\x1f\x7f]+(?: [^\s~\\(){%*"\]\x00-\x1f\x7f]+)*$/

/** A tag in an input. */
export const tag = z.string().regex(TAG, 'cannot be an IMAP keyword; write it without quotes, parentheses, ~ and $')

/** Stands for a space in a keyword, which cannot have one. RFC 9051 section 9 */
const SPACE = '~'

/** Returns the IMAP keyword of a tag: `Tag~1` for `Tag 1`. */
export const keywordOf = (tag: string): string => tag.replaceAll(' ', SPACE)

/** Returns the keywords that a person has given, as tags. Those that begin with `$` belong to protocols (RFC 5788). */
export const tagsOf = ({ flags }: MessageEntry): string[] =>
  flags.filter((flag) => !/^[\\$]/.test(flag)).map((flag) => flag.replaceAll(SPACE, ' '))

/** The reader of a message. */
export interface Viewer {
  readonly api: { readonly lab: { readonly directory: Directory } }
  readonly caller: Caller
}

export function summarize({ id, folder, entry }: IndexedMessage, facts: MessageFacts, viewer: Viewer): MessageSummary {
  const { messageId, subject, from, to, cc, bcc, replyTo, date, sentBy: by, attachments, snippet } = facts
  return {
    id,
    folder: { id: folder.id, name: folder.name },
    account: accountOf(folder) ?? null,
    newsgroup: folder.owner === PUBLIC_OWNER ? folder.name : null,
    content: entry.blob,
    captured: folder.owner === CAPTURED_OWNER,
    messageId,
    subject,
    attachments,
    snippet,
    from: from ?? null,
    to: [...to],
    cc: [...cc],
    bcc: [...bcc],
    replyTo: [...replyTo],
    date: date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString(),
    receivedAt: timeText(entry.savedAt),
    sizeOctets: entry.sizeOctets,
    read: entry.flags.includes('\\Seen'),
    flagged: entry.flags.includes('\\Flagged'),
    flags: [...entry.flags],
    tags: tagsOf(entry),
    envelope: entry.envelope
      ? { from: entry.envelope.mailFrom ?? '', to: recipientsFor(viewer, folder, entry, facts) }
      : null,
    session: entry.envelope?.session ?? null,
    sentBy: by ? { ...by, tags: [...by.tags] } : null,
  }
}

/** Returns the recipients in the envelope. Accounts and tenants do not see each other's blind copies. */
export function recipientsFor(
  { api, caller }: Viewer,
  { owner }: Folder,
  { envelope }: Pick<MessageEntry, 'envelope'>,
  { to, cc }: Pick<MessageFacts, 'to' | 'cc'>,
): string[] {
  const recipients = [...(envelope?.rcptTo ?? [])]
  const { role, name, tenant } = caller
  if (seesLab(caller) || (owner === CAPTURED_OWNER && tenant === undefined)) return recipients
  const named = new Set([...to, ...cc].map(({ address }) => address.toLowerCase()))
  const isOwn = (one: string): boolean => {
    const user = api.lab.directory.findByAddress(one)?.user ?? one
    return role === 'account' ? user === name : tenant !== undefined && tenant.ownsAccount(user)
  }
  return recipients.filter((one) => named.has(one.toLowerCase()) || isOwn(one))
}
