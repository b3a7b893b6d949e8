import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { compose } from '../../../../src/mail/format/compose.ts'
import { addressed, attachmentOf } from '../../drafts.ts'
import { accessTokenIn, accountIn, addressesIn, assertOwn, saveSent } from '../account-mail.ts'
import { send } from '../send.ts'
import { type Answer, type ErrorKind, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { jsonBody } from '../values.ts'

const recipient = z
  .object({ emailAddress: z.object({ address: z.string(), name: z.string().nullish() }) })
  .transform(({ emailAddress: { address, name } }) => ({ email: address, name: name ?? undefined }))
const recipients = z.array(recipient).default([])

/** https://learn.microsoft.com/en-us/graph/api/user-sendmail */
const input = z.object({
  message: z.object({
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
  }),
  saveToSentItems: z.boolean().default(true),
})
type Message = z.output<typeof input>['message']

/** Returns the content of a message in JSON. */
function draftOf(message: Message, address: string) {
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

async function sendMail(call: ProviderCall): Promise<Answer> {
  const { user, address } = accountIn(call)
  const isMime = /^text\/plain\b/i.test(call.c.req.header('Content-Type') ?? '')
  const id = randomUUID()
  if (isMime) {
    const raw = Buffer.from(call.body.toString('latin1'), 'base64')
    const { from = address, recipients: to } = addressesIn(raw)
    assertOwn(call, from)
    await send(call, [{ id, from, recipients: to, content: raw }])
    await saveSent(call, user, raw)
    return { status: 202 }
  }
  const { message, saveToSentItems } = jsonBody(call, input)
  assertOwn(call, message.from?.email ?? address)
  const draft = draftOf(message, address)
  const content = { ...draft.content, headers: { 'Message-ID': `<${id}@graph.lab>`, ...draft.content.headers } }
  await send(call, [{ id, ...draft, content, tags: message.categories }])
  if (saveToSentItems) await saveSent(call, user, await compose(content, call.context.clock.now()))
  return { status: 202 }
}

/** https://learn.microsoft.com/en-us/graph/errors */
const errors: Readonly<Record<ErrorKind, readonly [status: number, code: string, message?: string]>> = {
  'bad-key': [401, 'InvalidAuthenticationToken'],
  'unverified-sender': [
    403,
    'ErrorSendAsDenied',
    'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.',
  ],
  suppressed: [400, 'ErrorInvalidRecipients'],
  'rate-limit': [429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.'],
  quota: [429, 'ErrorMessageSubmissionBlocked', 'Cannot send mail. The daily limit of recipients is reached.'],
  'too-large': [413, 'ErrorMessageSizeExceeded', 'The message exceeds the maximum supported size.'],
  suspended: [403, 'ErrorAccountSuspend', 'Account suspended.'],
  unavailable: [503, 'ServiceUnavailable'],
  invalid: [400, 'ErrorInvalidRequest'],
  'bad-address': [400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.'],
  'unknown-template': [400, 'ErrorInvalidRequest'],
  'not-found': [404, 'ErrorItemNotFound'],
  'not-offered': [501, 'NotImplemented'],
}

/** Microsoft Graph: sendMail. Its keys are access tokens of the lab. */
export const graph: Provider = {
  routes: [
    {
      method: 'POST',
      path: /^\/(?:v1\.0|beta)\/(?:me|users\/(?<user>[^/]+))\/(?:microsoft\.graph\.)?sendMail$/i,
      run: sendMail,
    },
  ],
  credentialOf: accessTokenIn,
  messageIdOf: (id) => `${id}@graph.lab`,
  errorOf({ kind, message }, { resetAtMs, nowMs }, { c }) {
    const [status, code, text] = errors[kind]
    const id = randomUUID()
    const innerError = {
      date: timeText(nowMs).slice(0, 19),
      'request-id': id,
      'client-request-id': c.req.header('client-request-id') ?? id,
    }
    const headers = { 'Retry-After': `${Math.ceil((resetAtMs - nowMs) / 1000)}` }
    const body = { error: { code, message: text ?? message, innerError } }
    return { status, body, ...(status === 429 ? { headers } : {}) }
  },
}
