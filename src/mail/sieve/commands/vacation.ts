import { MAX_LINE_OCTETS } from '../../format/line-length.ts'
import type { BoundValue } from '../bind.ts'
import { type CommandRow, SieveFailure } from '../language.ts'
import { fieldAddresses } from '../mail.ts'
import type { Call } from '../run.ts'
import { isAutomatic, mailboxIn, mailboxProblem, ownAddress, references, replyKey, written } from './replies.ts'

const DAY_SECONDS = 86_400
/** RFC 5230 section 4.1, RFC 6131 section 2 */
const DEFAULT_DAYS = 7
const MAX_DAYS = 365

/** Addresses of programs. RFC 5230 section 4.6, RFC 3834 section 2 */
const PROGRAMS =
  /^(?:mailer-daemon|listserv|majordomo|owner-.*|.*-owner|.*-request|.*-bounces?|no-?reply|do-?not-?reply)(?:\+.*)?@/i
const LIST_FIELDS = ['id', 'help', 'subscribe', 'unsubscribe', 'post', 'owner', 'archive'].map((one) => `list-${one}`)
const RECIPIENT_FIELDS = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']

/** Returns the reason why a message gets no vacation reply. RFC 5230 sections 4.5 and 4.6. */
function refusal(call: Call): string | undefined {
  const { mail, message, environment } = call.run
  const { from, to } = message.envelope
  const own = new Set([...environment.addresses, to, ...call.texts('addresses')].map((one) => one.toLowerCase()))
  if (from === '') return 'the message has no sender'
  if (own.has(from.toLowerCase())) return 'the sender is the account itself'
  if (PROGRAMS.test(from)) return `${from} is the address of a program`
  if (isAutomatic(mail)) return 'a program sent the message (Auto-Submitted)'
  if (mail.raws(LIST_FIELDS).length > 0) return 'the message came from a mailing list'
  if (mail.values(['precedence']).some((value) => /^(?:bulk|list|junk)$/i.test(value)))
    return 'the message is bulk mail (Precedence)'
  if (mail.values(['x-auto-response-suppress']).some((value) => /\b(?:all|oof)\b/i.test(value)))
    return 'the sender wants no automatic reply (X-Auto-Response-Suppress)'
  const named = fieldAddresses(mail.raws(RECIPIENT_FIELDS))
  return named.some((one) => own.has(one.toLowerCase()))
    ? undefined
    : 'no recipient field names the account; add :addresses'
}

/** Returns what identifies the response: the handle, or the arguments without expanded variables. RFC 5230 section 4.2 */
function responseKey(call: Call, sender: string): string {
  const source = (name: string): string => {
    const value: BoundValue | undefined = call.bound.values.get(name)
    return typeof value === 'object' ? JSON.stringify(value.texts) : ''
  }
  const response = call.has('handle')
    ? ['handle', call.text('handle')]
    : [...['subject', 'from', 'reason'].map(source), String(call.has('mime'))]
  return replyKey('vacation', ...response, sender.toLowerCase())
}

/** Returns seconds until the sender gets the next reply; 0: always. */
function interval(call: Call): number {
  const seconds = call.number('seconds')
  if (seconds !== undefined) return Math.min(seconds, MAX_DAYS * DAY_SECONDS) // RFC 6131 section 2
  return Math.min(Math.max(call.number('days') ?? DEFAULT_DAYS, 1), MAX_DAYS) * DAY_SECONDS
}

/** RFC 5230 section 5.3 */
function subject(call: Call): string {
  const [original = ''] = call.run.mail.values(['subject'])
  return (
    call.optional('subject') ?? (original === '' ? 'Automated reply' : `Auto: ${original.slice(0, MAX_LINE_OCTETS)}`)
  )
}

async function run(call: Call): Promise<undefined> {
  const { run: current } = call
  const { from: sender } = current.message.envelope
  const { vacationDone } = current
  current.vacationDone = true
  if (vacationDone) throw new SieveFailure('a script may use vacation only once') // RFC 5230 section 4.7
  const reason = refusal(call)
  if (reason !== undefined) return current.tell(`no vacation reply: ${reason}`) as undefined
  const key = responseKey(call, sender)
  if (await current.environment.remembers?.(key))
    return current.tell(`no vacation reply: ${sender} got one not long ago`) as undefined
  const given = call.optional('from')
  const isOwn =
    given !== undefined &&
    [...current.environment.addresses, current.message.envelope.to, ...call.texts('addresses')].some(
      (one) => one.toLowerCase() === mailboxIn(given)?.toLowerCase(),
    )
  const content = await written(
    call,
    [
      ['From', given !== undefined && isOwn ? given : ownAddress(call)], // RFC 5230 section 4.3: others are ignored
      ['To', sender],
      ['Subject', subject(call)],
      ...references(current.mail),
      ['Auto-Submitted', 'auto-replied'], // RFC 5230 section 5.6
    ],
    call.text('reason'),
    call.has('mime'),
  )
  // RFC 5230 section 5.1: the null reverse-path
  current.act({ type: 'vacation', from: '', to: [sender], content }, `vacation reply to ${sender}`)
  current.remember(key, interval(call))
}

/** RFC 5230, RFC 6131. */
export const vacation: CommandRow = {
  name: 'vacation',
  extensions: ['vacation'],
  tags: {
    days: { group: 'interval', value: { type: 'number' } },
    seconds: { group: 'interval', extension: 'vacation-seconds', value: { type: 'number' } },
    subject: { value: { type: 'string' } },
    from: { value: { type: 'string', check: mailboxProblem } },
    addresses: { value: { type: 'strings' } },
    mime: {},
    handle: { value: { type: 'string' } },
  },
  arguments: [{ name: 'reason', type: 'string' }],
  run,
}
