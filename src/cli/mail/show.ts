import type { Command } from 'commander'
import type { OutputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'
import { page, print, shortTime, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { messageIds } from './message-ids.ts'
import { reportRows } from './report-rows.ts'
import { smimeLines } from './smime-lines.ts'

interface ShowOptions extends ApiOptions {
  readonly raw?: boolean
  readonly headers?: boolean
  readonly html?: boolean
  readonly history?: boolean
}

type WholeMessage = OutputOf<'messages.get'>

/** Adds `sealpost mail show`. */
export function addShow(mail: Command): void {
  withApi(mail.command('show'))
    .argument('[id]', 'id of a message, or latest', 'latest')
    .description('show a message: its text, attachments, links, codes, and how it arrived')
    .option('--raw', 'print the message as it was received')
    .option('--headers', 'print only the header fields')
    .option('--html', 'print the HTML')
    .option('--history', 'print what happened to the message: who read, moved and sent it')
    .addOption(sharedOptions.json)
    .action(withPager(show))
}

async function show(given: string, options: ShowOptions): Promise<void> {
  const { raw, headers, html, history, json } = options
  if ([raw, headers, html, history || json].filter(Boolean).length > 1)
    throw new UsageError('give one of --raw, --headers, --html, --history and --json')
  const [id = given] = await messageIds(options, [given])
  if (raw || html) {
    process.stdout.write(await callApi(options, raw ? 'messages.raw' : 'messages.html', { id }))
    return
  }
  if (headers) {
    const found = await callApi(options, 'messages.headers', { id })
    for (const { name, value } of found.headers) print(`${name}: ${value}`)
    return
  }
  if (history) {
    const happened = await callApi(options, 'messages.history', { id })
    print(json ? JSON.stringify(happened) : happened.items.map(historyLine).join('\n'))
    return
  }
  const message = await callApi(options, 'messages.get', { id })
  print(json ? JSON.stringify(message) : messageText(message))
}

/** Returns an event as a line: its time, what happened, where, to whom and by which session. */
function historyLine({
  at,
  event,
  account,
  folder,
  from,
  ...rest
}: OutputOf<'messages.history'>['items'][number]): string {
  const { recipients, added, removed, text, user, session } = rest
  const flags = [...added.map((flag) => `+${flag}`), ...removed.map((flag) => `-${flag}`)]
  const by = [user, session].filter((one) => one !== null).join(', ')
  return [
    shortTime(at),
    event,
    ...(from === null ? [] : [`${from} →`]),
    ...(folder === null ? [] : [account === null ? folder : `${account}/${folder}`]),
    ...flags,
    ...(recipients.length > 0 ? [`to ${recipients.join(', ')}`] : []),
    ...(text === null ? [] : [`→ ${text}`]),
    ...(by === '' ? [] : [`(${by})`]),
  ].join(' ')
}

const addressText = ({ name, address }: WholeMessage['to'][number]): string =>
  name === '' ? address : `${name} <${address}>`

/** Returns a message as a person reads it in a terminal. */
export function messageText(message: WholeMessage): string {
  const { id, subject, from, to, cc, date, receivedAt, attachments, links, codes, tags, text, delivery, envelope } =
    message
  const { smime, authentication, sentBy } = message
  const files = attachments.map(
    ({ part, filename, contentType, sizeOctets }) =>
      `${filename ?? '(no name)'} (${contentType}, ${sizeOctets} octets, part ${part})`,
  )
  const rows = page([
    ['Id', id],
    ['From', from ? addressText(from) : undefined],
    ['To', to.map(addressText)],
    ['Cc', cc.map(addressText)],
    ['Subject', subject],
    ['Date', date ?? undefined],
    ['Received', `${receivedAt}${delivery ? `, ${deliveryText(delivery)}` : ''}`],
    ['Recipients', envelope?.to],
    ['Sent by', sentBy ? sentByText(sentBy) : undefined],
    ['Authentication', authentication ? authenticationLines(authentication) : undefined],
    ...reportRows(message),
    ['Tags', tags.length > 0 ? tags.join(', ') : undefined],
    ['S/MIME', smime ? smimeLines(smime) : undefined],
    ['Attachments', files],
    ['Codes', codes.length > 0 ? codes.join(', ') : undefined],
    ['Links', links.map(linkText)],
  ])
  return `${rows}\n\n${text.trimEnd()}`
}

const linkText = ({ href, text }: WholeMessage['links'][number]): string =>
  text === '' || text === href ? href : `${href} (${text})`

const sentByText = ({ name, key, id, arguments: given }: NonNullable<WholeMessage['sentBy']>): string[] => [
  `${name}, API, key ending in ${key}, id ${id}`,
  ...Object.entries(given).map(
    ([field, value]) => `${field}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ),
]

function deliveryText({ user, virtualServer, tls }: NonNullable<WholeMessage['delivery']>): string {
  const channel = tls ? `${tls.version} ${tls.cipher}` : 'in clear text'
  return `${virtualServer ?? ''}, ${channel}, ${user === undefined ? 'no log-on' : `as ${user}`}`
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`)

/** Returns the results of the checks, one per line. ARC and BIMI are left out if the message has none. */
function authenticationLines({ spf, dkim, dmarc, arc, bimi }: NonNullable<WholeMessage['authentication']>): string[] {
  return [
    `SPF ${spf.result}${because(spf.reason)}`,
    ...dkim.map(
      ({ result, reason, domain, selector }) => `DKIM ${result} ${selector}._domainkey.${domain}${because(reason)}`,
    ),
    ...(dkim.length === 0 ? ['DKIM none'] : []),
    `DMARC ${dmarc.result}${dmarc.policy === undefined ? '' : ` p=${dmarc.policy}`} ${dmarc.domain}${because(dmarc.reason)}`,
    ...(arc.result === 'none' ? [] : [`ARC ${arc.result}${because(arc.reason)}`]),
    ...(bimi.result === 'none' || bimi.result === 'skipped'
      ? []
      : [`BIMI ${bimi.result} ${bimi.location ?? ''}`.trimEnd() + because(bimi.reason ?? bimi.markType)]),
  ]
}
