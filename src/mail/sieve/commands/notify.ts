import { FIELD_NAME, isMadeFromContent } from '../../format/compose.ts'
import { type CommandRow, SieveFailure, type TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'
import { addressProblem } from './deliver.ts'
import { isAutomatic, mailboxIn, mailboxProblem, ownAddress, written } from './replies.ts'

/** The recipients and fields of a mailto URI. RFC 6068 section 2. */
interface Mailto {
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly subject?: string
  readonly body?: string
  readonly others: readonly (readonly [name: string, value: string])[]
}

const IGNORED = /^(?:from|bcc|sender|auto-submitted|received|date|message-id|mime-version|resent-.*)$/i // RFC 5436 section 2.7

/** @throws URIError if a percent sign begins no octet */
function fieldsOf(query: string): [string, string][] {
  const pairs = query === '' ? [] : query.split('&')
  return pairs.map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [
      decodeURIComponent(name).toLowerCase(),
      decodeURIComponent(value.join('=')).replaceAll(/\r\n|[\r\n]/g, '\r\n'),
    ]
  })
}

/** Parses a notification method. Only mailto exists. @returns the problem, if there is one */
function parseMethod(uri: string): Mailto | string {
  const [, addresses, query = ''] = /^mailto:([^?#]*)(?:\?([^#]*))?$/i.exec(uri) ?? []
  if (addresses === undefined) return 'use a mailto: URI such as mailto:alice@lab.test'
  try {
    const fields = fieldsOf(query)
    const list = (name: string): string[] =>
      fields.filter(([one]) => one === name).flatMap(([, value]) => value.split(',').map((one) => one.trim()))
    const direct = addresses === '' ? [] : addresses.split(',').map((one) => decodeURIComponent(one).trim())
    const [to, cc] = [[...direct, ...list('to')], list('cc')]
    const wrong = [...to, ...cc].find((one) => addressProblem(one) !== undefined)
    if (wrong !== undefined) return `${JSON.stringify(wrong)} is not an address`
    if (to.length + cc.length === 0) return 'name a recipient after mailto:'
    const bad = fields.find(([name]) => !FIELD_NAME.test(name))
    if (bad) return `${JSON.stringify(bad[0])} is not the name of a header field`
    const value = (name: string): string | undefined => fields.find(([one]) => one === name)?.[1]
    const [subject, body] = [value('subject'), value('body')]
    const others = fields.filter(
      ([name]) => !/^(?:to|cc|subject|body)$/.test(name) && !IGNORED.test(name) && !isMadeFromContent(name),
    )
    return { to, cc, others, ...(subject !== undefined && { subject }), ...(body !== undefined && { body }) }
  } catch (error) {
    if (error instanceof URIError) return 'a percent sign must stand before two hexadecimal digits'
    throw error
  }
}

const methodProblem = (uri: string): string | undefined => {
  const parsed = parseMethod(uri)
  return typeof parsed === 'string' ? parsed : undefined
}

const capitalized = (name: string): string => name.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase())

async function run(call: Call): Promise<undefined> {
  const { run: current } = call
  const { mail, message, environment } = current
  const parsed = parseMethod(call.text('method'))
  if (typeof parsed === 'string') throw new SieveFailure(`notify: ${parsed}`)
  // RFC 5436 section 2.7: no loops of notifications
  if (isAutomatic(mail))
    return current.tell('no notification: a program sent the message (Auto-Submitted)') as undefined
  const { to, cc, others } = parsed
  const recipients = [...new Set([...to, ...cc])]
  const own = ownAddress(call)
  const given = call.optional('from')
  const address = mailboxIn(given ?? own)
  const isOwn = [...environment.addresses, message.envelope.to].some(
    (one) => one.toLowerCase() === address?.toLowerCase(),
  )
  const from = given !== undefined && isOwn ? given : own // RFC 5435 section 3.3: others are ignored
  const [subject = ''] = mail.values(['subject'])
  const [author = ''] = mail.values(['from'])
  const content = await written(
    call,
    [
      // Above the others, as a trace field. RFC 5436 section 2.7.1
      ['Auto-Submitted', `auto-notified; owner-email="${own.replaceAll(/["\\]/g, '\\$&')}"`],
      ['From', from],
      ['To', to.join(', ') || undefined],
      ['Cc', cc.join(', ') || undefined],
      ['Subject', call.optional('message') ?? parsed.subject ?? subject],
      ['Importance', { '1': 'High', '2': undefined, '3': 'Low' }[call.optional('importance') ?? '2']],
      ...others.map(([name, value]) => [capitalized(name), value] as const),
    ],
    parsed.body ?? `From: ${author}\r\nSubject: ${subject}\r\n`,
  )
  const envelopeFrom = message.envelope.from === '' ? '' : (mailboxIn(from) ?? own)
  current.act({ type: 'notify', from: envelopeFrom, to: recipients, content }, `notified ${recipients.join(', ')}`)
}

const OPTION = /^[A-Za-z0-9][A-Za-z0-9._-]*=[^\0\n\r]*$/

/** RFC 5435 section 3. */
export const notify: CommandRow = {
  name: 'notify',
  extensions: ['enotify'],
  tags: {
    from: { value: { type: 'string', check: mailboxProblem } },
    importance: {
      value: { type: 'string', check: (text) => (/^[123]$/.test(text) ? undefined : 'use "1", "2" or "3"') },
    },
    options: {
      value: { type: 'strings', check: (text) => (OPTION.test(text) ? undefined : 'use the form name=value') },
    },
    message: { value: { type: 'string' } },
  },
  arguments: [{ name: 'method', type: 'string', check: methodProblem }],
  run,
}

/** RFC 5435 sections 4 and 5. */
export const notifyTests: readonly TestRow[] = [
  {
    name: 'valid_notify_method',
    extensions: ['enotify'],
    arguments: [{ name: 'methods', type: 'strings' }],
    test: (call) => call.texts('methods').every((uri) => methodProblem(uri) === undefined),
  },
  {
    name: 'notify_method_capability',
    extensions: ['enotify'],
    tags: MATCHING,
    arguments: [
      { name: 'method', type: 'string' },
      { name: 'capability', type: 'string' },
      { name: 'keys', type: 'strings' },
    ],
    test(call) {
      const isKnown = methodProblem(call.text('method')) === undefined && /^online$/i.test(call.text('capability'))
      return isKnown && anyMatch(call, ['maybe'], call.texts('keys')) // RFC 5436 section 2.2
    },
  },
]
