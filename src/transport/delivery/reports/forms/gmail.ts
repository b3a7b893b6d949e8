import {
  addressing,
  multipartPart,
  reportField,
  returnedPart,
  statusPart,
  textPart,
  uniqueToken,
  writeMultipart,
} from '../parts.ts'
import type { Action, ReportedRecipient, StatusReport } from '../types.ts'
import { addresses, domainOf, escapeHtml, lines, mainAction, pacificDate, replyText } from './form.ts'

/*
 * The reports of Gmail and Google Workspace: header fields, parts, headings and the fields of the status as in published
 * samples, among them rfc3464-55.eml (delay), rfc3464-56.eml (failure after attempts) and lhost-gmail-*.eml of
 * github.com/sisimai/set-of-emails. The icon of the HTML part is left out. The texts about success are from no source.
 */

const SUBJECTS: Readonly<Record<Action, string>> = {
  failed: 'Delivery Status Notification (Failure)',
  delayed: 'Delivery Status Notification (Delay)',
  delivered: 'Delivery Status Notification (Success)',
  relayed: 'Delivery Status Notification (Success)',
  expanded: 'Delivery Status Notification (Success)',
}

/** The heading and the sentence for a status, by how it begins. */
const CASES: readonly (readonly [status: string, heading: string, sentence: (address: string) => string])[] = [
  [
    '5.1.',
    'Address not found',
    (address) =>
      `Your message wasn't delivered to ${address} because the address couldn't be found, or is unable to receive mail.`,
  ],
  [
    '5.2.2',
    'Recipient inbox full',
    (address) =>
      `Your message couldn't be delivered to ${address}. Their inbox is full, or it's getting too much mail right now.`,
  ],
  [
    '5.7.',
    'Message blocked',
    (address) => `Your message to ${address} has been blocked. See technical details below for more information.`,
  ],
  ['2.', 'Message delivered', (address) => `Your message was delivered to ${address}.`],
]

const DELAYED: (typeof CASES)[number] = [
  '4.',
  'Delivery incomplete',
  (address) =>
    `There was a temporary problem delivering your message to ${address}. Gmail will retry for 47 more hours. You'll be notified if the delivery fails permanently.`,
]

const OTHER: (typeof CASES)[number] = [
  '',
  'Message not delivered',
  (address) => `There was a problem delivering your message to ${address}. See the technical details below.`,
]

const caseOf = ({ action, status }: ReportedRecipient) =>
  action === 'delayed' ? DELAYED : (CASES.find(([start]) => status.startsWith(start)) ?? OTHER)

/** Writes a report in the form of Gmail. */
export function writeGmailReport(report: StatusReport): Buffer {
  const { recipients } = report
  const action = mainAction(report)
  const token = uniqueToken()
  const [to, date] = addressing(report, token)
  const messageId = reportField(report, 'Message-ID')
  const texts = recipients.map((recipient) => {
    const [, heading, sentence] = caseOf(recipient)
    return { heading, sentence: sentence(recipient.address), reply: replyText(recipient, report) }
  })
  return writeMultipart({
    head: [
      ['From', 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>'],
      ['To', to?.[1]?.slice(1, -1)],
      ['Auto-Submitted', 'auto-replied'],
      ['Subject', SUBJECTS[action]],
      ['References', messageId],
      ['In-Reply-To', messageId],
      ['X-Failed-Recipients', action === 'failed' ? addresses(report).join(', ') : undefined],
      ['Message-ID', `<${token}.GMR@mx.google.com>`],
      ...(date ? [date] : []),
    ],
    boundary: `0000000000${token}`.slice(-28),
    reportType: 'delivery-status',
    parts: [
      multipartPart('related', `r${token}`, [
        multipartPart('alternative', `a${token}`, [
          textPart(
            lines(
              '',
              ...texts.flatMap(({ heading, sentence, reply }) => [
                `** ${heading} **`,
                '',
                sentence,
                '',
                'The response from the remote server was:',
                reply,
                '',
              ]),
            ),
            'text/plain; charset="UTF-8"',
          ),
          textPart(
            `<html><body>${texts.map(({ heading, sentence, reply }) => `<h2>${heading}</h2><p>${escapeHtml(sentence)}</p><p>The response from the remote server was:<br/>${escapeHtml(reply)}</p>`).join('')}</body></html>`,
            'text/html; charset="UTF-8"',
          ),
        ]),
      ]),
      statusPart(report, {
        message: (fields) => [
          ['Reporting-MTA', 'dns; googlemail.com'],
          ...fields.filter(([name]) => name === 'Original-Envelope-Id'),
          ['Arrival-Date', pacificDate(report.arrivedAt)],
          ['X-Original-Message-ID', messageId],
        ],
        recipient: (fields, index) =>
          fields.map(([name, value]) =>
            name === 'Last-Attempt-Date'
              ? [name, pacificDate(report.at)]
              : name === 'Remote-MTA' && value !== undefined
                ? [
                    name,
                    `${value}. (127.0.0.1, the server for the domain ${domainOf(recipients[index]?.address ?? '')}.)`,
                  ]
                : [name, value],
          ),
      }),
      returnedPart(report),
    ],
  })
}
