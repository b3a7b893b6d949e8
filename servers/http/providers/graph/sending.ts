import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { keywordOf, tagsOf } from '../../../../src/api/messages/summary.ts'
import { addressText } from '../../../../src/mail/format/addresses.ts'
import { compose } from '../../../../src/mail/format/compose.ts'
import { addressed, attachmentOf } from '../../drafts.ts'
import { accountIn, addressesIn, assertOwn, saveSent } from '../account-mail.ts'
import { addMessage } from '../mailbox/mailbox.ts'
import { send } from '../send.ts'
import { type Answer, type ProviderCall, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'
import { moved } from './changes.ts'
import { GraphError } from './errors.ts'
import { folderOf } from './folders.ts'
import { answerMessage, messageOf, ofMessage } from './messages.ts'
import { type GraphRequest, route } from './odata.ts'

const recipient = z
  .object({ emailAddress: z.object({ address: z.string(), name: z.string().nullish() }) })
  .transform(({ emailAddress: { address, name } }) => ({ email: address, name: name ?? undefined }))
const recipients = z.array(recipient).default([])

/** https://learn.microsoft.com/en-us/graph/api/user-sendmail */
const messageInput = z.object({
  subject: z.string().nullish(),
  body: z.object({ contentType: z.string().default('text'), content: z.string().default('') }).optional(),
  from: recipient.optional(),
  toRecipients: recipients,
  ccRecipients: recipients,
  bccRecipients: recipients,
  replyTo: recipients,
  categories: z.array(z.string()).default([]),
  internetMessageHeaders: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  attachments: z
    .array(
      z.object({
        name: z.string().default('attachment'),
        contentType: z.string().nullish(),
        contentBytes: z.string().optional(),
        contentId: z.string().nullish(),
        isInline: z.boolean().default(false),
      }),
    )
    .default([]),
})
const input = z.object({ message: messageInput, saveToSentItems: z.boolean().default(true) })
type Message = z.output<typeof messageInput>

/** Returns the content of a message in JSON. */
function messageDraft(message: Message, address: string) {
  const {
    subject,
    body = { contentType: 'text', content: '' },
    from,
    replyTo,
    internetMessageHeaders: headers,
  } = message
  for (const { name } of headers) {
    // https://learn.microsoft.com/en-us/graph/api/resources/internetmessageheader
    if (!/^x-/i.test(name))
      throw new ProviderError('invalid', `The internet message header name '${name}' should start with 'x-' or 'X-'.`)
  }
  const people = {
    from: from ?? { email: address },
    to: message.toRecipients,
    cc: message.ccRecipients,
    bcc: message.bccRecipients,
    replyTo,
  }
  return addressed(people, {
    subject: subject ?? '',
    ...(/^html$/i.test(body.contentType) ? { html: body.content } : { text: body.content }),
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    attachments: message.attachments.map(({ name, contentType, contentBytes, contentId, isInline }) => {
      if (contentBytes === undefined)
        throw new ProviderError('not-offered', 'Sealpost offers file attachments only: #microsoft.graph.fileAttachment')
      return attachmentOf(name, contentBytes, contentType ?? undefined, isInline ? (contentId ?? undefined) : undefined)
    }),
  })
}

const isMime = ({ c }: ProviderCall): boolean => /^text\/plain\b/i.test(c.req.header('Content-Type') ?? '')
const mimeIn = ({ body }: ProviderCall): Buffer => Buffer.from(body.toString('latin1'), 'base64')

/** Returns the octets of the draft that a request has, in JSON or MIME, and its categories. */
async function draftIn(call: ProviderCall, address: string): Promise<{ raw: Buffer; categories: string[] }> {
  if (isMime(call)) return { raw: mimeIn(call), categories: [] }
  const message = jsonBody(call, messageInput)
  const { content } = messageDraft(message, address)
  const bcc = message.bccRecipients.map(({ email, name = '' }) => addressText({ name, address: email })).join(', ')
  const own = { 'Message-ID': `<${randomUUID()}@graph.lab>`, ...(bcc && { Bcc: bcc }) }
  const raw = await compose({ ...content, headers: { ...own, ...content.headers } }, call.context.clock.now())
  return { raw, categories: message.categories }
}

/** Sends a message to the recipients in its header, as an account. */
async function sendOctets(call: ProviderCall, raw: Buffer, tags: readonly string[] = []): Promise<void> {
  const { address } = accountIn(call)
  const { from = address, recipients: to } = addressesIn(raw)
  assertOwn(call, from)
  await send(call, [{ id: randomUUID(), from, recipients: to, content: raw, tags }])
}

/** Sends the message of a request. */
async function sendMail(call: ProviderCall): Promise<Answer> {
  const { user, address } = accountIn(call)
  if (isMime(call)) {
    await sendOctets(call, mimeIn(call))
    await saveSent(call, user, mimeIn(call))
    return { status: 202 }
  }
  const { message, saveToSentItems } = jsonBody(call, input)
  assertOwn(call, message.from?.email ?? address)
  const id = randomUUID()
  const draft = messageDraft(message, address)
  const content = { ...draft.content, headers: { 'Message-ID': `<${id}@graph.lab>`, ...draft.content.headers } }
  await send(call, [{ id, ...draft, content, tags: message.categories }])
  if (saveToSentItems) await saveSent(call, user, await compose(content, call.context.clock.now()))
  return { status: 202 }
}

async function createDraft(request: GraphRequest): Promise<Answer> {
  const { call, mailbox, params } = request
  const folder = await folderOf(mailbox, params.folder ?? 'drafts')
  const { raw, categories } = await draftIn(call, mailbox.address)
  const flags = ['\\Draft', '\\Seen', ...categories.map(keywordOf)]
  return answerMessage(request, await addMessage(mailbox, folder, raw, flags), 201)
}

async function sendDraft(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const at = await messageOf(request)
  const raw = await mailbox.store.read(at.folder.id, at.entry.uid)
  if (!raw || !at.entry.flags.includes('\\Draft'))
    throw new GraphError(400, 'ErrorInvalidRequest', 'The message is not a draft.')
  await sendOctets(call, raw, tagsOf(at.entry))
  const { folder, entry } = await moved(request, at, (await folderOf(mailbox, 'sentitems')).name)
  await mailbox.store.setFlags(folder.id, [entry.uid], { mode: 'remove', flags: ['\\Draft'] })
  return { status: 202 }
}

export const sendingRoutes = [
  {
    method: 'POST',
    path: /^\/(?:v1\.0|beta)\/(?:me|users\/(?<user>[^/]+))\/(?:microsoft\.graph\.)?sendMail$/i,
    run: sendMail,
  },
  route('POST', '{user}/messages', createDraft),
  route('POST', '{user}/mailFolders{folder}/messages', createDraft),
  ...ofMessage('POST', '/send', sendDraft),
]
