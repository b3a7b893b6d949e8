import { formatDate } from '../../../../mail/format/dates.ts'
import { addressing, headerOf, returnsWhole, uniqueToken } from '../parts.ts'
import { fieldLines } from '../status-fields.ts'
import type { StatusReport } from '../types.ts'
import { lines, replyText } from './form.ts'

/*
 * The reports of qmail 1.03, without MIME: D. J. Bernstein, "The qmail-send Bounce Message Format (QSBMF)", and
 * qmail-send.c. qmail reports failures only.
 */

/** Writes a report in the form of qmail. */
export function writeQmailReport(report: StatusReport): Buffer {
  const { hostname, domain, recipients, message, to, at } = report
  const isWhole = returnsWhole(report)
  const [toField, date, id] = addressing(report, uniqueToken())
  const head = fieldLines([
    [
      'Received',
      `(qmail ${at % 32768} invoked for bounce); ${formatDate(at)
        .replace('+0000', '-0000')
        .replace(/^\w+, /, '')}`,
    ],
    ...(date ? [date] : []),
    ['From', `MAILER-DAEMON@${domain}`],
    ['To', toField?.[1]?.slice(1, -1)],
    ['Subject', 'failure notice'],
    ...(id ? [id] : []),
  ])
  const text = lines(
    '',
    `Hi. This is the qmail-send program at ${domain}.`,
    "I'm afraid I wasn't able to deliver your message to the following addresses.",
    "This is a permanent error; I've given up. Sorry it didn't work out.",
    '',
    ...recipients.flatMap((recipient) => {
      // qmail-remote.c prints the address of the host.
      const host = recipient.remoteAddress ?? recipient.remoteMta ?? hostname
      return [
        `<${recipient.address}>:`,
        `${host} does not like recipient.`,
        `Remote host said: ${replyText(recipient, report)}`,
        `Giving up on ${host}.`,
        // qmail-send.c, after a temporary failure
        ...(recipient.status.startsWith('4')
          ? ["I'm not going to try again; this message has been in the queue too long."]
          : []),
        '',
      ]
    }),
    isWhole ? '--- Below this line is a copy of the message.' : '--- Below this line is a copy of the mail header.',
    '',
    `Return-Path: <${to}>`,
  )
  return Buffer.concat([Buffer.from(head + text), isWhole ? message : headerOf(message)])
}
