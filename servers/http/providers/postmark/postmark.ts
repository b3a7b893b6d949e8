import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { addressed, attachmentOf } from '../../drafts.ts'
import { isSuppressed } from '../deliver.ts'
import { send } from '../send.ts'
import {
  type Answer,
  type ErrorKind,
  type OutgoingMail,
  type Provider,
  type ProviderCall,
  ProviderError,
} from '../types.ts'
import { fromTemplate, jsonBody, keyIn, optionalText, parseMailboxes, templateNamed } from '../values.ts'
import { postmarkEvents } from './events.ts'

/** The key that checks requests and sends nothing. */
const TEST_KEY = 'POSTMARK_API_TEST'
const TOKEN = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|POSTMARK_API_TEST)$/i

/** https://postmarkapp.com/developer/api/email-api */
const email = z.object({
  From: optionalText,
  To: optionalText,
  Cc: optionalText,
  Bcc: optionalText,
  Subject: optionalText,
  Tag: optionalText,
  HtmlBody: optionalText,
  TextBody: optionalText,
  ReplyTo: optionalText,
  Headers: z.array(z.object({ Name: z.string(), Value: z.string() })).nullish(),
  Metadata: z.record(z.string(), z.string()).nullish(),
  MessageStream: optionalText,
  Attachments: z
    .array(
      z.object({ Name: z.string(), Content: z.string(), ContentType: z.string(), ContentID: z.string().nullish() }),
    )
    .nullish(),
  TemplateId: z.number().nullish(),
  TemplateAlias: optionalText,
  TemplateModel: z.record(z.string(), z.unknown()).nullish(),
})
type Email = z.output<typeof email>

function contentOf(call: ProviderCall, { Subject, TextBody, HtmlBody, ...wanted }: Email) {
  const template = wanted.TemplateAlias ?? wanted.TemplateId
  if (template !== undefined && template !== null)
    return fromTemplate(templateNamed(call, `${template}`), wanted.TemplateModel ?? {})
  if (TextBody === undefined && HtmlBody === undefined)
    throw new ProviderError('invalid', 'Provide either email TextBody or HtmlBody or both.')
  return { subject: Subject ?? '', text: TextBody, html: HtmlBody }
}

function outgoingMail(call: ProviderCall, wanted: Email): OutgoingMail {
  const [from] = parseMailboxes(wanted.From ?? '', 'From')
  if (!from) throw new ProviderError('bad-address', '', 'From')
  const [to = [], cc = [], bcc = []] = (['To', 'Cc', 'Bcc'] as const).map((name) =>
    parseMailboxes(wanted[name] ?? '', name),
  )
  const content = {
    ...contentOf(call, wanted),
    headers: {
      ...(wanted.ReplyTo === undefined ? {} : { 'Reply-To': wanted.ReplyTo }),
      ...Object.fromEntries((wanted.Headers ?? []).map(({ Name, Value }) => [Name, Value])),
    },
    attachments: (wanted.Attachments ?? []).map(({ Name, Content, ContentType, ContentID }) =>
      attachmentOf(Name, Content, ContentType, ContentID ?? undefined),
    ),
  }
  const sent = addressed({ from, to, cc, bcc }, content)
  const { recipients } = sent
  if (recipients.length === 0) throw new ProviderError('invalid', 'Zero recipients specified')
  if (recipients.every((one) => isSuppressed(call, one))) throw new ProviderError('suppressed', recipients.join(', '))
  return {
    id: randomUUID(),
    ...sent,
    tags: wanted.Tag === undefined ? [] : [wanted.Tag],
    arguments: wanted.Metadata ?? {},
    details: { stream: wanted.MessageStream ?? 'outbound' },
  }
}

async function sendOne(call: ProviderCall, wanted: Email) {
  const mail = outgoingMail(call, wanted)
  const isTest = call.c.req.header('X-Postmark-Server-Token') === TEST_KEY
  if (!isTest) await send(call, [mail])
  const inactive = mail.recipients.filter((one) => isSuppressed(call, one)).join(', ')
  const warning = inactive === '' ? 'OK' : `Message OK, but will not deliver to these inactive addresses: ${inactive}.`
  return {
    To: wanted.To ?? '',
    ...(wanted.Cc === undefined ? {} : { Cc: wanted.Cc }),
    SubmittedAt: timeText(call.context.clock.now()),
    MessageID: mail.id,
    ErrorCode: 0,
    Message: isTest ? 'Test job accepted' : warning,
  }
}

/** Sends each message of a batch on its own: one that is refused leaves the others as they are. */
async function sendAll(call: ProviderCall, all: readonly Email[]): Promise<Answer> {
  const results: object[] = []
  for (const wanted of all) {
    try {
      results.push(await sendOne(call, wanted))
    } catch (error) {
      if (!(error instanceof ProviderError) || error.kind === 'rate-limit') throw error
      results.push(errorBody(error))
    }
  }
  return { body: results }
}

/** https://postmarkapp.com/developer/api/overview#error-codes */
const errors: Readonly<
  Record<ErrorKind, readonly [status: number, code: number, message?: (detail: string) => string]>
> = {
  'bad-key': [
    401,
    10,
    () =>
      'The Server Token you provided in the X-Postmark-Server-Token request header was invalid. Please verify that you are using a valid token.',
  ],
  'unverified-sender': [
    422,
    400,
    (from) =>
      `The 'From' address you supplied (${from}) is not a Sender Signature on your account. Please add and confirm this address in order to be able to use it in the 'From' field of your messages.`,
  ],
  suppressed: [
    422,
    406,
    (recipients) =>
      `You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ${recipients}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.`,
  ],
  'rate-limit': [429, 429, () => 'Rate limit exceeded.'],
  // The code is documented, its text is not.
  // The table of 2012; today's has no row for it.
  quota: [422, 405, () => 'You ran out of credits.'],
  'too-large': [413, 300, () => 'The message is larger than allowed.'],
  suspended: [422, 413, () => 'This account is not approved to send email.'],
  unavailable: [503, 100, () => 'The Postmark API is offline for maintenance.'],
  invalid: [422, 300],
  'bad-address': [422, 300],
  'unknown-template': [
    422,
    1101,
    (name) =>
      `The Template's '${/^\d+$/.test(name) ? 'TemplateId' : 'Alias'}' associated with this request is not valid or was not found.`,
  ],
  'not-found': [404, 404],
  'not-offered': [501, 600],
}

/** The codes and texts of requests that are not in the form of the API. */
const INVALID: Partial<Readonly<Record<string, readonly [code: number, message: string]>>> = {
  json: [402, 'Invalid JSON.'],
  too_big: [410, 'You may only send up to 500 messages in a single batched request.'],
}

function errorBody({ kind, message, field = '', code = '' }: ProviderError) {
  const [, ErrorCode, text] = errors[kind]
  if (kind === 'bad-address') return { ErrorCode, Message: `Invalid '${field}' address: '${message}'.` }
  if (kind !== 'invalid' || code === '') return { ErrorCode, Message: text?.(field || message) ?? message }
  const [own = 403, words = `Invalid request field(s): '${field}'.`] = INVALID[code] ?? []
  return { ErrorCode: own, Message: words }
}

/** Postmark. */
export const postmark: Provider = {
  routes: [
    {
      method: 'POST',
      path: /^\/email(?:\/withTemplate)?\/?$/i,
      run: async (call) => ({ body: await sendOne(call, jsonBody(call, email)) }),
    },
    {
      method: 'POST',
      path: /^\/email\/batch\/?$/i,
      run: (call) => sendAll(call, jsonBody(call, z.array(email).max(500))),
    },
    {
      method: 'POST',
      path: /^\/email\/batchWithTemplates\/?$/i,
      run: (call) => sendAll(call, jsonBody(call, z.object({ Messages: z.array(email).max(500) })).Messages),
    },
  ],
  credentialOf({ c }) {
    const key = keyIn(c.req.header('X-Postmark-Server-Token'), TOKEN)
    // The test key works on every account.
    return key?.shown === TEST_KEY ? { ...key, matches: () => true } : key
  },
  messageIdOf: (id) => `${id}@mtasv.net`,
  errorOf(error, _, { c }) {
    const body = errorBody(error)
    const isForm = TOKEN.test(c.req.header('X-Postmark-Server-Token') ?? '')
    if (error.kind === 'bad-key' && !isForm) body.Message = 'Request does not contain a valid Server token.'
    return { status: errors[error.kind][0], body }
  },
  // https://postmarkapp.com/support/article/1239-how-to-test-bounces: every other local part is a hard bounce.
  testAddresses: [
    [/^soft_?bounce@bounce-testing\.postmarkapp\.com$/i, 'soft-bounced'],
    [/^(?:transient|dns_?error)@bounce-testing\.postmarkapp\.com$/i, 'deferred'],
    [/@bounce-testing\.postmarkapp\.com$/i, 'bounced'],
    [/@blackhole\.postmarkapp\.com$/i, 'delivered'],
  ],
  eventPosts: postmarkEvents,
}
