import { ApiProblem } from '../../src/api/problem.ts'
import { omitUndefined } from '../../src/core/values/omit-undefined.ts'
import { addressText } from '../../src/mail/format/addresses.ts'
import type { DraftAttachment, MessageDraft } from '../../src/mail/format/compose.ts'

// Messages that requests describe in JSON.

/** A mailbox of a request. */
export interface Mailbox {
  readonly email: string
  readonly name?: string | undefined
}

/** The people in the header of a message. */
type People = Record<'from', Mailbox> & Partial<Record<'to' | 'cc' | 'bcc' | 'replyTo', readonly Mailbox[]>>

type Parts = Omit<MessageDraft, 'from' | 'to' | 'cc'>
/** The content of a message. */
export type Content = { readonly [Name in keyof Parts]: Parts[Name] | undefined }

/** Returns the envelope and the draft of a message. Bcc is in the envelope only. */
export function envelopeAndDraft(
  { from, to = [], cc = [], bcc = [], replyTo = [] }: People,
  { headers, ...content }: Content,
) {
  const listed = (all: readonly Mailbox[]) => all.map(({ email, name = '' }) => addressText({ name, address: email }))
  const replies = replyTo.length > 0 ? { 'Reply-To': listed(replyTo).join(', ') } : {}
  const people = { from: listed([from]).join(), to: listed(to), cc: listed(cc) }
  return {
    from: from.email,
    recipients: [to, cc, bcc].flat().map(({ email }) => email),
    content: { ...omitUndefined(content), ...people, headers: { ...replies, ...headers } },
  }
}

/** Returns an attachment in base64. @param cid with or without `cid:` or angle brackets @throws ApiProblem `invalid` */
export function attachmentOf(filename: string, base64: string, contentType?: string, cid?: string): DraftAttachment {
  const content = Buffer.from(base64, 'base64')
  if (base64 !== '' && content.length === 0)
    throw new ApiProblem('invalid', `attachments: ${filename} is not in base64`)
  const id = cid?.replace(/^cid:/, '').replace(/^<|>$/g, '')
  return { filename, content, ...(contentType ? { contentType } : {}), ...(id ? { cid: id } : {}) }
}
