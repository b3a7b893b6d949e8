import { type OnDemand, parseOnDemand } from '../../core/config/on-demand/parse.ts'
import { refusalOf } from '../../core/config/on-demand/replies.ts'
import {
  type FeedbackType,
  feedbackTypes,
  type ReportForm,
  reportForms,
} from '../../core/config/schema/report-words.ts'
import type { Lab } from '../../lab/lab.ts'
import { releasedForm } from '../../transport/delivery/released.ts'
import { reportStored } from '../../transport/delivery/reports/on-demand/report-stored.ts'
import type { Call } from '../calls/call.ts'
import { checkMessage, type LabMessage } from '../received/message.ts'

/** Which bounce a sender gets. */
export interface BounceOptions {
  /** Reply code or enhanced status code (`550`, `5.1.1`, `452`), or `delayed`. Default: 550. */
  readonly code?: string | number
  /** The server whose reports it looks like. Default: `reports.form` of the configuration. */
  readonly form?: ReportForm
  /** When it is sent, by the lab's clock: `30s`. Default: now. */
  readonly after?: string
}

/** Which complaint a sender gets. */
export interface ComplaintOptions {
  /** Default: abuse. */
  readonly type?: FeedbackType
  /** When it is sent, by the lab's clock: `30s`. Default: now. */
  readonly after?: string
}

/** Sends a bounce to the sender of a message. Resolves once it is sent, or once the lab has it if it is sent later. */
export function bounce(lab: Lab, call: Call, message: LabMessage, options: BounceOptions): Promise<void> {
  checkMessage(call, message)
  call.check('bounceOptions', options, 'options')
  const { code = 550, form, after = '0s' } = options
  const wanted = parseOnDemand(`bounce+${code}${form === undefined ? '' : `.${form}`}.${after}`)
  if (wanted) return send(lab, call, message, wanted)
  const known = refusalOf(`${code}`) || code === 'delayed'
  throw call.mistake(
    known
      ? `form must be one of ${reportForms.join(', ')} (qmail: failures only), and after a time such as 30s`
      : 'code must be a reply code such as 550, an enhanced status code such as 5.1.1, or delayed',
  )
}

/** Sends a spam complaint to the sender of a message, as `bounce` sends a bounce. */
export function complain(lab: Lab, call: Call, message: LabMessage, options: ComplaintOptions): Promise<void> {
  checkMessage(call, message)
  call.check('complaintOptions', options, 'options')
  const { type = 'abuse', after = '0s' } = options
  const wanted = parseOnDemand(`complaint+${type}.${after}`)
  if (wanted) return send(lab, call, message, wanted)
  throw call.mistake(`type must be one of ${feedbackTypes.join(', ')}, and after a time such as 30s`)
}

async function send(lab: Lab, call: Call, message: LabMessage, wanted: OnDemand): Promise<void> {
  const { envelope, session, receivedAt } = message
  if (envelope.from === '') throw call.mistake('the message has no return path, so nobody can get a report')
  const mail = {
    message: releasedForm(message.raw),
    mailFrom: envelope.from,
    rcptTo: envelope.to,
    session: session?.id,
    client: session && { address: session.remoteAddress, helo: '' },
    arrivedAt: receivedAt.getTime(),
  }
  try {
    await reportStored(lab.services, mail, wanted, lab.clock.now())
  } catch (error) {
    throw call.at(error as Error)
  }
}
