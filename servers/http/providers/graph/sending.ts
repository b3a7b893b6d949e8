import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { keywordOf, tagsOf } from '../../../../src/api/messages/summary.ts'
import { addressText } from '../../../../src/mail/format/addresses.ts'
import type { Attachment } from '../../../../src/mail/format/attachments.ts'
import type { DraftAttachment, MessageDraft } from '../../../../src/mail/format/compose.ts'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { accountIn, addressesIn, assertOwn, saveSent } from '../account-mail.ts'
import { addMessage } from '../mailbox/mailbox.ts'
import { composed, send } from '../send.ts'
import { type Answer, type ProviderCall, ProviderError } from '../types.ts'
import { assertAddress, jsonBody } from '../values.ts'
import { GraphError } from './errors.ts'
import { folderOf } from './folders.ts'
import { answerMessage, messageOf, moved, ofMessage } from './messages.ts'
import { type GraphRequest, route } from './odata.ts'

const recipient = z
  .object({ emailAddress: z.object({ address: z.string(), name: z.string().nullish() }) })
  .transform(({ emailAddress: { address, name } }) => ({ email: address, name: name ?? undefined }))
export const recipients = z.array(recipient).default([])

/** https://learn.microsoft.com/en-us/graph/api/resources/fileattachment */
export const fileInput = z.object({
  name: z.string().default('attachment'),
  contentType: z.string().nullish(),
  contentId: z.string().nullish(),
  contentBytes: z.string().optional(),
  isInline: z.boolean().default(false),
})

/** https://learn.microsoft.com/en-us/graph/api/user-sendmail */
export const messageInput = z.object({
  subject: z.string().nullish(),
  body: z.object({ contentType: z.string().default('text'), content: z.string().default('') }).optional(),
  from: recipient.optional(),
  toRecipients: recipients,
  ccRecipients: recipients,
  bccRecipients: recipients,
  replyTo: recipients,
  categories: z.array(z.string()).default([]),
  internetMessageHeaders: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  attachments: z.array(fileInput).default([]),
})
const input = z.object({ message: messageInput, saveToSentItems: z.boolean().default(true) })
export type Message = z.output<typeof messageInput>

/** A message that is ready to be sent, or to be a draft. Its header has Bcc. */
interface Written {
  readonly id: string
  readonly raw: Buffer
  readonly tags: readonly string[]
}

/** Returns the octets of a message in JSON. @param more what a reply has besides */
export async function written(
  call: ProviderCall,
  message: Message,
  more: Partial<MessageDraft> = {},
): Promise<Written> {
  const { subject, body, from = { email: accountIn(call).address }, replyTo, categories: tags } = message
  const { toRecipients: to, ccRecipients: cc, bccRecipients: bcc } = message
  for (const { email } of [from, ...to, ...cc, ...bcc, ...replyTo]) assertAddress(email, 'recipients')
  const wrong = message.internetMessageHeaders.find(({ name }) => !/^x-/i.test(name))
  // https://learn.microsoft.com/en-us/graph/api/resources/internetmessageheader
  if (wrong)
    throw new ProviderError(
      'invalid',
      `The internet message header name '${wrong.name}' should start with 'x-' or 'X-'.`,
    )
  const id = randomUUID()
  const { content } = envelopeAndDraft(
    { from, to, cc, replyTo },
    {
      subject: subject ?? '',
      ...(body && { [/^html$/i.test(body.contentType) ? 'html' : 'text']: body.content }),
      ...more,
      headers: {
        'Message-ID': `<${id}@graph.lab>`,
        ...(bcc.length > 0 && {
          Bcc: bcc.map(({ email, name = '' }) => addressText({ name, address: email })).join(', '),
        }),
        ...Object.fromEntries(message.internetMessageHeaders.map(({ name, value }) => [name, value])),
        ...more.headers,
      },
      attachments: [...message.attachments.map(fileIn), ...(more.attachments ?? [])],
    },
  )
  return { id, raw: await composed(content, {}, call.context.clock.now()), tags }
}

/** Returns the attachment that a request describes. @throws ProviderError `not-offered` */
export function fileIn({ name, contentType, contentBytes, contentId, isInline }: z.output<typeof fileInput>) {
  if (contentBytes === undefined)
    throw new ProviderError('not-offered', 'Sealpost offers file attachments only: #microsoft.graph.fileAttachment')
  return attachmentOf(name, contentBytes, contentType ?? undefined, isInline ? (contentId ?? undefined) : undefined)
}

/** Returns an attachment of a message for another message. */
export const attachedAgain = ({ filename = 'attachment', content, contentType, cid }: Attachment): DraftAttachment => ({
  filename,
  content,
  contentType,
  ...(cid !== undefined && { cid }),
})

/** Returns the message that a request has in MIME; undefined if it has JSON. */
export const mimeIn = ({ c, body }: ProviderCall): Written | undefined =>
  /^text\/plain\b/i.test(c.req.header('Content-Type') ?? '')
    ? { id: randomUUID(), raw: Buffer.from(body.toString('latin1'), 'base64'), tags: [] }
    : undefined

/** Sends a message to the recipients in its header, as an account. */
async function sendWritten(call: ProviderCall, { id, raw, tags }: Written): Promise<void> {
  const { address } = accountIn(call)
  const { from = address, recipients: to } = addressesIn(raw)
  assertOwn(call, from)
  await send(call, [{ id, from, recipients: to, content: raw, tags }])
}

/** Sends a message, and keeps a copy unless the request says otherwise. */
export async function sendAndSave(call: ProviderCall, message: Written, saves = true): Promise<Answer> {
  await sendWritten(call, message)
  if (saves) await saveSent(call, accountIn(call).user, message.raw)
  return { status: 202 }
}

async function sendMail(call: ProviderCall): Promise<Answer> {
  const mime = mimeIn(call)
  if (mime) return sendAndSave(call, mime)
  const { message, saveToSentItems } = jsonBody(call, input)
  return sendAndSave(call, await written(call, message), saveToSentItems)
}

/** Adds a message to the drafts, or to the folder of the request. */
export async function saveDraft(request: GraphRequest, { raw, tags }: Written, folderId = 'drafts'): Promise<Answer> {
  const folder = await folderOf(request.mailbox, folderId)
  const flags = ['\\Draft', '\\Seen', ...tags.map(keywordOf)]
  return answerMessage(request, await addMessage(request.mailbox, folder, raw, flags), 201)
}

const createDraft = async (request: GraphRequest): Promise<Answer> =>
  saveDraft(
    request,
    mimeIn(request.call) ?? (await written(request.call, jsonBody(request.call, messageInput))),
    request.params.folder,
  )

async function sendDraft(request: GraphRequest): Promise<Answer> {
  const { call, mailbox } = request
  const at = await messageOf(request)
  const raw = await mailbox.store.read(at.folder.id, at.entry.uid)
  if (!raw || !at.entry.flags.includes('\\Draft'))
    throw new GraphError(400, 'ErrorInvalidRequest', 'The message is not a draft.')
  await sendWritten(call, { id: randomUUID(), raw, tags: tagsOf(at.entry) })
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
