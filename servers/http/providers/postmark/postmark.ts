import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { attachmentOf, envelopeAndDraft } from '../../drafts.ts'
import { isSuppressed } from '../deliver.ts'
import { send } from '../send.ts'
import { errorTable, resultsOf, routesOf } from '../tables.ts'
import { type Answer, type OutgoingMail, type Provider, type ProviderCall, ProviderError } from '../types.ts'
import { fromTemplate, jsonBody, keyIn, optionalText, parseMailboxes, templateNamed } from '../values.ts'
import { postmarkEvents } from './events.ts'

/** The key that checks requests and sends nothing. */
const TEST_KEY = 'POSTMARK_API_TEST'
const TOKEN = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|POSTMARK_API_TEST)$/i

const text = z.string()
const attachment = z.object({ Name: text, Content: text, ContentType: text, ContentID: optionalText })
/** https://postmarkapp.com/developer/api/email-api */
const email = z.object({
  From: optionalText,
  To: optionalText,
  Cc: optionalText,
  Bcc: optionalText,
  ReplyTo: optionalText,
  Subject: optionalText,
  Tag: optionalText,
  HtmlBody: optionalText,
  TextBody: optionalText,
  Headers: z.array(z.object({ Name: z.string(), Value: z.string() })).nullish(),
  Metadata: z.record(z.string(), z.string()).nullish(),
  MessageStream: optionalText,
  Attachments: z.array(attachment).nullish(),
  TemplateId: z.number().nullish(),
  TemplateAlias: optionalText,
  TemplateModel: z.record(z.string(), z.unknown()).nullish(),
})
const emails = z.array(email).max(500)
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
      attachmentOf(Name, Content, ContentType, ContentID),
    ),
  }
  const sent = envelopeAndDraft({ from, to, cc, bcc }, content)
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

/** Sends each message of a batch on its own. */
const sendAll = async (call: ProviderCall, all: readonly Email[]): Promise<Answer> => ({
  body: await resultsOf(
    all,
    (wanted) => sendOne(call, wanted),
    (error) => {
      if (error.kind === 'rate-limit') throw error
      return errorBody(error)
    },
  ),
})

/** https://postmarkapp.com/developer/api/overview#error-codes */
const refusalOf = errorTable({
  'bad-key':
    '401 10 The Server Token you provided in the X-Postmark-Server-Token request header was invalid. Please verify that you are using a valid token.',
  'unverified-sender':
    "422 400 The 'From' address you supplied ({detail}) is not a Sender Signature on your account. Please add and confirm this address in order to be able to use it in the 'From' field of your messages.",
  suppressed:
    '422 406 You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {detail}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.',
  // The code is documented, its text is not.
  'rate-limit': '429 429 Rate limit exceeded.',
  // The table of 2012; today's has no row for it.
  quota: '422 405 You ran out of credits.',
  'too-large': '413 300 The message is larger than allowed.',
  suspended: '422 413 This account is not approved to send email.',
  unavailable: '503 100 The Postmark API is offline for maintenance.',
  invalid: '422 300',
  'bad-address': "422 300 Invalid '{field}' address: '{detail}'.",
  'unknown-template': "422 1101 The Template's '{field}' associated with this request is not valid or was not found.",
  'not-found': '404 404',
  'not-offered': '501 600',
})

/** The codes and texts of requests that are not in the form of the API. */
const INVALID: Partial<Readonly<Record<string, readonly [code: number, message: string]>>> = {
  json: [402, 'Invalid JSON.'],
  too_big: [410, 'You may only send up to 500 messages in a single batched request.'],
}

function errorBody(error: ProviderError) {
  const { kind, field = '', code: why = '' } = error
  const isTemplate = kind === 'unknown-template'
  const { code, text } = refusalOf(error, {
    field: isTemplate ? (/^\d+$/.test(field) ? 'TemplateId' : 'Alias') : field,
  })
  if (kind !== 'invalid' || why === '') return { ErrorCode: Number(code), Message: text }
  const [own = 403, words = `Invalid request field(s): '${field}'.`] = INVALID[why] ?? []
  return { ErrorCode: own, Message: words }
}

/** Postmark. */
export const postmark: Provider = {
  routes: routesOf(
    {
      'POST /email(?:/withTemplate)?/?': async (call) => ({ body: await sendOne(call, jsonBody(call, email)) }),
      'POST /email/batch/?': (call) => sendAll(call, jsonBody(call, emails)),
      'POST /email/batchWithTemplates/?': (call) =>
        sendAll(call, jsonBody(call, z.object({ Messages: emails })).Messages),
    },
    'i',
  ),
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
    return { status: refusalOf(error).status, body }
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
