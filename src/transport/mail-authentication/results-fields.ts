import { PieceCollector, type Pieces } from '../../core/octets/pieces.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import type { BimiResult, MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { headerFieldAt, isEmptyLine, unfoldValue } from '../../mail/format/headers.ts'
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
    ...(bimi.result === 'skipped' || bimi.result === 'none' ? [] : [bimiLine(bimi)]),
  ]
  return lines.join(';\r\n\t')
}

/** Returns the result of BIMI. draft-brand-indicators-for-message-identification-12 section 8.7. */
function bimiLine(bimi: BimiResult): string {
  const policies = [
    property('policy.authority', bimi.evidence),
    property('policy.authority-uri', bimi.evidence && bimi.authority),
    property('policy.indicator-uri', bimi.indicator && bimi.location),
    property('policy.indicator-hash', bimi.indicatorHash?.slice(-8)),
    property('policy.logo-preference', bimi.preference),
  ]
  const place = `${property('header.d', bimi.domain)}${property('header.selector', bimi.selector)}`
  // Addresses can be long: each is in a line of its own. RFC 5322 section 2.1.1
  return `bimi=${bimi.result}${comment(bimi.reason)}${place}${policies.map((one) => one.replace(/^ /, '\r\n\t')).join('')}`
}

/**
 * Returns the fields that pass a checked logo to mail programs; empty without one.
 * draft-brand-indicators-for-message-identification-12 sections 8.9 to 8.11.
 */
function bimiFields({ indicator, location, authority, evidence, preference }: BimiResult): string {
  if (indicator === undefined) return ''
  const url = evidence === 'pass' ? `a=${authority}` : `l=${location}`
  const lines = indicator.match(/.{1,72}/g) ?? []
  return (
    `BIMI-Location: v=BIMI1;\r\n\t${url}\r\n` +
    `BIMI-Indicator:${lines.map((line) => ` ${line}`).join('\r\n')}\r\n` +
    (preference === undefined ? '' : `BIMI-Logo-Preference: avp=${preference};\r\n`)
  )
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
      .join(';\r\n\t')}\r\n${bimiFields(results.bimi)}`
  )
}

const FIELDS_PER_STEP = 64

/** The fields by which a server passes logos to mail programs. draft-brand-indicators-for-message-identification-12 section 8.8. */
const LOGO_FIELD = /^bimi-(?:location|indicator|logo-preference)$/

/**
 * Removes fields with logos, and Authentication-Results fields that claim to come from this server. RFC 8601 section 5.
 * @param authservId undefined: Authentication-Results fields stay
 */
export function* withoutForgedResults(raw: Buffer, authservId: string | undefined): Steps<Pieces> {
  const rest = new PieceCollector()
  let from = 0
  let fields = 0
  for (let at = 0; at < raw.length && !isEmptyLine(raw, at); ) {
    if (++fields % FIELDS_PER_STEP === 0) yield
    const field = headerFieldAt(raw, at, raw.length)
    at = field.end
    const isForged =
      field.nameLower === 'authentication-results'
        ? claimedServer(unfoldValue(raw, field)) === authservId?.toLowerCase()
        : LOGO_FIELD.test(field.nameLower)
    if (!isForged) continue
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
