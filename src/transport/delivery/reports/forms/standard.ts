import { formatDate } from '../../../../mail/format/dates.ts'
import { addressing, returnedPart, statusPart, textPart, uniqueToken, writeMultipart } from '../parts.ts'
import { replyOf } from '../status-fields.ts'
import type { Action, ReportedRecipient, StatusReport } from '../types.ts'
import { mainAction } from './form.ts'

const SUBJECTS: Readonly<Record<Action, string>> = {
  failed: 'Undelivered mail: the message could not be delivered',
  delayed: 'Delayed mail: the message is still being sent',
  delivered: 'Successful mail delivery report',
  relayed: 'Successful mail delivery report',
  expanded: 'Successful mail delivery report',
}

const SENTENCES: Readonly<Record<Action, string>> = {
  failed: 'could not be delivered',
  delayed: 'has not been delivered yet',
  delivered: 'was delivered',
  relayed: 'was relayed to a system that may send no further report',
  expanded: 'was sent on to the members of a list',
}

/** Writes a report as the lab sends it. RFC 3464. */
export function writeStandardReport(report: StatusReport): Buffer {
  const { domain } = report
  const token = `report-${uniqueToken()}`
  const action = mainAction(report)
  const [to, ...others] = addressing(report, token)
  return writeMultipart({
    head: [
      ['From', `Mail Delivery System <postmaster@${domain}>`],
      ...(to ? [to] : []),
      ['Subject', SUBJECTS[action]],
      ...others,
      ['Auto-Submitted', 'auto-replied'], // RFC 3834 section 5
    ],
    boundary: token,
    reportType: 'delivery-status',
    parts: [textPart(explanation(report)), statusPart(report), returnedPart(report)],
  })
}

/** Returns the text for people. */
function explanation({ recipients, reason, smtpUtf8 }: StatusReport): string {
  const lines = recipients.flatMap((recipient) => [
    `Your message to ${recipient.address} ${SENTENCES[recipient.action]}.`,
    ...details(recipient, smtpUtf8),
  ])
  return [...lines, ...(reason === undefined ? [] : ['', reason])].map((line) => `${line}\r\n`).join('')
}

function details(recipient: ReportedRecipient, utf8: boolean): string[] {
  const { text, code, remoteMta, action, retryUntil } = recipient
  const who = code === undefined ? 'Reason' : remoteMta === undefined ? 'The server replied' : `${remoteMta} replied`
  return [
    ...(text === undefined || text === '' ? [] : [`    ${who}: ${replyOf(recipient, utf8)}`]),
    ...(action === 'delayed' && retryUntil !== undefined
      ? [`    The lab tries again until ${formatDate(retryUntil)}. You need not send it again.`]
      : []),
  ]
}
