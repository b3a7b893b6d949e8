import { splitAddress } from '../../../src/accounts/directory/names.ts'
import { providerTitles } from '../../../src/core/config/schema/providers.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { compose, type MessageDraft } from '../../../src/mail/format/compose.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { findField, headerFields } from '../../../src/mail/format/headers.ts'
import { sentByLines } from '../../../src/mail/format/sent-by.ts'
import { crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { deliver, reaches, schedule, sentMail, sourceOf } from './deliver.ts'
import { type OutgoingMail, type ProviderCall, ProviderError, type SentMail } from './types.ts'
import { assertAddress } from './values.ts'

const DAY_MS = 86_400_000

/** Sends messages: all are checked before the first is delivered. @throws ProviderError */
export async function send(call: ProviderCall, mails: readonly OutgoingMail[]): Promise<void> {
  for (const mail of mails) assertMail(call, mail)
  for (const _ of mails) countMessage(call)
  const written = await Promise.all(mails.map((mail) => write(call, mail)))
  const now = call.context.clock.now()
  for (const [mail, trace, { sendAt = now, batch }] of written) {
    const ids = [mail.id, ...(batch ? [batch] : [])]
    if (sendAt <= now) await deliver(call, mail, trace)
    else await schedule(call, { ...mail, raw: Buffer.concat([trace, mail.raw]) }, { ids, at: sendAt })
  }
}

/** Counts a message against the limits of the virtual server and of the provider. @throws ProviderError `rate-limit`, `quota` */
function countMessage(call: ProviderCall): void {
  const { context, config, account, key, tenant } = call
  // An account has one limit, whatever its tokens.
  const sender = account?.user ?? key
  const { messages, per = DAY_MS } = context.config.limits.rate ?? {}
  for (const [kind, count = Number.POSITIVE_INFINITY, perMs] of [
    ['rate-limit', messages, per],
    ['quota', config.quota, DAY_MS],
  ] as const) {
    if (!context.rates.take([sourceOf(call), tenant?.name, sender, kind].join('\n'), { count, perMs }))
      throw new ProviderError(kind, `the limit is ${count} messages in ${perMs / 1000} seconds`)
  }
}

/** @throws ProviderError `unverified-sender` */
export function assertVerified({ config: { senders } }: Pick<ProviderCall, 'config'>, from: string): void {
  const { domain } = splitAddress(from.toLowerCase())
  const isVerified = senders?.some((one) => [from.toLowerCase(), domain, `@${domain}`].includes(one.toLowerCase()))
  if (isVerified === false) throw new ProviderError('unverified-sender', from)
}

/** @throws ProviderError */
function assertMail(call: ProviderCall, { from, recipients, verifiedAs = from }: OutgoingMail): void {
  const { context, tenant } = call
  assertAddress(from, 'from')
  assertVerified(call, verifiedAs)
  const limit = context.config.limits.recipients
  if (recipients.length === 0) throw new ProviderError('invalid', 'the message has no recipient', 'to')
  if (recipients.length > limit) throw new ProviderError('invalid', `the limit is ${limit} recipients`, 'to')
  for (const one of recipients) {
    assertAddress(one, 'to')
    if (!reaches(call, one))
      throw new ProviderError('invalid', `${one} is not an account of the tenant ${tenant?.name}`, 'to')
  }
}

/** Returns a message with its octets, and the lines in front of it. @throws ProviderError `too-large`, `invalid` */
async function write(call: ProviderCall, mail: OutgoingMail): Promise<[SentMail, trace: Buffer, OutgoingMail]> {
  const { context, provider, config, key, virtualServer, base } = call
  const { id, from, recipients, content, tags = [], details = {} } = mail
  const at = context.clock.now()
  const own = { 'Message-ID': `<${provider.messageIdOf(id)}>`, Date: formatDate(at) }
  const raw = Buffer.isBuffer(content) ? await complete(content, own) : await composed(content, own, at)
  const { messageSize } = context.config.limits
  if (raw.length > messageSize)
    throw new ProviderError('too-large', `the message has ${raw.length} octets, and the limit is ${messageSize}`)
  const by = { id, tags, arguments: mail.arguments ?? {} }
  const name = providerTitles[config.provider]
  const trace = sentByLines({ ...by, provider: config.provider, name, key }, { virtualServer, base, details })
  const session = call.c.get('connection').record.id
  return [sentMail({ ...by, raw, from, recipients, at, details, session }), trace, mail]
}

type Fields = Readonly<Record<string, string>>

/** Returns a message in MIME with the fields that it lacks. */
async function complete(content: Buffer, own: Fields): Promise<Buffer> {
  const given = await runInSlices(crlfSteps(content))
  const fields = headerFields(given)
  const missing = Object.entries(own).filter(([name]) => !findField(fields, name))
  return Buffer.concat([Buffer.from(missing.map(([name, value]) => `${name}: ${value}\r\n`).join('')), given])
}

/** Composes a message with the fields that it lacks. @throws ProviderError `invalid` */
export const composed = (draft: MessageDraft, own: Fields, at: number): Promise<Buffer> =>
  compose({ ...draft, headers: { ...own, ...draft.headers } }, at).catch((error: unknown) => {
    throw error instanceof TypeError ? new ProviderError('invalid', error.message, 'headers') : error
  })
