import { splitAddress } from '../../../src/accounts/directory/names.ts'
import { providerTitles } from '../../../src/core/config/schema/providers.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { compose } from '../../../src/mail/format/compose.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { findField, headerFields } from '../../../src/mail/format/headers.ts'
import { sentByLines } from '../../../src/mail/format/sent-by.ts'
import { crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { deliver, sentMail } from './deliver.ts'
import { schedule } from './schedule.ts'
import { type OutgoingMail, type ProviderCall, ProviderError } from './types.ts'
import { assertAddress } from './values.ts'

const DAY_MS = 86_400_000

/** Sends messages: all are checked before the first is delivered. @throws ProviderError */
export async function send(call: ProviderCall, mails: readonly OutgoingMail[]): Promise<void> {
  for (const mail of mails) assertMail(call, mail)
  for (const _ of mails) count(call)
  const written = await Promise.all(mails.map((mail) => write(call, mail)))
  const now = call.context.clock.now()
  for (const { sendAt = now, batch, ...one } of written) {
    const ids = [one.mail.id, ...(batch ? [batch] : [])]
    if (sendAt <= now) await deliver(call, one)
    else await schedule(call, Buffer.concat([one.trace, one.raw]), { ...one, ...one.mail }, { ids, at: sendAt })
  }
}

/** Counts a message against the limits of the virtual server and of the provider. @throws ProviderError `rate-limit`, `quota` */
function count({ context, config, key, virtualServer }: ProviderCall): void {
  const { messages: limit = Number.POSITIVE_INFINITY, per = DAY_MS } = context.config.limits.rate ?? {}
  const { quota = Number.POSITIVE_INFINITY } = config
  const source = `${virtualServer}\n${config.provider}\n${key}`
  if (!context.rates.take(`${source}\nrate`, { count: limit, perMs: per }))
    throw new ProviderError('rate-limit', `Too many requests: the limit is ${limit} in ${per / 1000} seconds`)
  if (!context.rates.take(`${source}\nquota`, { count: quota, perMs: DAY_MS }))
    throw new ProviderError('quota', `Daily message quota exceeded: the limit is ${quota} in 24 hours`)
}

/** @throws ProviderError `unverified-sender` */
export function assertVerified({ config: { senders } }: Pick<ProviderCall, 'config'>, from: string): void {
  const { domain } = splitAddress(from.toLowerCase())
  const isVerified = senders?.some((one) => [from.toLowerCase(), domain, `@${domain}`].includes(one.toLowerCase()))
  if (isVerified === false) throw new ProviderError('unverified-sender', from)
}

/** @throws ProviderError */
function assertMail(call: ProviderCall, { from, recipients, verifiedAs = from }: OutgoingMail): void {
  const { api, context, tenant } = call
  assertAddress(from, 'from')
  assertVerified(call, verifiedAs)
  const limit = context.config.limits.recipients
  if (recipients.length === 0) throw new ProviderError('invalid', 'the message has no recipient', 'to')
  if (recipients.length > limit) throw new ProviderError('invalid', `the limit is ${limit} recipients`, 'to')
  for (const one of recipients) {
    assertAddress(one, 'to')
    if (tenant && !tenant.ownsAccount(api.lab.directory.findByAddress(one)?.user ?? ''))
      throw new ProviderError('invalid', `${one} is not an account of the tenant ${tenant.name}`, 'to')
  }
}

/** Returns the octets of a message, and what its events say about it. @throws ProviderError `too-large`, `invalid` */
async function write(call: ProviderCall, mail: OutgoingMail) {
  const { context, provider, config, key, virtualServer, base } = call
  const { id, from, recipients, content, tags = [], details = {} } = mail
  const at = context.clock.now()
  const ownId = provider.messageIdOf?.(id) ?? `${id}@${config.provider}.lab`
  const given = Buffer.isBuffer(content) ? await runInSlices(crlfSteps(content)) : await composed(content, ownId, at)
  const fields = headerFields(given)
  const missing = Object.entries({ 'Message-ID': `<${ownId}>`, Date: formatDate(at) })
    .filter(([name]) => !findField(fields, name))
    .map(([name, value]) => `${name}: ${value}\r\n`)
  const raw = Buffer.concat([Buffer.from(missing.join('')), given])
  const { messageSize } = context.config.limits
  if (raw.length > messageSize)
    throw new ProviderError('too-large', `the message has ${raw.length} octets, and the limit is ${messageSize}`)
  const by = { id, tags, arguments: mail.arguments ?? {} }
  const name = providerTitles[config.provider]
  return {
    mail: sentMail(raw, { ...by, from, recipients, at, details }),
    raw,
    trace: sentByLines({ ...by, provider: config.provider, name, key }, { virtualServer, base, details }),
    session: call.c.get('connection').record.id,
    sendAt: mail.sendAt,
    batch: mail.batch,
  }
}

/** @throws ProviderError `invalid` */
const composed = (draft: Exclude<OutgoingMail['content'], Buffer>, id: string, at: number): Promise<Buffer> =>
  compose({ ...draft, headers: { 'Message-ID': `<${id}>`, ...draft.headers } }, at).catch((error: unknown) => {
    throw error instanceof TypeError ? new ProviderError('invalid', error.message, 'headers') : error
  })
