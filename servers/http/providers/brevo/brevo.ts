import { createHash, randomInt, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { scheduledMail } from '../deliver.ts'
import { send } from '../send.ts'
import { type EventRows, errorTable, eventPosts, READER, replyText, routesOf } from '../tables.ts'
import {
  type Answer,
  type MailEvent,
  type OutgoingMail,
  type Provider,
  type ProviderCall,
  ProviderError,
} from '../types.ts'
import { fromTemplate, jsonBody, keyIn, templateNamed } from '../values.ts'

const mailbox = z.object({ email: z.string(), name: z.string().optional() })
const mailboxes = z.array(mailbox).optional()
const values = z.record(z.string(), z.unknown()).optional()
const version = {
  to: mailboxes,
  cc: mailboxes,
  bcc: mailboxes,
  replyTo: mailbox.optional(),
  subject: z.string().optional(),
  htmlContent: z.string().optional(),
  textContent: z.string().optional(),
  params: values,
  headers: z.record(z.string(), z.unknown()).optional(),
}

/** https://developers.brevo.com/reference/sendtransacemail */
const input = z.object({
  ...version,
  sender: mailbox.optional(),
  templateId: z.number().optional(),
  tags: z.array(z.string()).default([]),
  attachment: z
    .array(
      z.object({ name: z.string().default('attachment'), content: z.string().optional(), url: z.string().optional() }),
    )
    .default([]),
  scheduledAt: z.iso.datetime({ offset: true }).optional(),
  batchId: z.string().optional(),
  messageVersions: z.array(z.object(version)).max(2000).optional(),
})
type Input = z.output<typeof input>
type Version = Partial<Omit<Input, 'messageVersions' | 'sender' | 'tags' | 'attachment' | 'templateId'>>

function contentOf(call: ProviderCall, wanted: Input, one: Version) {
  const params = { ...wanted.params, ...one.params }
  const own = {
    subject: one.subject ?? wanted.subject ?? '',
    text: one.textContent ?? wanted.textContent,
    html: one.htmlContent ?? wanted.htmlContent,
  }
  if (wanted.templateId !== undefined) {
    const made = fromTemplate(templateNamed(call, `${wanted.templateId}`), params)
    return { ...made, subject: own.subject || made.subject }
  }
  if (own.text === undefined && own.html === undefined)
    throw new ProviderError('invalid', 'either of htmlContent or textContent is missing', '', 'missing')
  if (own.subject === '') throw new ProviderError('invalid', 'subject is missing', '', 'missing')
  return fromTemplate(own, params)
}

function outgoingMail(call: ProviderCall, wanted: Input, one: Version): OutgoingMail {
  const { sender } = wanted
  const [to = [], cc = [], bcc = []] = [one.to ?? wanted.to, one.cc ?? wanted.cc, one.bcc ?? wanted.bcc]
  if (!sender) throw new ProviderError('invalid', 'sender is missing', '', 'missing')
  if (to.length === 0) throw new ProviderError('invalid', 'to is missing', '', 'missing')
  const replyTo = one.replyTo ?? wanted.replyTo
  const minute = timeText(call.context.clock.now()).replaceAll(/\D/g, '').slice(0, 12)
  const given = Object.entries({ ...wanted.headers, ...one.headers }).filter(([name]) => !/^X-Sib-Sandbox$/i.test(name))
  return {
    id: `${minute}.${randomInt(1e10, 1e11)}@smtp-relay.mailin.fr`,
    ...envelopeAndDraft(
      { from: sender, to, cc, bcc, replyTo: replyTo ? [replyTo] : [] },
      {
        ...contentOf(call, wanted, one),
        headers: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
        attachments: wanted.attachment.map(({ name, content }) => {
          if (content !== undefined) return attachmentOf(name, content, undefined)
          throw new ProviderError('not-offered', 'Sealpost does not fetch attachments by `url`; send their `content`')
        }),
      },
    ),
    tags: wanted.tags,
    sendAt: wanted.scheduledAt === undefined ? undefined : Date.parse(wanted.scheduledAt),
    batch: wanted.batchId,
    arguments: { ...wanted.params, ...one.params },
    details: { custom: String(Object.fromEntries(given)['X-Mailin-custom'] ?? '') },
  }
}

async function sendEmail(call: ProviderCall): Promise<Answer> {
  const given = jsonBody(call, input)
  const { scheduledAt, batchId = scheduledAt && randomUUID() } = given
  const wanted = { ...given, batchId }
  const mails = (wanted.messageVersions ?? [{}]).map((one) => outgoingMail(call, wanted, one))
  const isSandbox = Object.keys(wanted.headers ?? {}).some((name) => /^X-Sib-Sandbox$/i.test(name))
  if (!isSandbox) await send(call, mails)
  const ids = mails.map(({ id }) => `<${id}>`)
  const body = wanted.messageVersions ? { messageIds: ids } : { messageId: ids[0] }
  return scheduledAt ? { status: 202, body: { ...body, batchId } } : { status: 201, body }
}

/** Deletes the scheduled messages of a batch, or one. https://developers.brevo.com/reference/delete-scheduled-email-by-id */
async function deleteScheduled(call: ProviderCall): Promise<Answer> {
  const id = decodeURIComponent(call.params.id ?? '').replace(/^<|>$/g, '')
  const found = scheduledMail(call, id)
  if (found.length === 0) throw new ProviderError('not-found', 'No scheduled email has this identifier')
  await call.api.outgoing.queue.delete(found.map((entry) => entry.id))
  return { status: 204 }
}

/** https://developers.brevo.com/docs/how-it-works#error-codes */
const refusalOf = errorTable({
  'bad-key': '401 unauthorized Key not found',
  'unverified-sender':
    '400 invalid_parameter Sending has been rejected because the sender you used {detail} is not valid. Validate your sender or authenticate your domain',
  suppressed: '400 invalid_parameter',
  // Brevo documents the header fields of this answer, and not its JSON.
  'rate-limit': '429 too_many_requests Too many requests',
  quota: '402 not_enough_credits Not enough credit, plan upgrade needed',
  'too-large': '413 invalid_parameter',
  suspended:
    '403 permission_denied Unable to send email. Your SMTP account is not yet activated. Please contact us at contact@brevo.com to request activation',
  unavailable: '503 unavailable',
  invalid: '400 invalid_parameter',
  'bad-address': '400 invalid_parameter {address}',
  'unknown-template': '404 document_not_found',
  'not-found': '404 document_not_found',
  'not-offered': '501 not_implemented',
})

/** The codes of requests that are not in the form of the API. */
const CODES: Partial<Readonly<Record<string, string>>> = { json: 'bad_request', missing: 'missing_parameter' }

const reason = (event: MailEvent) => ({ reason: replyText(event) })

/** https://developers.brevo.com/docs/transactional-webhooks */
const rows: EventRows = {
  sent: ['request'],
  delivered: ['delivered'],
  deferred: ['deferred', reason],
  bounced: ['hard_bounce', reason],
  'soft-bounced': ['soft_bounce', reason],
  dropped: ['blocked', reason],
  complained: ['spam'],
  opened: ['opened'],
  clicked: ['click', () => ({ link: READER.link })],
  unsubscribed: ['unsubscribed'],
}

/** The events of Brevo: one for each request, without a signature. */
const brevoEvents = eventPosts(rows, 'SendinBlue Webhook', ({ id, at, mail, recipient }, event, more) => {
  const seconds = Math.floor(at / 1000)
  return {
    event,
    email: recipient,
    id: createHash('sha256').update(id).digest().readUIntBE(0, 4),
    date: new Date(at).toISOString().slice(0, 19).replace('T', ' '),
    ts: seconds,
    'message-id': `<${mail.messageId}>`,
    ts_event: seconds,
    subject: mail.subject,
    ...(mail.details.custom ? { 'X-Mailin-custom': mail.details.custom } : {}),
    sending_ip: '127.0.0.1',
    ts_epoch: at,
    tag: JSON.stringify(mail.tags),
    tags: mail.tags,
    ...more,
  }
})

/** Brevo, version 3 of its API. */
export const brevo: Provider = {
  routes: routesOf({ 'POST /v3/smtp/email': sendEmail, 'DELETE /v3/smtp/email/{id}': deleteScheduled }),
  credentialOf: ({ c }) => keyIn(c.req.header('api-key'), /^(xkeysib-\S+)$/),
  messageIdOf: (id) => id,
  errorOf(error, { limit, resetAtMs, nowMs }) {
    const { kind, field = '', code: why = '' } = error
    const address = field === 'from' ? 'valid sender email required' : `email is not valid in ${field}`
    const { status, code, text } = refusalOf(error, { address })
    const headers = {
      'x-sib-ratelimit-limit': `${limit}`,
      'x-sib-ratelimit-remaining': '0',
      'x-sib-ratelimit-reset': `${Math.ceil((resetAtMs - nowMs) / 1000)}`,
    }
    const body = { code: CODES[why] ?? code, message: text }
    return { status, body, ...(kind === 'rate-limit' ? { headers } : {}) }
  },
  eventPosts: brevoEvents,
}
