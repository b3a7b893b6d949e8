import { createHash, randomUUID } from 'node:crypto'
import { auth } from 'hono/utils/basic-auth'
import { z } from 'zod'
import { omitUndefined } from '../../../../src/core/values/omit-undefined.ts'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { send } from '../send.ts'
import { type EventRows, errorTable, eventPosts, READER, replyText, resultsOf, routesOf } from '../tables.ts'
import {
  type Answer,
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
const text = z.string()
const file = z.object({ Filename: text, ContentType: text, Base64Content: text, ContentID: text.optional() })
const files = z.array(file).default([])
const message = z.object({
  From: mailbox.optional(),
  To: mailboxes,
  Cc: mailboxes,
  Bcc: mailboxes,
  ReplyTo: mailbox.optional(),
  Subject: text.optional(),
  TextPart: text.optional(),
  HTMLPart: text.optional(),
  TemplateID: z.number().optional(),
  TemplateLanguage: z.boolean().optional(),
  Variables: z.record(z.string(), z.unknown()).default({}),
  Headers: z.record(z.string(), z.string()).default({}),
  Attachments: files,
  InlinedAttachments: files,
  CustomID: text.optional(),
  EventPayload: text.optional(),
  CustomCampaign: text.optional(),
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
    ...envelopeAndDraft(
      { from: From, to: To, cc: Cc, bcc: Bcc, replyTo: ReplyTo ? [ReplyTo] : [] },
      { ...contentOf(call, wanted), headers: wanted.Headers, attachments: [...attached(false), ...attached(true)] },
    ),
    tags: CustomCampaign === undefined ? [] : [CustomCampaign],
    arguments: wanted.Variables,
    details: { customId: CustomID ?? '', payload: EventPayload ?? '', campaign: CustomCampaign ?? '' },
  }
}

/** Sends a message, and returns its result. @throws ProviderError */
async function sendOne(call: ProviderCall, given: object, isTest: boolean) {
  const wanted = jsonBody({ body: Buffer.from(JSON.stringify(given)) }, message)
  const mail = outgoingMail(call, wanted)
  if (!isTest) await send(call, [mail])
  const MessageID = numberOf(mail.id)
  const MessageHref = `https://api.mailjet.com/v3/REST/message/${MessageID}`
  const idOf = ({ email }: { readonly email: string }) => ({
    Email: email,
    MessageUUID: mail.id,
    MessageID,
    MessageHref,
  })
  const [To, Cc, Bcc] = [wanted.To.map(idOf), wanted.Cc.map(idOf), wanted.Bcc.map(idOf)]
  return { Status: 'success', CustomID: wanted.CustomID ?? '', To, Cc, Bcc }
}

async function sendMessages(call: ProviderCall): Promise<Answer> {
  const { Messages, Globals, SandboxMode } = jsonBody(call, input)
  let status = 200
  const results = await resultsOf(
    Messages,
    (given) => sendOne(call, { ...Globals, ...given }, SandboxMode),
    (error, given) => {
      const refused = refusalOf(error).status
      if (refused === 429) throw error
      status = Messages.length === 1 ? refused : 400
      const related = error.kind === 'bad-address' ? propertyPath(error.message, given) : error.field || 'From'
      return { Status: 'error', Errors: [{ ...errorBody(error), ErrorRelatedTo: related.split(', ') }] }
    },
  )
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
const refusalOf = errorTable({
  // github.com/mailjet/mailjet-apiv3-php/issues/109: without a code.
  'bad-key':
    '401 - API key authentication/authorization failure. You may be unauthorized to access the API or your API key may be expired. Visit API keys management section to check your keys.',
  // The text of the tests of github.com/mailjet/mailjet-apiv3-go.
  'unverified-sender': '403 send-0008 "{detail}" is not an authorized sender email address for your account.',
  suppressed: '400 -',
  // The tests of django-anymail: not in JSON. Mailjet documents no error for a used-up quota.
  'rate-limit': '429 - Rate limit exceeded',
  quota: '429 - Rate limit exceeded',
  'too-large': '400 mj-0011 Input payload must be less than 15MB.',
  suspended: '401 mj-0001 The API key is suspended.',
  unavailable: '500 -',
  invalid: '400 mj-0003',
  'bad-address': '400 mj-0013 "{detail}" is an invalid email address.',
  'unknown-template': '400 send-0010',
  'not-found': '404 -',
  'not-offered': '501 -',
})

/** The codes and texts of requests that are not in the form of the API. */
const INVALID: Partial<Readonly<Record<string, readonly [code: string, message?: string]>>> = {
  json: ['mj-0002', 'Malformed JSON, please review the syntax and properties types.'],
  missing: ['mj-0003', 'Missing mandatory property.'],
  too_small: ['mj-0007', 'The array must not be empty.'],
  too_big: ['mj-0008', 'The array has too many elements.'],
  invalid_type: ['mj-0004'],
  'send-0003': ['send-0003'],
}

function errorBody(error: ProviderError) {
  const { status: StatusCode, code: usual, text } = refusalOf(error)
  const [code = usual, words = text] = (error.kind === 'invalid' && INVALID[error.code ?? '']) || []
  const ErrorCode = code === '-' ? undefined : code
  return omitUndefined({ ErrorIdentifier: randomUUID(), ErrorCode, StatusCode, ErrorMessage: words })
}

const agent = { ip: READER.ip, geo: 'US', agent: READER.agent }
const bounce = (hard: boolean, related: string) => (event: MailEvent) => ({
  blocked: false,
  hard_bounce: hard,
  error_related_to: related,
  error: event.reply.text,
  comment: `${event.reply.code} ${event.reply.status}`,
})

/** https://dev.mailjet.com/email/guides/webhooks/ */
const rows: EventRows = {
  delivered: ['sent', (event) => ({ smtp_reply: replyText(event) })],
  bounced: ['bounce', bounce(true, 'recipient')],
  'soft-bounced': ['bounce', bounce(false, 'recipient')],
  dropped: ['blocked', () => ({ error_related_to: 'recipient', error: 'preblocked' })],
  complained: ['spam', () => ({ source: 'JMRPP' })],
  opened: ['open', () => agent],
  clicked: ['click', () => ({ url: READER.link, ...agent })],
  unsubscribed: ['unsub', () => ({ mj_list_id: 1, ...agent })],
}

/** The events of Mailjet: one for each request, without a signature. */
const mailjetEvents = eventPosts(rows, 'Mailjet', ({ at, recipient, mail: { id, details } }, event, more) => ({
  event,
  time: Math.floor(at / 1000),
  MessageID: numberOf(id),
  Message_GUID: id,
  email: recipient,
  mj_campaign_id: 0,
  mj_contact_id: 0,
  customcampaign: details.campaign ?? '',
  CustomID: details.customId ?? '',
  Payload: details.payload ?? '',
  ...more,
}))

/** Mailjet, version 3.1 of its Send API. */
export const mailjet: Provider = {
  routes: routesOf({ 'POST /v3\\.1/send/?': sendMessages }),
  credentialOf({ c }) {
    const { username: id, password } = auth(c.req.raw) ?? {}
    const key = keyIn(password, /^(.+)$/s)
    return id && key ? { ...key, id, shown: id } : undefined
  },
  messageIdOf: (id) => `${id}@in.mailjet.com`,
  errorOf(error) {
    const { status, text } = refusalOf(error)
    if (status === 429) return { status, body: text, headers: { 'Content-Type': 'text/html' } }
    return { status, body: errorBody(error) }
  },
  eventPosts: mailjetEvents,
}
