import { z } from 'zod'
import { xml } from '../../../../src/core/text/xml.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { addressText } from '../../../../src/mail/format/addresses.ts'
import type { ReadableAddress, ReadableMessage } from '../../../../src/mail/format/readable.ts'
import { gone } from '../mailbox/mailbox.ts'
import type { Answer, ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'
import { GraphError } from './errors.ts'
import { messageOf, ofMessage } from './messages.ts'
import type { GraphRequest } from './odata.ts'
import { attachedAgain, messageInput, mimeIn, recipients, saveDraft, sendAndSave, written } from './sending.ts'

/** https://learn.microsoft.com/en-us/graph/api/message-reply */
const input = z.object({
  comment: z.string().nullish(),
  message: messageInput.prefault({}),
  toRecipients: recipients,
})

/** The ways to answer a message. */
const WAYS = {
  reply: { prefix: 'RE:', toSender: true, toAll: false, flag: '\\Answered' },
  replyAll: { prefix: 'RE:', toSender: true, toAll: true, flag: '\\Answered' },
  forward: { prefix: 'FW:', toSender: false, toAll: false, flag: '$Forwarded' }, // RFC 5788
} as const
type Way = (typeof WAYS)[keyof typeof WAYS]

const listed = (all: readonly ReadableAddress[]): string => all.map(addressText).join('; ')

/** Returns the text that an answer quotes, with the comment before it. */
function quoted({ from, to, cc, date, subject, text, html }: ReadableMessage, comment: string) {
  const fields = Object.entries({
    From: listed(from ? [from] : []),
    Sent: date?.toUTCString() ?? '',
    To: listed(to),
    Cc: listed(cc),
    Subject: subject,
  }).filter(([, value]) => value !== '')
  if (html === undefined) {
    const lines = fields.map(([name, value]) => `${name}: ${value}`)
    return { text: [comment, '', '_'.repeat(32), ...lines, '', text].join('\r\n') }
  }
  const lines = fields.map(([name, value]) => `<b>${name}:</b> ${xml(value)}<br>`)
  return { html: `<p>${xml(comment).replaceAll('\n', '<br>')}</p><hr><p>${lines.join('')}</p>${html}` }
}

/** Returns the answer to a message, as the request describes it. @throws GraphError, ProviderError */
async function answerTo(request: GraphRequest, read: ReadableMessage, { prefix, toSender, toAll }: Way) {
  const { call } = request
  const mime = mimeIn(call)
  if (mime) return mime
  const body = call.body.length === 0 ? Buffer.from('{}') : call.body
  const { comment, message, toRecipients } = jsonBody({ body }, input)
  if (comment && message.body)
    throw new GraphError(400, 'ErrorInvalidRequest', 'Comment and Body cannot both be set: write one of them.')
  const isOwn = ({ address }: ReadableAddress): boolean =>
    call.api.lab.directory.findByAddress(address)?.user === call.account?.user
  const senders = read.replyTo.length > 0 ? read.replyTo : read.from ? [read.from] : []
  const back = senders.every(isOwn) ? read.to : senders
  const known = new Set<string>()
  /** Returns mailboxes that are not yet among the recipients. */
  const more = (all: readonly ReadableAddress[]) =>
    all
      .filter(({ address }) => known.size < known.add(address.toLowerCase()).size)
      .map(({ name, address }) => ({ email: address, name }))
  const to = [
    ...more(toSender ? back : []),
    ...[...message.toRecipients, ...toRecipients],
    ...more(toAll ? read.to.filter((one) => !isOwn(one)) : []),
  ]
  const cc = more(toAll ? read.cc.filter((one) => !isOwn(one)) : [])
  const [id, references] = ['message-id', 'references'].map((name) => read.headers.get(name) ?? '')
  const subject = message.subject ?? (read.subject.toUpperCase().startsWith(prefix) ? '' : `${prefix} `) + read.subject
  const files = toSender ? [] : await runInSlices(read.attachmentsInSteps())
  return written(
    call,
    { ...message, subject, toRecipients: to, ccRecipients: [...cc, ...message.ccRecipients] },
    {
      ...(message.body ? {} : quoted(read, comment ?? '')),
      headers: id ? { 'In-Reply-To': id, References: `${references} ${id}`.trim() } : {},
      attachments: files.map(attachedAgain),
    },
  )
}

async function answer(request: GraphRequest, way: Way, isDraft: boolean): Promise<Answer> {
  const { call, mailbox } = request
  const at = await messageOf(request)
  const message = (await call.api.reader.use(at, ({ read }) => answerTo(request, read, way))) ?? gone()
  if (isDraft) return saveDraft(request, message)
  const sent = await sendAndSave(call, message)
  await mailbox.store.setFlags(at.folder.id, [at.entry.uid], { mode: 'add', flags: [way.flag] })
  return sent
}

export const answeringRoutes: readonly ProviderRoute[] = Object.entries(WAYS).flatMap(([name, way]) =>
  [name, `create${name}`].flatMap((action, index) =>
    ofMessage('POST', `/(?:microsoft\\.graph\\.)?${action}`, (request) => answer(request, way, index === 1)),
  ),
)
