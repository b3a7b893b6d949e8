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
import type { Action, StatusReport } from '../types.ts'
import { compact } from './exchange2003.ts'
import { escapeHtml, lines, mainAction, replyText } from './form.ts'

/*
 * The non-delivery reports of Exchange 2007 and later and of Microsoft 365: header fields, parts, the fields of the status and
 * the sentence about failures as in lhost-office365-*.eml of github.com/sisimai/set-of-emails (the sentence: 13), the sentences
 * about delays as at cryer.co.uk/brian/windows/exchange/2010. The sentences about success are from no source.
 */

const SUBJECTS: Readonly<Record<Action, string>> = {
  failed: 'Undeliverable: ',
  delayed: 'Delivery delayed:',
  delivered: 'Delivered: ',
  relayed: 'Relayed: ',
  expanded: 'Expanded: ',
}

/** The sentences for people: a recipient stands for `%s`, and the subject for `%t`. */
const SENTENCES: Readonly<Record<Action, readonly string[]>> = {
  failed: ["Your message to %s couldn't be delivered."],
  delayed: [
    'Delivery is delayed to these recipients or groups:',
    '%s',
    'Subject: %t',
    "This message hasn't been delivered yet. Delivery will continue to be attempted.",
    "The server will keep trying to deliver this message for the next 1 days, 19 hours and 53 minutes. You'll be notified if the message can't be delivered by that time.",
  ],
  delivered: ['Your message has been delivered to %s.'],
  relayed: ['Delivery to %s is complete, but no delivery notification was sent by the destination server.'],
  expanded: ['Your message has been delivered to the group %s.'],
}

/** The local part of the sender of non-delivery reports, which is the same everywhere. */
const SENDER = 'MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e'

/** Writes a report in the form of Microsoft 365. */
export function writeMicrosoft365Report(report: StatusReport): Buffer {
  const { domain, hostname, recipients } = report
  const action = mainAction(report)
  const token = uniqueToken()
  const [to, ...others] = addressing(report, token)
  const messageId = reportField(report, 'Message-ID')
  const subject = reportField(report, 'Subject') ?? ''
  const sentences = recipients.flatMap(({ address }) =>
    SENTENCES[action].map((text) => text.replace('%s', () => address).replace('%t', () => subject)),
  )
  const replies = recipients.map((recipient) => replyText(recipient, report))
  return writeMultipart({
    head: [
      ['From', `Microsoft Outlook <${SENDER}@${domain}>`],
      ['To', to?.[1]?.slice(1, -1)],
      ...others,
      ['Subject', `${SUBJECTS[action]}${subject}`],
      ['In-Reply-To', messageId],
      ['References', messageId],
      ['Auto-Submitted', 'auto-replied'],
      ['X-MS-Exchange-Message-Is-Ndr', action === 'failed' ? '' : undefined],
      ['Content-Language', 'en-US'],
    ],
    boundary: token.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    reportType: 'delivery-status',
    parts: [
      multipartPart('alternative; differences=Content-Type', `_002_${token}_`, [
        textPart(
          lines(
            ...sentences.flatMap((text) => [text, '']),
            'Diagnostic information for administrators:',
            '',
            `Generating server: ${hostname}`,
            '',
            ...recipients.flatMap(({ address }, index) => [address, `Remote Server returned '${replies[index]}'`]),
            '',
            'Original message headers:',
          ),
          'text/plain; charset="utf-8"',
        ),
        textPart(
          `<html><body>${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}<p>Diagnostic information for administrators:</p><p>Generating server: ${hostname}</p>${replies.map((text) => `<p>Remote Server returned '${escapeHtml(text)}'</p>`).join('')}</body></html>`,
          'text/html; charset="utf-8"',
        ),
      ]),
      statusPart(report, {
        message: (fields) =>
          compact([
            ...fields.filter(([name]) => name !== 'Arrival-Date'),
            ['Received-From-MTA', `dns;${hostname}`],
            ...fields.filter(([name]) => name === 'Arrival-Date'),
          ]),
        recipient: (fields, index) => [
          ...compact(fields.filter(([name]) => name !== 'Last-Attempt-Date')),
          ['X-Display-Name', recipients[index]?.address],
        ],
      }),
      returnedPart(report),
    ],
  })
}
