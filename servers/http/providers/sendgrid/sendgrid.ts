import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { send } from '../send.ts'
import { errorTable, routesOf } from '../tables.ts'
import { type Answer, type OutgoingMail, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { ADDRESS, fromTemplate, jsonBody, keyIn, optionalText, templateNamed } from '../values.ts'
import { sendGridEvents } from './events.ts'
import { scheduledSends } from './scheduled-sends.ts'

const mailbox = z.object({ email: z.string().regex(ADDRESS, 'Does not contain a valid address.'), name: optionalText })
const mailboxes = z.array(mailbox).default([])
const texts = z.record(z.string(), z.string()).default({})
const facts = z.record(z.string(), z.unknown()).default({})

/** The fields of a personalization that a request has, too. */
const shared = { subject: optionalText, headers: texts, custom_args: facts, send_at: z.int().optional() }
const personalization = z.object({
  to: mailboxes,
  cc: mailboxes,
  bcc: mailboxes,
  from: mailbox.optional(),
  ...shared,
  substitutions: texts,
  dynamic_template_data: facts,
})
const attachment = z.object({
  content: z.string(),
  filename: z.string(),
  type: optionalText,
  disposition: optionalText,
  content_id: optionalText,
})

/** https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
const input = z.object({
  personalizations: z.array(personalization).min(1).max(1000),
  from: mailbox,
  reply_to: mailbox.optional(),
  reply_to_list: mailboxes,
  ...shared,
  content: z.array(z.object({ type: z.string(), value: z.string() })).default([]),
  attachments: z.array(attachment).default([]),
  template_id: z.string().optional(),
  categories: z.array(z.string()).max(10).default([]),
  batch_id: z.string().optional(),
  mail_settings: z.object({ sandbox_mode: z.object({ enable: z.boolean().default(false) }).optional() }).default({}),
})
type Input = z.output<typeof input>
type Personalization = z.output<typeof personalization>

const SUBJECT =
  'The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.'

/** Returns a text with the substitutions of older templates. */
const substituted = (text: string | undefined, values: Readonly<Record<string, string>>): string | undefined =>
  Object.entries(values).reduce((from, [mark, value]) => from?.replaceAll(mark, () => value), text)

function contentOf(call: ProviderCall, wanted: Input, one: Personalization) {
  const subject = one.subject ?? wanted.subject
  if (wanted.template_id !== undefined) {
    const made = fromTemplate(templateNamed(call, wanted.template_id), one.dynamic_template_data)
    return { ...made, subject: made.subject || (subject ?? '') }
  }
  if (wanted.content.length === 0)
    throw new ProviderError(
      'invalid',
      'Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.',
      'content',
    )
  if (subject === undefined) throw new ProviderError('invalid', SUBJECT, 'subject')
  const of = (type: string) => wanted.content.find((part) => part.type.toLowerCase() === type)?.value
  return {
    subject: substituted(subject, one.substitutions),
    text: substituted(of('text/plain'), one.substitutions),
    html: substituted(of('text/html'), one.substitutions),
  }
}

function outgoingMail(call: ProviderCall, wanted: Input, one: Personalization, id: string): OutgoingMail {
  const replyTo = [...(wanted.reply_to ? [wanted.reply_to] : []), ...wanted.reply_to_list]
  const content = {
    ...contentOf(call, wanted, one),
    headers: { ...wanted.headers, ...one.headers },
    attachments: wanted.attachments.map(({ filename, content: octets, type, disposition, content_id: cid }) =>
      attachmentOf(filename, octets, type, disposition === 'inline' ? cid : undefined),
    ),
  }
  return {
    id,
    ...envelopeAndDraft({ ...one, from: one.from ?? wanted.from, replyTo }, content),
    tags: wanted.categories,
    arguments: { ...wanted.custom_args, ...one.custom_args },
    sendAt: sendAtOf(call, one.send_at ?? wanted.send_at),
    batch: wanted.batch_id,
  }
}

/** @throws ProviderError `invalid` */
function sendAtOf({ context }: ProviderCall, seconds = 0): number {
  const at = seconds * 1000
  // https://www.twilio.com/docs/sendgrid/for-developers/sending-email/scheduling-parameters
  if (at <= context.clock.now() + 72 * 3_600_000) return at
  throw new ProviderError('invalid', 'Scheduling more than 72 hours in advance is forbidden.', 'send_at')
}

async function sendMail(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, input)
  for (const [at, { to }] of wanted.personalizations.entries()) {
    if (to.length > 0) continue
    const why =
      'The to array is required for all personalization objects, and must have at least one email object with a valid email address.'
    throw new ProviderError('invalid', why, `personalizations.${at}.to`)
  }
  const id = randomBytes(16).toString('base64url')
  const mails = wanted.personalizations.map((one) => outgoingMail(call, wanted, one, id))
  if (wanted.mail_settings.sandbox_mode?.enable) return { status: 200 }
  await send(call, mails)
  return { status: 202, headers: { 'X-Message-Id': id } }
}

/** https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses */
const refusalOf = errorTable({
  'bad-key': '401 - The provided authorization grant is invalid, expired, or revoked',
  'unverified-sender':
    '403 - The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity requirements',
  suppressed: '400 - The recipient is on a suppression list',
  'rate-limit': '429 - too many requests',
  quota: '401 - Maximum credits exceeded',
  'too-large': '413 - The JSON payload you have included in your request is too large.',
  suspended: '403 - access forbidden',
  unavailable: '503 - The SendGrid v3 Web API is not available.',
  invalid: '400 -',
  'bad-address': '400 - Does not contain a valid address.',
  'unknown-template': '400 -',
  'not-found': '404 - not found',
  'not-offered': '501 -',
})

/** The texts of fields that are missing, and the parts of the page about errors. */
const FIELDS: Partial<Readonly<Record<string, readonly [anchor: string, missing?: string]>>> = {
  from: [
    'message.from',
    'The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.',
  ],
  personalizations: [
    '-Personalizations-Errors-',
    'The personalizations field is required and must have at least one personalization.',
  ],
  to: ['message.personalizations.to'],
  email: ['message.recipient-errors'],
  subject: ['message.subject'],
  content: ['message.content'],
}
const HELP = 'http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#'

/** Returns the error in a request that is not in the form of the API. */
function invalid({ message, field = '', code }: ProviderError) {
  if (code === 'json') return { message: 'Bad Request', field: null, help: null }
  const [anchor, missing] = FIELDS[field.split('.').at(-1) ?? ''] ?? []
  const isMissing = code === 'missing' || code === 'too_small'
  const text = isMissing && missing ? missing : message.replace(/^\S+: (?=Does not)/, '')
  return { message: text, field: field === 'from' ? 'from.email' : field || null, help: anchor ? HELP + anchor : null }
}

/** SendGrid, version 3 of its API. */
export const sendgrid: Provider = {
  routes: routesOf({ 'POST /v3/mail/send': sendMail, ...scheduledSends }),
  credentialOf: ({ c }) => keyIn(c.req.header('Authorization'), /^bearer\s+(SG\.\S+)$/i),
  messageIdOf: (id) => `${id}@geopod-ismtpd-1`,
  errorOf(error, { limit, resetAtMs }) {
    const { kind, field = null } = error
    const { status, text } = refusalOf(error)
    if (kind === 'invalid') return { status, body: { errors: [invalid(error)] } }
    const given = kind === 'unverified-sender' ? 'from' : kind === 'unknown-template' ? 'template_id' : field
    const limits = {
      'X-RateLimit-Limit': `${limit}`,
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': `${Math.ceil(resetAtMs / 1000)}`,
    }
    const body = { errors: [{ message: text, field: given, help: null }] }
    return { status, body, ...(kind === 'rate-limit' ? { headers: limits } : {}) }
  },
  // https://www.twilio.com/docs/sendgrid/for-developers/sending-email/the-email-sink
  testAddresses: [[/@sink\.sendgrid\.net$/i, 'delivered']],
  eventPosts: sendGridEvents,
}
