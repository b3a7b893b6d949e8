import type { DeliveryServices } from '../types.ts'
import { writeStandardReport } from './forms/standard.ts'
import { sendOwnMail } from './send.ts'
import type { Action, ReportedRecipient, ReportFacts } from './types.ts'

type Result = ReportFacts['results'][number]

/** A kind of report, with the results that it is about. */
interface Kind {
  readonly result: Result['kind']
  readonly action: Action
  /** The value of NOTIFY that asks for it. RFC 3461 section 4.1. */
  readonly notify: string
  /** Whether it is also sent without NOTIFY. */
  readonly byDefault: boolean
}

const FAILED: Kind = { result: 'failed', action: 'failed', notify: 'FAILURE', byDefault: true }
const DELAYED: Kind = { result: 'deferred', action: 'delayed', notify: 'DELAY', byDefault: true }
const RELAYED: Kind = { result: 'sent', action: 'relayed', notify: 'SUCCESS', byDefault: false }

/**
 * Sends the report of a message that failed for some recipients, in one message. Sends nothing if no report is due: the
 * null reverse-path, or NOTIFY without FAILURE. RFC 3461 section 5.2.7.
 * @param at time of the report, in milliseconds since the epoch
 * @throws DeliveryError if the sender has no mailbox; StoreError
 */
export const reportFailure = (services: DeliveryServices, facts: ReportFacts, at: number): Promise<void> =>
  report(services, facts, at, FAILED)

/** Sends the report of a message that is delayed for some recipients, as `reportFailure` does. RFC 3461 section 5.2.6. */
export const reportDelay = (services: DeliveryServices, facts: ReportFacts, at: number): Promise<void> =>
  report(services, facts, at, DELAYED)

/**
 * Sends the report that NOTIFY=SUCCESS asks for, about recipients whose next server sends no reports. RFC 3461 section 5.2.2.
 */
export const reportRelayed = (services: DeliveryServices, facts: ReportFacts, at: number): Promise<void> =>
  report(services, facts, at, RELAYED)

async function report(services: DeliveryServices, facts: ReportFacts, at: number, kind: Kind): Promise<void> {
  const { envelope, arrivedAt, reason, session } = facts
  const recipients = facts.results.flatMap((result) => reportedRecipients(facts, result, at, kind))
  if (envelope.mailFrom === '' || recipients.length === 0) return
  const raw = writeStandardReport({
    hostname: services.hostname,
    domain: services.directory.domain,
    to: envelope.mailFrom,
    recipients,
    envelopeId: envelope.envelopeId,
    // RFC 8689 section 5: the content must not leave by a host without TLS.
    ret: envelope.requireTls ? 'HDRS' : envelope.ret,
    smtpUtf8: envelope.smtpUtf8 === true,
    message: await facts.message(),
    arrivedAt,
    at,
    reason,
  })
  await sendOwnMail(services, { to: envelope.mailFrom, raw, requireTls: envelope.requireTls, session }, at)
}

/** Returns what a report says about a recipient; nothing if the report is not about it or nobody asked for it. */
function reportedRecipients(
  { envelope, retryUntil }: ReportFacts,
  result: Result,
  at: number,
  kind: Kind,
): ReportedRecipient[] {
  const { address, code, remoteHost: remoteMta, remoteAddress, passedDsnOn } = result
  if (result.kind !== kind.result || (kind === RELAYED && passedDsnOn)) return []
  const { notify, originalRecipient } = envelope.recipients.find((each) => each.address === address) ?? {}
  if (!(notify?.includes(kind.notify) ?? kind.byDefault)) return []
  const status = statusOf(result)
  const text = code === undefined ? result.text : result.text.replace(new RegExp(`^${code}[ -]?`), '')
  const { action } = kind
  const host = { remoteMta, remoteAddress, lastAttemptAt: at, retryUntil }
  return [{ address, originalRecipient, action, status, code, text, ...host }]
}

/** Returns the enhanced status code, which not every server sends. RFC 3463 section 2. */
function statusOf({ kind, code, enhancedCode }: Result): string {
  if (enhancedCode !== undefined) return enhancedCode
  if (kind === 'sent') return '2.0.0'
  return kind === 'deferred' || (code !== undefined && code < 500) ? '4.0.0' : '5.0.0'
}
