import { addressing, reportField, returnedPart, statusPart, textPart, uniqueToken, writeMultipart } from '../parts.ts'
import type { StatusReport } from '../types.ts'
import { addresses, lines, mainAction, replyText } from './form.ts'

/*
 * The reports of Exim 4.9x: structure, fields and texts as in src/moan.c and src/deliver.c. Reports about success are
 * those of RFC 3461: maybe_send_dsn() of src/deliver.c.
 */

/** Writes a report in the form of Exim. */
export function writeEximReport(report: StatusReport): Buffer {
  const { hostname } = report
  const action = mainAction(report)
  const token = uniqueToken()
  const id = `E1${token.slice(0, 5)}-${token.slice(5, 11)}-${token.slice(11, 13)}`
  const [to, ...others] = addressing(report, id)
  const isDelayed = action === 'delayed'
  const isSuccess = action !== 'failed' && !isDelayed
  return writeMultipart({
    head: [
      ['X-Failed-Recipients', action === 'failed' ? addresses(report).join(',\r\n  ') : undefined],
      ['Auto-Submitted', isSuccess ? 'auto-generated' : 'auto-replied'],
      ['From', `Mail Delivery System <Mailer-Daemon@${hostname}>`],
      ['To', to?.[1]?.slice(1, -1)],
      ['References', reportField(report, 'Message-ID')],
      [
        'Subject',
        action === 'failed'
          ? 'Mail delivery failed: returning message to sender'
          : isDelayed
            ? `Warning: message ${id.slice(1)} delayed 24 hours`
            : 'Delivery Status Notification',
      ],
      ...others,
    ],
    boundary: `${Math.trunc(report.at / 1000)}-eximdsn-${Number.parseInt(token.slice(0, 8), 16)}`,
    reportType: 'delivery-status',
    parts: [
      textPart(
        lines(
          'This message was created automatically by mail delivery software.',
          ...(isSuccess ? successText(report) : problemText(report, isDelayed)),
        ),
      ),
      statusPart(report, {
        message: (fields) => fields.filter(([name]) => name !== 'Arrival-Date'),
      }),
      returnedPart(report),
    ],
  })
}

const successText = ({ recipients }: StatusReport): string[] => [
  ' ----- The following addresses had successful delivery notifications -----',
  ...recipients.flatMap(({ address, action }) => [
    `<${address}> (relayed ${action === 'relayed' ? 'to non-DSN-aware mailer' : 'via non "Remote SMTP" router'})`,
    '',
  ]),
]

const problemText = (report: StatusReport, isDelayed: boolean): string[] => [
  '',
  ...(isDelayed
    ? [
        'A message that you sent has not yet been delivered to one or more of its',
        'recipients after more than 24 hours on the queue.',
        '',
        'The address to which the message has not yet been delivered is:',
      ]
    : [
        'A message that you sent could not be delivered to one or more of its',
        'recipients. This is a permanent error. The following address(es) failed:',
      ]),
  ...report.recipients.flatMap((recipient) => [
    '',
    `  ${recipient.address}`,
    `    host ${recipient.remoteMta ?? report.hostname}${recipient.remoteAddress ? ` [${recipient.remoteAddress}]` : ''}`,
    `    SMTP error from remote mail server after RCPT TO:<${recipient.address}>:`,
    `    ${replyText(recipient, report)}`,
  ]),
]
