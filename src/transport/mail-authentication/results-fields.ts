import { PieceCollector, type Pieces } from '../../core/octets/pieces.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { headerFieldAt, isEmptyLine, unfolded } from '../../mail/format/headers.ts'
import type { SenderFacts } from './check-spf.ts'

const oneLine = (text: string): string => text.replace(/[\x00-\x1f\x7f]+/g, ' ')

/** Returns a value that is quoted unless it has a form. */
function quotedUnless(form: RegExp, text: string): string {
  const line = oneLine(text).trim()
  return form.test(line) ? line : `"${line.replace(/["\\]/g, '\\$&')}"`
}

/** Returns a value as a token or a quoted string. RFC 8601 section 2.2. */
const pvalue = (text: string): string => quotedUnless(/^[^\s()<>,;:\\"/[\]?=]+$/, text)

/** Returns a value of Received-SPF. RFC 7208 section 9.1. */
const dotAtomOrQuoted = (text: string): string => quotedUnless(/^[\w!#$%&'*+/=?^`{|}~.-]+$/, text)

const comment = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : ` (${oneLine(text).replace(/[()\\]/g, '\\$&')})`

const property = (name: string, value: string | undefined): string =>
  value === undefined || value === '' ? '' : ` ${name}=${pvalue(value)}`

/** Returns the results as they stand after the name of the server, each in a line of its own. RFC 8601 section 2.2. */
export function resultLines({ spf, dkim, dmarc, arc, bimi }: MessageAuthentication, { mailFrom }: SenderFacts): string {
  const identity = spf.identity === 'helo' ? property('smtp.helo', spf.domain) : property('smtp.mailfrom', mailFrom)
  const lines = [
    `spf=${spf.result}${comment(spf.reason)}${identity}`,
    ...dkim.map(
      ({ result, reason, domain, selector, algorithm, signature }) =>
        `dkim=${result}${comment(reason)}${property('header.d', domain)}${property('header.s', selector)}` +
        `${property('header.a', algorithm)}${property('header.b', signature)}`,
    ),
    ...(dkim.length === 0 ? ['dkim=none'] : []),
    `dmarc=${dmarc.result}${comment(dmarc.policy === undefined ? dmarc.reason : `p=${dmarc.policy} dis=${dmarc.disposition}`)}${property('header.from', dmarc.domain)}`,
    ...(arc.result === 'none' ? [] : [`arc=${arc.result}${comment(arc.reason)}${property('header.d', arc.domain)}`]),
    ...(bimi.result === 'skipped' || bimi.result === 'none'
      ? []
      : [
          `bimi=${bimi.result}${comment(bimi.reason)}${property('header.d', bimi.domain)}${property('header.selector', bimi.selector)}`,
        ]),
  ]
  return lines.join(';\r\n\t')
}

/** Returns the trace fields with the results: Authentication-Results and Received-SPF. RFC 8601 section 2.2, RFC 7208 section 9.1. */
export function resultFields(authservId: string, results: MessageAuthentication, sender: SenderFacts): string {
  const { spf } = results
  const pairs = [
    ['client-ip', spf.clientAddress],
    ['envelope-from', sender.mailFrom],
    ['helo', spf.helo],
    ['identity', spf.identity],
    ['receiver', authservId],
  ] as const
  return (
    `Authentication-Results: ${authservId};\r\n\t${resultLines(results, sender)}\r\n` +
    `Received-SPF: ${spf.result}${comment(spf.reason)}\r\n\t${pairs
      .flatMap(([key, value]) => (value ? [`${key}=${dotAtomOrQuoted(value)}`] : []))
      .join(';\r\n\t')}\r\n`
  )
}

const FIELDS_PER_STEP = 64

/** Removes Authentication-Results fields that claim to come from this server. RFC 8601 section 5. */
export function* withoutForgedResults(raw: Buffer, authservId: string): Steps<Pieces> {
  const rest = new PieceCollector()
  let from = 0
  let fields = 0
  for (let at = 0; at < raw.length && !isEmptyLine(raw, at); ) {
    if (++fields % FIELDS_PER_STEP === 0) yield
    const field = headerFieldAt(raw, at, raw.length)
    at = field.end
    if (field.nameLower !== 'authentication-results') continue
    if (claimedServer(unfolded(raw, field)) !== authservId.toLowerCase()) continue
    rest.add(raw.subarray(from, field.start))
    from = field.end
  }
  rest.add(raw.subarray(from))
  return rest.pieces
}

/** Returns the name of the server in the value of a field, without comments and quotes. RFC 8601 section 2.2. */
function claimedServer(value: string): string {
  let at = 0
  for (let depth = 0; at < value.length; at++) {
    const character = value[at]
    if (character === '\\') at++
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (depth <= 0 && character !== ' ' && character !== '\t') break
  }
  const [, quoted, token] = /^(?:"((?:[^"\\]|\\.)*)"|([^\s;()]+))/.exec(value.slice(at)) ?? []
  return (quoted?.replace(/\\(.)/g, '$1') ?? token ?? '').toLowerCase().replace(/\.$/, '')
}
