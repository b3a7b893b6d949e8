import { createHash, randomUUID } from 'node:crypto'
import { auth } from 'hono/utils/basic-auth'
import { z } from 'zod'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { addressed, attachmentOf } from '../../drafts.ts'
import { send } from '../send.ts'
import {
  type Answer,
  type ErrorKind,
  type EventPosts,
  type MailEvent,
  type OutgoingMail,
  type Provider,
  type ProviderCall,
  ProviderError,
} from '../types.ts'
import { fromTemplate, jsonBody, keyIn, optionalText, templateNamed } from '../values.ts'

const mailbox = z
  .object({ Email: z.string(), Name: optionalText })
  .transform(({ Email: email, Name: name }) => ({ email, name }))
const mailboxes = z.array(mailbox).default([])
const files = z
  .array(
    z.object({
      Filename: z.string(),
      ContentType: z.string(),
      Base64Content: z.string(),
      ContentID: z.string().optional(),
    }),
  )
  .default([])
const message = z.object({
  From: mailbox.optional(),
  To: mailboxes,
  Cc: mailboxes,
  Bcc: mailboxes,
  ReplyTo: mailbox.optional(),
  Subject: z.string().optional(),
  TextPart: z.string().optional(),
  HTMLPart: z.string().optional(),
  TemplateID: z.number().optional(),
  TemplateLanguage: z.boolean().optional(),
  Variables: z.record(z.string(), z.unknown()).default({}),
  Headers: z.record(z.string(), z.string()).default({}),
  Attachments: files,
  InlinedAttachments: files,
  CustomID: z.string().optional(),
  EventPayload: z.string().optional(),
  CustomCampaign: z.string().optional(),
})

/** https://dev.mailjet.com/email/reference/send-emails/ */
const input = z.object({
  Messages: z.array(z.record(z.string(), z.unknown())).min(1).max(50),
  Globals: z.record(z.string(), z.unknown()).default({}),
  SandboxMode: z.boolean().default(false),
})
type Message = z.output<typeof message>

function contentOf(call: ProviderCall, { Subject, TextPart, HTMLPart, ...wanted }: Message) {
  if (wanted.TemplateID !== undefined) {
    const made = fromTemplate(templateNamed(call, `${wanted.TemplateID}`), wanted.Variables)
    return { ...made, subject: Subject ?? made.subject }
  }
  if (TextPart === undefined && HTMLPart === undefined)
    throw new ProviderError('invalid', 'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.', 'HTMLPart')
  const given = { subject: Subject ?? '', text: TextPart, html: HTMLPart }
  return wanted.TemplateLanguage ? fromTemplate(given, wanted.Variables) : given
}

/** Returns the number that Mailjet gives a message besides its UUID. */
const numberOf = (id: string): number => createHash('sha256').update(id).digest().readUIntBE(0, 6)

function mailOf(call: ProviderCall, wanted: Message): OutgoingMail {
  const { From, To, Cc, Bcc, ReplyTo, CustomID, EventPayload, CustomCampaign } = wanted
  if (!From) throw new ProviderError('invalid', 'Mandatory property "From" is missing.', 'From')
  const attached = (isInline: boolean) =>
    (isInline ? wanted.InlinedAttachments : wanted.Attachments).map((file) =>
      attachmentOf(file.Filename, file.Base64Content, file.ContentType, isInline ? file.ContentID : undefined),
    )
  return {
    id: randomUUID(),
    ...addressed(
      { from: From, to: To, cc: Cc, bcc: Bcc, replyTo: ReplyTo ? [ReplyTo] : [] },
      { ...contentOf(call, wanted), headers: wanted.Headers, attachments: [...attached(false), ...attached(true)] },
    ),
    tags: CustomCampaign === undefined ? [] : [CustomCampaign],
    arguments: wanted.Variables,
    details: { customId: CustomID ?? '', payload: EventPayload ?? '', campaign: CustomCampaign ?? '' },
  }
}

async function sendMessages(call: ProviderCall): Promise<Answer> {
  const { Messages, Globals, SandboxMode } = jsonBody(call, input)
  const results: object[] = []
  let isRefused = false
  for (const given of Messages) {
    try {
      const wanted = jsonBody({ body: Buffer.from(JSON.stringify({ ...Globals, ...given })) }, message)
      const mail = mailOf(call, wanted)
      if (!SandboxMode) await send(call, [mail])
      const idOf = ({ email }: { readonly email: string }) => ({
        Email: email,
        MessageUUID: mail.id,
        MessageID: numberOf(mail.id),
        MessageHref: `https://api.mailjet.com/v3/REST/message/${numberOf(mail.id)}`,
      })
      const [To, Cc, Bcc] = [wanted.To.map(idOf), wanted.Cc.map(idOf), wanted.Bcc.map(idOf)]
      results.push({ Status: 'success', CustomID: wanted.CustomID ?? '', To, Cc, Bcc })
    } catch (error) {
      if (!(error instanceof ProviderError) || error.kind === 'rate-limit') throw error
      isRefused = true
      results.push({ Status: 'error', Errors: [{ ...errorBody(error), ErrorRelatedTo: [error.field ?? 'From'] }] })
    }
  }
  return { status: isRefused ? 400 : 200, body: { Messages: results } }
}

/** https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors */
const errors: Readonly<
  Record<ErrorKind, readonly [status: number, code: string, message?: string | ((detail: string) => string)]>
> = {
  'bad-key': [
    401,
    'mj-0002',
    'API key authentication/authorization failure. You may be unauthorized to access the API or your API key may be expired. Visit API keys management section to check your keys.',
  ],
  // The text of the tests of github.com/mailjet/mailjet-apiv3-go.
  'unverified-sender': [
    403,
    'send-0008',
    (from) => `"${from}" is not an authorized sender email address for your account.`,
  ],
  suppressed: [400, 'mj-0013'],
  'rate-limit': [429, 'mj-0429', 'Too many requests. Please wait before you send the next one.'],
  // Mailjet documents no error for a used-up quota.
  quota: [429, 'mj-0429', 'Your account has reached its daily sending limit.'],
  'too-large': [413, 'mj-0413', 'The message is larger than 15 MB.'],
  suspended: [403, 'mj-0020', 'Your account is blocked.'],
  unavailable: [503, 'mj-0001'],
  invalid: [400, 'mj-0003'],
  'unknown-template': [400, 'send-0010'],
  'not-found': [404, 'mj-0404'],
  'not-offered': [501, 'mj-0501'],
}

function errorBody({ kind, message: detail }: ProviderError) {
  const [StatusCode, ErrorCode, text] = errors[kind]
  return {
    ErrorIdentifier: randomUUID(),
    ErrorCode,
    StatusCode,
    ErrorMessage: typeof text === 'function' ? text(detail) : (text ?? detail),
  }
}

const agent = { ip: '192.0.2.1', geo: 'US', agent: 'Mozilla/5.0' }
const bounce = (hard: boolean, related: string) => (event: MailEvent) => ({
  blocked: false,
  hard_bounce: hard,
  error_related_to: related,
  error: event.reply.text,
  comment: `${event.reply.code} ${event.reply.status}`,
})

/** https://dev.mailjet.com/email/guides/webhooks/ */
const forms: Partial<Readonly<Record<ProviderEvent, readonly [event: string, more?: (event: MailEvent) => object]>>> = {
  delivered: ['sent', ({ reply }) => ({ smtp_reply: `${reply.code} ${reply.status} ${reply.text}` })],
  bounced: ['bounce', bounce(true, 'recipient')],
  'soft-bounced': ['bounce', bounce(false, 'recipient')],
  dropped: ['blocked', () => ({ error_related_to: 'recipient', error: 'preblocked' })],
  complained: ['spam', () => ({ source: 'JMRPP' })],
  opened: ['open', () => agent],
  clicked: ['click', () => ({ url: 'https://example.com/', ...agent })],
  unsubscribed: ['unsub', () => ({ mj_list_id: 1, ...agent })],
}

/** The events of Mailjet: one for each request, without a signature. */
const mailjetEvents: EventPosts = (events) =>
  events.flatMap((event) => {
    const [name, more] = forms[event.type] ?? []
    if (name === undefined) return []
    const { id, details } = event.mail
    const body = {
      event: name,
      time: Math.floor(event.at / 1000),
      MessageID: numberOf(id),
      Message_GUID: id,
      email: event.recipient,
      mj_campaign_id: 0,
      mj_contact_id: 0,
      customcampaign: details.campaign ?? '',
      CustomID: details.customId ?? '',
      Payload: details.payload ?? '',
      ...more?.(event),
    }
    return [{ event: name, body: JSON.stringify(body), headers: { 'User-Agent': 'Mailjet' } }]
  })

/** Mailjet, version 3.1 of its Send API. */
export const mailjet: Provider = {
  routes: [{ method: 'POST', path: /^\/v3\.1\/send\/?$/, run: sendMessages }],
  credentialOf({ c }) {
    const { username: id, password } = auth(c.req.raw) ?? {}
    const key = keyIn(password, /^(.+)$/s)
    return id && key ? { ...key, id, shown: id } : undefined
  },
  messageIdOf: (id) => `${id}@in.mailjet.com`,
  errorOf: (error) => ({ status: errors[error.kind][0], body: errorBody(error) }),
  eventPosts: mailjetEvents,
}
