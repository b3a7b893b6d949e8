import { randomBytes } from 'node:crypto'
import { auth } from 'hono/utils/basic-auth'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { parseDate } from '../../../../src/mail/format/dates.ts'
import { envelopeAndDraft } from '../../drafts.ts'
import { scheduledMail } from '../deliver.ts'
import { assertVerified, send } from '../send.ts'
import { errorTable, routesOf } from '../tables.ts'
import { type Answer, type OutgoingMail, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { fromTemplate, jsonIn, keyIn, parseMailboxes, templateNamed } from '../values.ts'
import { mailgunEvents } from './events.ts'

/** Reads a form, with files or without. @throws ProviderError `invalid` */
async function formOf({ c, body }: ProviderCall): Promise<FormData> {
  const headers = { 'content-type': c.req.header('Content-Type') ?? '' }
  try {
    return await new Response(new Uint8Array(body), { headers }).formData()
  } catch (cause) {
    throw new ProviderError('invalid', `the form cannot be read: ${(cause as Error).message}`)
  }
}

/** Returns the values of a field. Clients in PHP write `attachment[0]` for `attachment`. */
const valuesIn = (form: FormData, name: string): (string | File)[] =>
  [...form].flatMap(([key, value]) => (key.replace(/\[\d*\]$/, '') === name ? [value] : []))

const textsIn = (form: FormData, name: string): string[] =>
  valuesIn(form, name).filter((one): one is string => typeof one === 'string')

const filesIn = (form: FormData, name: string) =>
  Promise.all(
    valuesIn(form, name)
      .filter((one): one is File => typeof one !== 'string')
      .map(async (one) => ({
        filename: one.name,
        contentType: one.type,
        content: Buffer.from(await one.arrayBuffer()),
      })),
  )

/** Returns the fields with a prefix: `h:Reply-To`, `v:order`. */
const prefixed = (form: FormData, prefix: string): Record<string, string> =>
  Object.fromEntries(
    [...form].flatMap(([name, value]) =>
      name.startsWith(prefix) && typeof value === 'string' ? [[name.slice(prefix.length), value]] : [],
    ),
  )

function objectIn(form: FormData, name: string): Record<string, unknown> {
  try {
    return jsonIn(textsIn(form, name)[0] ?? '{}') as Record<string, unknown>
  } catch {
    throw new ProviderError('invalid', `'${name}' parameter is not a valid JSON`, name)
  }
}

/** Replaces %recipient.name% by the variables of a recipient. */
const personal = (text: string, variables: object): string =>
  text.replaceAll(/%recipient\.([\w-]+)%/g, (_, name: string) =>
    String((variables as Record<string, unknown>)[name] ?? ''),
  )

const mailboxesIn = (form: FormData, name: string) => textsIn(form, name).flatMap((text) => parseMailboxes(text, name))

/** Returns a message for all recipients, or one for each if they have variables. */
async function mailsOf(call: ProviderCall, form: FormData): Promise<OutgoingMail[]> {
  const [from] = mailboxesIn(form, 'from')
  if (!from) throw new ProviderError('invalid', "'from' parameter is missing", 'from')
  const [to, cc, bcc] = [mailboxesIn(form, 'to'), mailboxesIn(form, 'cc'), mailboxesIn(form, 'bcc')]
  if (to.length === 0) throw new ProviderError('invalid', "'to' parameter is missing", 'to')
  const [template] = textsIn(form, 'template')
  const variables = { ...objectIn(form, 't:variables'), ...prefixed(form, 'v:') }
  const own = template === undefined ? undefined : fromTemplate(templateNamed(call, template), variables)
  const [subject = own?.subject ?? ''] = textsIn(form, 'subject')
  const [text = own?.text] = textsIn(form, 'text')
  const [html = own?.html] = textsIn(form, 'html')
  if (text === undefined && html === undefined) {
    throw new ProviderError('invalid', "Need at least one of 'text' or 'html' parameters specified")
  }
  const inline = (await filesIn(form, 'inline')).map((file) => ({ ...file, cid: file.filename }))
  const attachments = [...inline, ...(await filesIn(form, 'attachment'))]
  const perRecipient = objectIn(form, 'recipient-variables')
  const isBatch = textsIn(form, 'recipient-variables').length > 0
  const groups = isBatch ? to.map((one) => [one]) : [to]
  return groups.map((group) => {
    const values = isBatch ? ((perRecipient[group[0]?.email ?? ''] ?? {}) as object) : {}
    const content = {
      subject: personal(subject, values),
      text: text && personal(text, values),
      html: html && personal(html, values),
      headers: prefixed(form, 'h:'),
      attachments,
    }
    return { ...envelopeOf(call, form), ...envelopeAndDraft({ from, to: group, cc, bcc }, content) }
  })
}

/** Returns the facts that messages of both paths have. */
const envelopeOf = ({ context, params: { domain = '' } }: ProviderCall, form: FormData) => ({
  id: `${timeText(context.clock.now()).replaceAll(/\D/g, '').slice(0, 14)}.${randomBytes(8).toString('hex')}@${domain}`,
  verifiedAs: `postmaster@${domain}`,
  tags: textsIn(form, 'o:tag'),
  arguments: prefixed(form, 'v:'),
  details: { domain },
  sendAt: timeIn(textsIn(form, 'o:deliverytime')[0]),
  // The queue of a domain is emptied together.
  batch: domain,
})

/** Reads a time. RFC 2822 section 3.3. @throws ProviderError `invalid` */
function timeIn(text: string | undefined): number | undefined {
  const at = text === undefined ? undefined : parseDate(text)?.getTime()
  if (text !== undefined && at === undefined)
    throw new ProviderError('invalid', `${text} is not an RFC-2822 compliant date`, 'o:deliverytime')
  return at
}

/** Deletes all scheduled mail of a domain. https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/delete-v3--domain-name--envelopes */
async function deleteScheduled(call: ProviderCall): Promise<Answer> {
  await call.api.outgoing.queue.delete(scheduledMail(call, call.params.domain).map(({ id }) => id))
  return { body: { message: 'done' } }
}

async function answer(call: ProviderCall, form: FormData, mails: readonly OutgoingMail[]): Promise<Answer> {
  const [first] = mails
  const isTest = /^(?:yes|true)$/i.test(textsIn(form, 'o:testmode')[0] ?? '')
  if (first?.verifiedAs !== undefined) assertVerified(call, first.verifiedAs)
  if (!isTest) await send(call, mails)
  return { body: { id: `<${first?.id}>`, message: 'Queued. Thank you.' } }
}

async function sendMessages(call: ProviderCall): Promise<Answer> {
  const form = await formOf(call)
  return answer(call, form, await mailsOf(call, form))
}

async function sendMime(call: ProviderCall): Promise<Answer> {
  const form = await formOf(call)
  const [file] = await filesIn(form, 'message')
  const { content: raw } = file ?? {}
  if (!raw && textsIn(form, 'message').length > 0)
    throw new ProviderError('invalid', "'message' parameter is not a file", 'message')
  if (!raw) throw new ProviderError('invalid', "'message' parameter is missing", 'message')
  const recipients = mailboxesIn(form, 'to').map(({ email }) => email)
  if (recipients.length === 0) throw new ProviderError('invalid', "'to' parameter is missing", 'to')
  const envelope = envelopeOf(call, form)
  return answer(call, form, [{ ...envelope, from: envelope.verifiedAs, recipients, content: raw }])
}

/** github.com/mailgun/documentation, source/api-sending.rst, Error codes */
const refusalOf = errorTable({
  'bad-key': '401 - Forbidden',
  'unverified-sender': '404 - Domain not found: {domain}',
  suppressed: '400 -',
  'rate-limit': '429 - Domain {domain} is not allowed to send: request limit exceeded, try again after {until}',
  quota: '429 - Domain {domain} is not allowed to send: recipient limit exceeded, try again after {until}',
  'too-large': '413 - request size exceeds {size} limit',
  suspended: '400 - Domain {domain} is not allowed to send: Please activate your Mailgun account.',
  unavailable: '503 - Service Unavailable',
  invalid: '400 -',
  'bad-address': "400 - '{field}' parameter is not a valid address. please check documentation",
  // The words of the lab.
  'unknown-template': '404 -',
  'not-found': '404 -',
  'not-offered': '501 -',
})

/** Returns the limit that the lab names at the end. */
const mebibytes = (detail: string): string => `${(Number(/\d+(?=\D*$)/.exec(detail)?.[0]) / 1024 ** 2).toFixed(1)}MiB`

/** Mailgun, version 3 of its API. */
export const mailgun: Provider = {
  routes: routesOf({
    'POST /v3/{domain}/messages': sendMessages,
    'POST /v3/{domain}/messages\\.mime': sendMime,
    'DELETE /v3/{domain}/envelopes': deleteScheduled,
  }),
  credentialOf({ c }) {
    const { username, password } = auth(c.req.raw) ?? {}
    return username === 'api' ? keyIn(password, /^(\S+)$/) : undefined
  },
  messageIdOf: (id) => id,
  errorOf(error, { limit, resetAtMs, nowMs }, { path }) {
    const { kind, message, field = '' } = error
    const domain = /^\/v3\/([^/]+)/.exec(path)?.[1] ?? ''
    const until = new Date(resetAtMs).toUTCString()
    const { status, text } = refusalOf(error, { field, domain, until, size: mebibytes(message) })
    // Only this answer is not in JSON.
    if (kind === 'bad-key') return { status, body: text, headers: { 'WWW-Authenticate': 'Basic realm="MG API"' } }
    const headers = {
      'X-RateLimit-Limit': `${limit}`,
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': `${resetAtMs}`,
      'Retry-After': `${Math.ceil((resetAtMs - nowMs) / 1000)}`,
    }
    return { status, body: { message: text }, ...(kind === 'rate-limit' ? { headers } : {}) }
  },
  eventPosts: mailgunEvents,
}
