import { createHash, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { Api } from '../../../../src/api/api.ts'
import type { QueueEntry } from '../../../../src/transport/outgoing/types.ts'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { schedule, scheduledMail } from '../deliver.ts'
import { send } from '../send.ts'
import { errorTable, routesOf } from '../tables.ts'
import { type Answer, type OutgoingMail, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { fromTemplate, jsonBody, keyIn, parseMailboxes, templateNamed } from '../values.ts'
import { resendEvents } from './events.ts'

const addresses = z
  .union([z.string(), z.array(z.string()).max(50)])
  .nullish()
  .transform((given) => (given === null || given === undefined ? [] : [given].flat()))

/** Base64, or the octets of a Buffer in JSON. */
const content = z.union([
  z.string(),
  z
    .object({ type: z.literal('Buffer'), data: z.array(z.number()) })
    .transform(({ data }) => Buffer.from(data).toString('base64')),
])

const attachment = z.object({
  filename: z.string().default('attachment'),
  content: content.nullish(),
  content_type: z.string().optional(),
  content_id: z.string().optional(),
})

/** https://resend.com/docs/api-reference/emails/send-email */
const email = z.object({
  from: z.string(),
  to: addresses,
  cc: addresses,
  bcc: addresses,
  reply_to: addresses,
  subject: z.string().optional(),
  text: z.string().nullish(),
  html: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  tags: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  scheduled_at: z.string().nullish(),
  template: z.object({ id: z.string(), variables: z.record(z.string(), z.unknown()).default({}) }).nullish(),
  attachments: z.array(attachment).nullish(),
})
type Email = z.output<typeof email>

function contentOf(call: ProviderCall, { subject, text, html, template }: Email) {
  if (template) {
    const made = fromTemplate(templateNamed(call, template.id), template.variables)
    return { ...made, subject: subject ?? made.subject }
  }
  if (subject === undefined) throw new ProviderError('invalid', '', 'subject', 'missing')
  if (!text && !html) throw new ProviderError('invalid', 'Missing `html` or `text` field.', 'html')
  return { subject, text: text || undefined, html: html || undefined }
}

function outgoingMail(call: ProviderCall, wanted: Email): OutgoingMail {
  const [from] = parseMailboxes(wanted.from, 'from')
  if (!from) throw new ProviderError('bad-address', '', 'from')
  const lists = (['to', 'cc', 'bcc', 'reply_to'] as const).map((name) =>
    wanted[name].flatMap((one) => parseMailboxes(one, name)),
  )
  const [to = [], cc = [], bcc = [], replyTo = []] = lists
  if (to.length === 0) throw new ProviderError('invalid', '', 'to', 'missing')
  const content = {
    ...contentOf(call, wanted),
    headers: wanted.headers ?? {},
    attachments: (wanted.attachments ?? []).map(({ filename, content: octets, content_type: type, content_id: id }) => {
      if (octets) return attachmentOf(filename, octets, type, id)
      throw new ProviderError('not-offered', 'Sealpost does not fetch attachments by `path`; send their `content`')
    }),
  }
  return {
    id: randomUUID(),
    ...envelopeAndDraft({ from, to, cc, bcc, replyTo }, content),
    tags: (wanted.tags ?? []).map(({ value }) => value),
    arguments: Object.fromEntries((wanted.tags ?? []).map(({ name, value }) => [name, value])),
    ...(wanted.scheduled_at ? { sendAt: timeIn(call, wanted.scheduled_at) } : {}),
  }
}

/** Answers to requests with an idempotency key, the latest last. */
const answered = new WeakMap<
  Api,
  Map<string, { readonly digest: string; readonly at: number; readonly answer: Answer }>
>()
const MAX_ANSWERED = 1_000
const KEY_LENGTH = 'Idempotency keys, if present, must have between 1 and 256 characters.'
const DAY_MS = 86_400_000

/** Answers a request again as it was answered before, in 24 hours. https://resend.com/docs/dashboard/emails/idempotency-keys */
async function once(call: ProviderCall, run: () => Promise<Answer>): Promise<Answer> {
  const name = call.c.req.header('Idempotency-Key')
  if (name === undefined) return run()
  if (name === '' || name.length > 256) return refusal(400, 'invalid_idempotency_key', KEY_LENGTH)
  const known = answered.get(call.api) ?? new Map()
  if (!answered.has(call.api)) call.api.onReset(() => known.clear())
  answered.set(call.api, known)
  const key = [call.context.name, call.tenant?.name, call.c.req.header('Authorization'), name].join('\n')
  const digest = createHash('sha256').update(call.body).digest('hex')
  const before = known.get(key)
  const now = call.context.clock.now()
  if (before && now - before.at < DAY_MS) {
    if (before.digest === digest) return before.answer
    return refusal(409, 'invalid_idempotent_request', 'Same idempotency key used with a different request payload.')
  }
  const answer = await run()
  known.set(key, { digest, at: now, answer })
  if (known.size > MAX_ANSWERED) known.delete(known.keys().next().value)
  return answer
}

async function sendEmail(call: ProviderCall): Promise<Answer> {
  const mail = outgoingMail(call, jsonBody(call, email))
  await send(call, [mail])
  return { body: { id: mail.id } }
}

async function sendBatch(call: ProviderCall): Promise<Answer> {
  const mails = jsonBody(call, z.array(email).min(1).max(100)).map((one) => outgoingMail(call, one))
  await send(call, mails)
  return { body: { data: mails.map(({ id }) => ({ id })) } }
}

/** Does something with an email that waits for its time. @throws ProviderError */
async function changed(call: ProviderCall, change: (entry: QueueEntry) => Promise<boolean>): Promise<Answer> {
  const { id = '' } = call.params
  const [entry] = scheduledMail(call, id)
  if (!entry || !(await change(entry))) throw new ProviderError('not-found', 'Email not found')
  return { body: { object: 'email', id } }
}

const cancel = (call: ProviderCall): Promise<Answer> =>
  changed(call, async ({ id }) => (await call.api.outgoing.queue.delete([id])) > 0)

/** Gives a scheduled message another time. Returns whether it still waited. @throws StoreError */
async function reschedule(call: ProviderCall, entry: QueueEntry, at: number): Promise<boolean> {
  const { queue } = call.api.outgoing
  const { id, mailFrom: from, subject = '', receivedBy: session, scheduled } = entry
  const raw = await buffer(queue.read(id))
  if ((await queue.delete([id])) === 0) return false
  const recipients = entry.recipients.map(({ address }) => address)
  await schedule(call, { raw, from, recipients, subject, session }, { ids: scheduled?.ids ?? [], at })
  return true
}

function update(call: ProviderCall): Promise<Answer> {
  const at = timeIn(call, jsonBody(call, z.object({ scheduled_at: z.string() })).scheduled_at)
  return changed(call, (entry) => reschedule(call, entry, at))
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a time: ISO 8601, or `in 5 min`. https://resend.com/docs/dashboard/emails/schedule-email @throws ProviderError */
function timeIn({ context }: ProviderCall, text: string): number {
  const [, count, unit = ''] = /^in (\d+|an?) (s|m|h|d)\w*$/i.exec(text.trim()) ?? []
  const size = UNITS[unit.toLowerCase() as keyof typeof UNITS]
  const at = size ? context.clock.now() + (Number(count) || 1) * size : Date.parse(text)
  if (!Number.isNaN(at)) return at
  throw new ProviderError('invalid', 'The `scheduled_at` field must be a time in ISO 8601, or such as `in 5 min`.')
}

/** https://resend.com/docs/api-reference/errors */
const refusalOf = errorTable({
  'bad-key': '401 validation_error API key is invalid',
  'unverified-sender':
    '403 validation_error The {domain} domain is not verified. Please, add and verify your domain on https://resend.com/domains',
  suppressed: '422 validation_error',
  'rate-limit':
    '429 rate_limit_exceeded Too many requests. You can only make {rate}. See rate limit response headers for more information. Or contact support to increase rate limit.',
  quota: '429 daily_quota_exceeded You have reached your daily email sending quota.',
  'too-large': '413 validation_error',
  suspended: '403 suspended_api_key This API key is suspended.',
  unavailable: '500 internal_server_error An unexpected error occurred.',
  invalid: '422 validation_error',
  'bad-address':
    '422 validation_error Invalid `{field}` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.',
  'unknown-template': '404 not_found',
  'not-found': '404 not_found',
  'not-offered': '501 not_implemented',
})

const refusal = (statusCode: number, name: string, message: string): Answer => ({
  status: statusCode,
  body: { statusCode, name, message },
})

const KEY = /^bearer\s+(re_\S+)$/i

/** Resend. */
export const resend: Provider = {
  routes: routesOf({
    'POST /emails': (call) => once(call, () => sendEmail(call)),
    'POST /emails/batch': (call) => once(call, () => sendBatch(call)),
    'POST /emails/{id}/cancel': cancel,
    'PATCH /emails/{id}': update,
  }),
  credentialOf: ({ c }) => keyIn(c.req.header('Authorization'), KEY),
  messageIdOf: (id) => `${id}@email.amazonses.com`,
  errorOf(error, { limit, resetAtMs, nowMs }, { c }) {
    const { kind, message, field = '', code: why } = error
    const seconds = Math.ceil((resetAtMs - nowMs) / 1000)
    const rate = `${limit} requests per ${seconds === 1 ? 'second' : `${seconds} seconds`}`
    const { status, code, text } = refusalOf(error, { field, rate, domain: message.replace(/^.*@/, '') })
    const key = c.req.header('Authorization')
    if (kind === 'bad-key' && key === undefined) return refusal(401, 'missing_api_key', 'Missing API Key')
    if (kind === 'bad-key' && !KEY.test(key ?? '')) return refusal(400, code, text)
    if (why === 'missing') return refusal(status, 'missing_required_field', `Missing \`${field}\` field.`)
    const limits = { limit: `${limit}`, remaining: '0', reset: `${seconds}` }
    const headers = Object.fromEntries(Object.entries(limits).map(([name, value]) => [`ratelimit-${name}`, value]))
    const answer = refusal(status, code, text)
    return status === 429 ? { ...answer, headers: { ...headers, 'retry-after': `${seconds}` } } : answer
  },
  // https://resend.com/docs/dashboard/emails/send-test-emails
  testAddresses: [
    [/^delivered(?:\+.*)?@resend\.dev$/i, 'delivered'],
    [/^bounced(?:\+.*)?@resend\.dev$/i, 'bounced'],
    [/^complained(?:\+.*)?@resend\.dev$/i, 'complained'],
    [/^suppressed(?:\+.*)?@resend\.dev$/i, 'dropped'],
  ],
  eventPosts: resendEvents,
}
