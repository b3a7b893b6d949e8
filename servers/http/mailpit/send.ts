import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Api } from '../../../src/api/api.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { CONTENT_ID, compose, FIELD_NAME, type MessageDraft } from '../../../src/mail/format/compose.ts'
import { changeFlags, mailOfCopies } from '../delivered-mail.ts'
import { attachmentOf, envelopeAndDraft } from '../drafts.ts'
import { bodyOf, changes, jsonResponse, type Route } from '../routes.ts'
import { deliverAs } from '../tool-mail.ts'
import { keywordsOf } from './tags.ts'

const email = z.string().regex(/^[^\s@,<>]+@[^\s@,<>]+$/, 'is not an address such as alice@lab.test')
const mailbox = z.object({ email, name: z.string().default('') })
const mailboxes = z.array(mailbox).default([])

const attachment = z.object({
  filename: z.string().default(''),
  /** Pages send `data:image/png;base64,…`. */
  content: z
    .string()
    .transform((text) => text.slice(text.lastIndexOf(',') + 1))
    .pipe(z.base64('is not in base64')),
  contenttype: z.string().default(''),
  contentid: z.string().regex(CONTENT_ID, 'is not a Content-ID').or(z.literal('')).default(''),
})

const input = z.object({
  from: mailbox,
  to: mailboxes,
  cc: mailboxes,
  bcc: z.array(email).default([]),
  replyto: mailboxes,
  subject: z.string().default(''),
  text: z.string().default(''),
  html: z.string().default(''),
  headers: z.record(z.string().regex(FIELD_NAME, 'is not the name of a header field'), z.string()).default({}),
  tags: z.array(z.string()).default([]),
  attachments: z.array(attachment).default([]),
})

/** Fields that other keys of the body set. */
const OWN_FIELDS =
  /^(?:to|from|cc|bcc|reply-to|date|subject|content-type|content-transfer-encoding|mime-version|x-tags)$/i

/** Sends a message as a client of Mailpit writes it. */
export const sendRoute: Route = changes('POST', '/api/v1/send', async (call) => {
  const wanted = await bodyOf(call, input)
  const { draft, recipients, messageId } = messageDraft(wanted)
  if (recipients.length === 0) throw new ApiProblem('bad-request', 'To: is missing; a message needs a recipient')
  const octets = await compose(draft, call.api.lab.clock.now())
  const copies = await arrivals(call.api, messageId, () => deliverAs(call, wanted.from.email, recipients, octets))
  const keywords = keywordsOf(wanted.tags)
  const [first, ...others] = copies
  if (first && keywords.length > 0) {
    await changeFlags(call.api, [mailOfCopies([first, ...others], call.caller)], {
      mode: 'add',
      flags: keywords,
    })
  }
  return jsonResponse(call.c, { ID: first?.id ?? '' })
})

/** Bcc stays in the envelope, so that all recipients get the same message. */
function messageDraft(wanted: z.output<typeof input>) {
  const own = Object.keys(wanted.headers).find((name) => OWN_FIELDS.test(name))
  if (own !== undefined)
    throw new ApiProblem('bad-request', `Headers: ${own} has a key of its own, or is set by the lab`)
  const { [messageIdName(wanted.headers)]: given, ...headers } = wanted.headers
  const messageId = given ?? `<${randomUUID()}@sealpost>`
  const { subject, text, html, tags, replyto: replyTo, bcc } = wanted
  const { content, recipients } = envelopeAndDraft(
    { ...wanted, bcc: bcc.map((address) => ({ email: address })), replyTo },
    {
      subject,
      text,
      html: html === '' ? undefined : html,
      headers: { 'Message-ID': messageId, ...(tags.length > 0 ? { 'X-Tags': tags.join(', ') } : {}), ...headers },
      attachments: wanted.attachments.map((one) =>
        attachmentOf(one.filename, one.content, one.contenttype, one.contentid),
      ),
    },
  )
  assertOneLine(content)
  return { draft: content, recipients, messageId }
}

const messageIdName = (headers: Readonly<Record<string, string>>): string =>
  Object.keys(headers).find((name) => /^message-id$/i.test(name)) ?? 'Message-ID'

/** A line end would begin another header field. @throws ApiProblem `bad-request` */
function assertOneLine({ from, to, cc, subject, headers, attachments }: MessageDraft): void {
  const names = (attachments ?? []).flatMap(({ filename, contentType, cid }) => [filename, contentType, cid])
  const values = [from, to, cc, subject, ...Object.values(headers ?? {}), ...names].flat()
  const wrong = values.find((value) => value !== undefined && /[\r\n]/.test(value))
  if (wrong !== undefined)
    throw new ApiProblem('bad-request', `${JSON.stringify(wrong)}: has a line end; write it in one line`)
}

/** Runs a delivery. Resolves with the copies of a message that arrived meanwhile. */
async function arrivals(api: Api, messageId: string, run: () => Promise<unknown>): Promise<IndexedMessage[]> {
  const added: IndexedMessage[] = []
  const unwatch = api.index.watch((event) => {
    if (event.type === 'added') added.push(event.message)
  })
  try {
    await run()
  } finally {
    unwatch()
  }
  const found: IndexedMessage[] = []
  for (const message of added) if ((await api.reader.facts(message))?.messageId === messageId) found.push(message)
  return found
}
