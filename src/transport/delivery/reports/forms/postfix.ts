import { addressing, returnedPart, returnsWhole, statusPart, textPart, uniqueToken, writeMultipart } from '../parts.ts'
import type { Action, StatusReport } from '../types.ts'
import { lines, mainAction, replyText } from './form.ts'

/*
 * The reports of Postfix: structure and fields as in bounce(5) and src/bounce/bounce_notify_util.c of Postfix 3, texts as
 * `postconf -b` prints them.
 */

const SUBJECTS: Readonly<Record<Action, string>> = {
  failed: 'Undelivered Mail Returned to Sender',
  delayed: 'Delayed Mail (still being retried)',
  delivered: 'Successful Mail Delivery Report',
  relayed: 'Successful Mail Delivery Report',
  expanded: 'Successful Mail Delivery Report',
}

const ANNOUNCED: Readonly<Record<Action, readonly string[]>> = {
  failed: [
    "I'm sorry to have to inform you that your message could not",
    "be delivered to one or more recipients. It's attached below.",
  ],
  delayed: [
    '####################################################################',
    '# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #',
    '####################################################################',
    '',
    'Your message could not be delivered for more than 4 hour(s).',
    'It will be retried until it is 5 day(s) old.',
  ],
  delivered: ['Your message was successfully delivered to the destination(s)', 'listed below.'],
  relayed: ['Your message was successfully delivered to the destination(s)', 'listed below.'],
  expanded: ['Your message was successfully delivered to the destination(s)', 'listed below.'],
}

/** Writes a report in the form of Postfix. */
export function writePostfixReport(report: StatusReport): Buffer {
  const { hostname, recipients, to } = report
  const action = mainAction(report)
  const id = uniqueToken().slice(0, 10).toUpperCase()
  const [recipientField, ...others] = addressing(report, `${id}.${report.at % 1000}`)
  return writeMultipart({
    head: [
      ...others.filter(([name]) => name === 'Date'),
      ['From', `MAILER-DAEMON@${hostname} (Mail Delivery System)`],
      ['Subject', SUBJECTS[action]],
      ['To', recipientField?.[1]?.slice(1, -1)],
      ['Auto-Submitted', 'auto-replied'],
      ...others.filter(([name]) => name === 'Message-ID'),
    ],
    boundary: `${id}.${Math.trunc(report.at / 1000)}/${hostname}`,
    reportType: 'delivery-status',
    preamble: 'This is a MIME-encapsulated message.\r\n\r\n',
    parts: [
      textPart(
        lines(
          `This is the mail system at host ${hostname}.`,
          '',
          ...ANNOUNCED[action],
          '',
          'For further assistance, please send mail to postmaster.',
          '',
          'If you do so, please include this problem report. You can',
          'delete your own text from the attached returned message.',
          '',
          '                   The mail system',
          ...recipients.flatMap((recipient) => [
            '',
            `<${recipient.address}>: host ${recipient.remoteMta ?? hostname}${recipient.remoteAddress ? `[${recipient.remoteAddress}]` : ''} said: ${replyText(recipient, report)} (in reply to RCPT TO command)`,
          ]),
        ),
        'text/plain; charset=utf-8',
        ['Content-Description', 'Notification'],
      ),
      statusPart(report, {
        fields: [['Content-Description', 'Delivery report']],
        message: ([first, ...rest]) => [
          ...(first ? [first] : []),
          ['X-Postfix-Queue-ID', id],
          ['X-Postfix-Sender', `rfc822; ${to}`],
          ...rest,
        ],
      }),
      returnedPart(report, [
        'Content-Description',
        action === 'delayed'
          ? 'Delayed Message Headers'
          : returnsWhole(report)
            ? 'Undelivered Message'
            : action === 'failed'
              ? 'Undelivered Message Headers'
              : 'Message Headers',
      ]),
    ],
  })
}
