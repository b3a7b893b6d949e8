import { joinPieces } from '../../core/octets/pieces.ts'
import { version } from '../../core/text/version.ts'
import { formatDate } from '../../mail/format/dates.ts'
import { headerOf, reportField, textPart, uniqueToken, writeMultipart } from '../delivery/reports/parts.ts'
import { type Field, fieldLines } from '../delivery/reports/status-fields.ts'
import { tagsOf } from '../mail-authentication/check-dmarc.ts'
import type { JudgedMessage } from '../mail-authentication/mail-authentication.ts'
import { resultLines } from '../mail-authentication/results-fields.ts'
import type { ReportAddressing } from './compose.ts'

/** Longest message that a report contains whole. */
const MAX_OCTETS = 64 * 1024

/** Returns whether the `fo` of a record asks for a report about a message. RFC 9989 section 4.7. */
export function wantsFailureReport({ results, sender, message }: JudgedMessage): boolean {
  const { spf, dkim, dmarc } = results
  const tags = tagsOf(dmarc.record ?? '')
  // RFC 9991 section 2: not for public suffixes.
  if (!tags.has('ruf') || tags.get('psd')?.toLowerCase() === 'y') return false
  if (dmarc.result !== 'pass' && dmarc.result !== 'fail') return false
  // Reports about reports would never end. RFC 9991 section 5.1
  const header = headerOf(joinPieces(message))
  const automatic = reportField({ message: header }, 'Auto-Submitted') ?? 'no'
  if (sender.mailFrom === '' || automatic.trim().toLowerCase() !== 'no') return false
  const options: Readonly<Record<string, boolean>> = {
    0: dmarc.result === 'fail',
    1: !dmarc.spfAligned || !dmarc.dkimAligned,
    d: dkim.some(({ result }) => result !== 'pass'),
    s: spf.result !== 'pass' && spf.result !== 'none',
  }
  const wanted = (tags.get('fo') ?? '0').toLowerCase().split(':')
  return wanted.some((option) => options[option.trim()])
}

/** Writes a failure report about one message. RFC 9991 section 4, RFC 6591. */
export function composeFailureReport(
  judged: JudgedMessage,
  { from, to, submitter, at }: ReportAddressing,
  hostname: string,
): Buffer {
  const { message } = judged
  const token = `dmarc-${uniqueToken()}`
  const whole = joinPieces(message)
  const header = headerOf(whole)
  const subject = reportField({ message: header }, 'Subject')
  const isWhole = whole.length <= MAX_OCTETS && whole.length > header.length
  return writeMultipart({
    head: [
      ['From', `<${from}>`],
      ['To', `<${to}>`],
      ['Subject', subject === undefined ? 'DMARC failure' : `FW: ${subject}`],
      ['Date', formatDate(at)],
      ['Message-ID', `<${token}@${submitter}>`],
      ['Auto-Submitted', 'auto-generated'],
    ],
    boundary: token,
    reportType: 'feedback-report',
    parts: [
      textPart(
        `This is an authentication failure report for a message that arrived from\r\n${judged.results.spf.clientAddress ?? 'an unknown address'} on ${formatDate(at)}.\r\n`,
      ),
      {
        fields: [['Content-Type', 'message/feedback-report']],
        // The results keep their folds. RFC 8601 section 2.2
        content: `${fieldLines(fieldsOf(judged, { hostname, at }))}Authentication-Results: ${hostname};\r\n\t${resultLines(judged.results, judged.sender)}\r\n`,
      },
      isWhole
        ? { fields: [['Content-Type', 'message/rfc822']], content: whole }
        : { fields: [['Content-Type', 'text/rfc822-headers']], content: header },
    ],
  })
}

/** RFC 6591 section 3.1, RFC 9991 section 4. */
function fieldsOf(
  { results, sender, recipients, isRefused }: JudgedMessage,
  { hostname, at }: { readonly hostname: string; readonly at: number },
): readonly Field[] {
  const { spf, dkim, dmarc } = results
  const failed = [...(dmarc.dkimAligned ? [] : ['dkim']), ...(dmarc.spfAligned ? [] : ['spf'])]
  const signature = dkim.find(({ result, aligned }) => aligned && result !== 'pass')
  return [
    ['Feedback-Type', 'auth-failure'],
    ['Version', '1'],
    ['User-Agent', `Sealpost/${version}`],
    ['Auth-Failure', 'dmarc'],
    ['Identity-Alignment', failed.length === 0 ? 'none' : failed.join(', ')],
    ...(signature
      ? ([
          ['DKIM-Domain', signature.domain],
          ['DKIM-Identity', `@${signature.domain}`],
          ['DKIM-Selector', signature.selector],
        ] as const)
      : []),
    ['SPF-DNS', dmarc.spfAligned || spf.record === undefined ? undefined : `txt : ${spf.domain} : "${spf.record}"`],
    ['Original-Mail-From', `<${sender.mailFrom}>`],
    ...recipients.map((address): Field => ['Original-Rcpt-To', `<${address}>`]),
    ['Arrival-Date', formatDate(at)],
    ['Reporting-MTA', `dns; ${hostname}`],
    ['Source-IP', spf.clientAddress],
    ['Reported-Domain', dmarc.domain],
    ['Delivery-Result', isRefused ? 'reject' : 'delivered'],
    ['Incidents', '1'],
  ]
}
