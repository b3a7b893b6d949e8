import { createHash, randomUUID } from 'node:crypto'
import { auth } from 'hono/utils/basic-auth'
import { z } from 'zod'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { definedOnly } from '../../../../src/core/values/defined.ts'
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
    throw new ProviderError(
      'invalid',
      'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.',
      'HTMLPart, TextPart, TemplateID',
      'send-0003',
    )
  const given = { subject: Subject ?? '', text: TextPart, html: HTMLPart }
  return wanted.TemplateLanguage ? fromTemplate(given, wanted.Variables) : given
}

/** Returns the number that Mailjet gives a message besides its UUID. */
const numberOf = (id: string): number => createHash('sha256').update(id).digest().readUIntBE(0, 6)

function outgoingMail(call: ProviderCall, wanted: Message): OutgoingMail {
  const { From, To, Cc, Bcc, ReplyTo, CustomID, EventPayload, CustomCampaign } = wanted
  if (!From) throw new ProviderError('invalid', '', 'From', 'missing')
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
  let status = 200
  for (const given of Messages) {
    try {
      const wanted = jsonBody({ body: Buffer.from(JSON.stringify({ ...Globals, ...given })) }, message)
      const mail = outgoingMail(call, wanted)
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
      if (!(error instanceof ProviderError) || errors[error.kind][0] === 429) throw error
      status = Messages.length === 1 ? errors[error.kind][0] : 400
      const related = error.kind === 'bad-address' ? propertyPath(error.message, given) : error.field || 'From'
      results.push({ Status: 'error', Errors: [{ ...errorBody(error), ErrorRelatedTo: related.split(', ') }] })
    }
  }
  return { status, body: { Messages: results } }
}

/** Returns the property that has an address, such as `To[0].Email`. */
function propertyPath(email: string, given: Readonly<Record<string, unknown>>): string {
  const named = Object.entries(given).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((one, at) => [`${name}[${at}].Email`, one] as const)
      : [[`${name}.Email`, value] as const],
  )
  return named.find(([, one]) => (one as { Email?: unknown } | null)?.Email === email)?.[0] ?? 'From.Email'
}

/** github.com/mailjet/api-documentation, guides/_send-api.md, Send API errors */
const errors: Readonly<
  Record<
    ErrorKind,
    readonly [status: number, code: string | undefined, message?: string | ((detail: string) => string)]
  >
> = {
  // github.com/mailjet/mailjet-apiv3-php/issues/109: without a code.
  'bad-key': [
    401,
    undefined,
    'API key authentication/authorization failure. You may be unauthorized to access the API or your API key may be expired. Visit API keys management section to check your keys.',
  ],
  // The text of the tests of github.com/mailjet/mailjet-apiv3-go.
  'unverified-sender': [
    403,
    'send-0008',
    (from) => `"${from}" is not an authorized sender email address for your account.`,
  ],
  suppressed: [400, undefined],
  // The tests of django-anymail: not in JSON. Mailjet documents no error for a used-up quota.
  'rate-limit': [429, undefined, 'Rate limit exceeded'],
  quota: [429, undefined, 'Rate limit exceeded'],
  'too-large': [400, 'mj-0011', 'Input payload must be less than 15MB.'],
  suspended: [401, 'mj-0001', 'The API key is suspended.'],
  unavailable: [500, undefined],
  invalid: [400, 'mj-0003'],
  'bad-address': [400, 'mj-0013', (email) => `"${email}" is an invalid email address.`],
  'unknown-template': [400, 'send-0010'],
  'not-found': [404, undefined],
  'not-offered': [501, undefined],
}

/** The codes and texts of requests that are not in the form of the API. */
const INVALID: Partial<Readonly<Record<string, readonly [code: string, message?: string]>>> = {
  json: ['mj-0002', 'Malformed JSON, please review the syntax and properties types.'],
  missing: ['mj-0003', 'Missing mandatory property.'],
  too_small: ['mj-0007', 'The array must not be empty.'],
  too_big: ['mj-0008', 'The array has too many elements.'],
  invalid_type: ['mj-0004'],
  'send-0003': ['send-0003'],
}

function errorBody({ kind, message: detail, code = '' }: ProviderError) {
  const [StatusCode, usual, text] = errors[kind]
  const [ErrorCode = usual, words] = (kind === 'invalid' && INVALID[code]) || []
  const ErrorMessage = words ?? (typeof text === 'function' ? text(detail) : (text ?? detail))
  return definedOnly({ ErrorIdentifier: randomUUID(), ErrorCode, StatusCode, ErrorMessage })
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
  errorOf(error) {
    const status = errors[error.kind][0]
    if (status === 429) return { status, body: 'Rate limit exceeded', headers: { 'Content-Type': 'text/html' } }
    return { status, body: errorBody(error) }
  },
  eventPosts: mailjetEvents,
}
