import { randomBytes } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { addressText } from '../../../src/mail/format/addresses.ts'
import { FIELD_NAME, headerLines } from '../../../src/mail/format/compose.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import {
  encodingOf,
  reportField,
  textPart,
  uniqueToken,
  writeMultipart,
} from '../../../src/transport/delivery/reports/parts.ts'
import { fieldLines } from '../../../src/transport/delivery/reports/status-fields.ts'
import { octetsOfBlob } from './blobs.ts'
import { MDN } from './capabilities.ts'
import { assertSettable, isBoolean, isObjects, isString, optional, orNull, required, type Test } from './checks.ts'
import { countMessage, outgoingEnvelope, setEmails } from './email-submission.ts'
import { headerAddresses } from './envelope.ts'
import { type Identity, identitiesOf, maySendFrom } from './identity.ts'
import { hasKeyword, shownCopy } from './mails.ts'
import { MDN_FIELDS, parseMdns } from './mdn-parse.ts'
import { assertArguments, assertCount, attemptEach, realId } from './standard.ts'
import { deliverSubmission } from './submit.ts'
import { invalid, type JsonObject, type Method, type MethodCall, notFound, SetError } from './types.ts'

/** The properties of an MDN that the client may set. RFC 9007 section 1.1. */
interface Mdn {
  readonly forEmailId: string
  readonly subject: string | null
  readonly textBody: string | null
  readonly includeOriginalMessage: boolean | null
  readonly reportingUA: string | null
  readonly disposition: { readonly actionMode: string; readonly sendingMode: string; readonly type: string }
  readonly finalRecipient: string | null
  readonly extensionFields: Readonly<Record<string, string>> | null
}

/** An MDN that is sent. */
interface MadeMdn extends Mdn {
  readonly subject: string
  readonly textBody: string
  readonly finalRecipient: string
  readonly originalRecipient: string | null
  readonly originalMessageId: string | null
}

const isLine: Test = (value) => isString(value) && /^[ -~]{1,800}$/.test(value)
const MODES: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['actionMode', ['manual-action', 'automatic-action']],
  ['sendingMode', ['mdn-sent-manually', 'mdn-sent-automatically']],
  ['type', ['deleted', 'dispatched', 'displayed', 'processed']],
]
const isExtension = ([name, value]: [string, unknown]): boolean =>
  FIELD_NAME.test(name) && name.length <= 100 && !MDN_FIELDS.has(name.toLowerCase()) && isLine(value)

/** The tests of the properties. Fields of a report are in ASCII. RFC 8098 section 3.1. */
const SETTABLE: Readonly<Record<keyof Mdn, Test>> = {
  forEmailId: isString,
  subject: orNull(isString),
  textBody: orNull(isString),
  includeOriginalMessage: orNull(isBoolean),
  reportingUA: orNull(isLine),
  disposition: (value) => isMapping(value) && MODES.every(([name, values]) => values.includes(`${value[name]}`)),
  finalRecipient: orNull(isLine),
  extensionFields: orNull((value) => isMapping(value) && Object.entries(value).every(isExtension)),
}
const DEFAULTS = Object.fromEntries(Object.keys(SETTABLE).map((name) => [name, null]))

/** @throws SetError `invalidProperties` */
function mdnIn(given: JsonObject): Mdn {
  const mdn = { ...DEFAULTS, ...given }
  assertSettable(SETTABLE, mdn)
  return mdn as unknown as Mdn
}

/** RFC 9007 section 2.1. */
async function sendMdns(call: MethodCall) {
  assertArguments(call, ['identityId', 'send', 'onSuccessUpdateEmail'])
  const identity = (await identitiesOf(call)).get(realId(call, required(call, 'identityId', isString)))
  if (!identity) throw invalid('there is no such identity')
  const wanted = Object.entries(required(call, 'send', isObjects))
  const onSuccess = optional(call, 'onSuccessUpdateEmail', isObjects) ?? {}
  assertCount(call, 'maxObjectsInSet', wanted.length)
  const update: Record<string, JsonObject> = {}
  const answered = new Set<string>()
  const { done, refused } = await attemptEach(wanted, async (given, id) => {
    const [emailId, made] = await sendMdn(call, identity, mdnIn(given), answered)
    answered.add(emailId)
    if (onSuccess[`#${id}`]) update[emailId] = { ...update[emailId], ...onSuccess[`#${id}`] }
    return Object.fromEntries(Object.entries(made).filter(([name]) => (given[name] ?? null) === null))
  })
  const response = { accountId: call.account.id, sent: done, notSent: refused }
  return { response, implicit: await setEmails(call, update) }
}

/**
 * Sends an MDN. Returns the id of its Email, and the MDN.
 * @param answered the ids of the Emails for which the call has sent one
 * @throws SetError
 */
async function sendMdn(
  call: MethodCall,
  identity: Identity,
  mdn: Mdn,
  answered: ReadonlySet<string>,
): Promise<[emailId: string, MadeMdn]> {
  const { account, api, context } = call
  await account.history.settled()
  const mail = account.history.mails.get(realId(call, mdn.forEmailId))
  const size = mail && shownCopy(mail)?.entry.sizeOctets
  using memory = api.lab.intake.memory.reservation('messages')
  memory.grow(3 * (size ?? 0))
  const message = mail && size !== undefined ? await octetsOfBlob(call, mail.id) : undefined
  if (!mail || !message) throw notFound('Email', mdn.forEmailId)
  if (hasKeyword(mail, '$mdnsent') || answered.has(mail.id))
    throw new SetError('mdnAlreadySent', 'the Email has the keyword $mdnsent, or another MDN of the call is for it')
  const to = [...new Set(headerAddresses(message, 'disposition-notification-to'))]
  // RFC 8098 section 2.1
  if (to.length === 0) throw new SetError('forbidden', 'the Email has no Disposition-Notification-To')
  const address = mdn.finalRecipient?.replace(/^rfc822\s*;\s*/i, '') ?? identity.email
  if (!maySendFrom(call, address)) throw new SetError('forbiddenFrom', `the account does not receive for ${address}`)
  const made = {
    ...mdn,
    subject: mdn.subject ?? `Read: ${decodeWords(headerValue(message, headerFields(message), 'subject') ?? '')}`.trim(),
    textBody: mdn.textBody ?? `This is a receipt for the message that you sent to ${address}.`,
    includeOriginalMessage: mdn.includeOriginalMessage ?? false,
    finalRecipient: `rfc822; ${address}`,
    originalRecipient: reportField({ message }, 'Original-Recipient') ?? null,
    originalMessageId: reportField({ message }, 'Message-ID') ?? null,
    mdnGateway: null,
    error: null,
  }
  const raw = await writeMdn(made, identity, to, message, api)
  const { messageSize } = context.config.limits
  if (raw.length > messageSize) throw new SetError('tooLarge', `the limit is ${messageSize} octets`)
  // RFC 8098 section 3: the null reverse-path, so that nothing answers an MDN.
  const rcptTo = to.map((one) => ({ email: one, parameters: null }))
  const envelope = await outgoingEnvelope(call, { mailFrom: { email: '', parameters: null }, rcptTo })
  countMessage(call)
  const submission = { user: account.account.user, id: `M${randomBytes(12).toString('base64url')}` }
  const submitted = { raw, envelope: { ...envelope, submission }, session: call.record.id }
  await deliverSubmission(api, submitted, (text) => call.record.note(text))
  return [mail.id, made]
}

/** Writes an MDN. RFC 8098 section 3. */
async function writeMdn(mdn: MadeMdn, identity: Identity, to: readonly string[], message: Buffer, api: Api) {
  const { disposition, originalMessageId, extensionFields } = mdn
  const { services, clock } = api.lab
  const token = `mdn-${uniqueToken()}`
  const isAutomatic = disposition.sendingMode === 'mdn-sent-automatically'
  const head = await headerLines([
    ['From', addressText({ name: identity.name, address: identity.email })],
    ['To', to.join(', ')],
    ['Subject', mdn.subject],
    ['Date', formatDate(clock.now())],
    ['Message-ID', `<${token}@${services.hostname}>`],
    ['References', originalMessageId ?? undefined],
    ['Auto-Submitted', isAutomatic ? 'auto-replied' : undefined], // RFC 3834 section 5
  ])
  const fields = fieldLines([
    ['Reporting-UA', mdn.reportingUA ?? undefined],
    ['Original-Recipient', mdn.originalRecipient ?? undefined],
    ['Final-Recipient', mdn.finalRecipient],
    ['Original-Message-ID', originalMessageId ?? undefined],
    ['Disposition', `${disposition.actionMode}/${disposition.sendingMode.replace('mdn', 'MDN')}; ${disposition.type}`],
    ...Object.entries(extensionFields ?? {}),
  ])
  const original = { fields: [['Content-Type', 'message/rfc822'], encodingOf(message)] as const, content: message }
  const report = writeMultipart({
    head: [],
    boundary: token,
    reportType: 'disposition-notification',
    parts: [
      textPart(`${mdn.textBody.replace(/\r?\n|\r/g, '\r\n')}\r\n`),
      textPart(fields, 'message/disposition-notification'),
      ...(mdn.includeOriginalMessage ? [original] : []),
    ],
  })
  return Buffer.concat([Buffer.from(head), report])
}

/** The methods of RFC 9007. */
export const mdnMethods: Readonly<Record<string, Method>> = {
  'MDN/send': { capability: MDN, run: sendMdns },
  'MDN/parse': { capability: MDN, run: parseMdns },
}
