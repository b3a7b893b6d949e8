import type { Pieces } from '../../src/core/octets/pieces.ts'
import type { MessageAuthentication } from '../../src/mail/format/authentication-results.ts'
import type { Delivery } from '../../src/transport/delivery/types.ts'
import { withoutChecks } from '../../src/transport/mail-authentication/check.ts'
import type { SmtpSession } from './command.ts'
import { SmtpError } from './reply.ts'

/** A message that was checked when it arrived. */
interface CheckedArrival {
  /** The message without results that claim to be those of the lab. */
  readonly message: Pieces
  readonly results: MessageAuthentication | undefined
  /** Trace fields with the results; empty if they are not added. */
  readonly fields: string
}

/**
 * Checks a message by SPF, DKIM, DMARC, ARC and BIMI before it is accepted.
 * @throws SmtpError 550 if it fails and the lab refuses such mail
 */
export async function authenticate(
  { connection, context, account }: SmtpSession,
  sender: Parameters<SmtpSession['context']['mailAuthentication']['check']>[1],
  { message, rest, recipients }: Pick<Delivery, 'message' | 'rest' | 'recipients'>,
): Promise<CheckedArrival> {
  const { mailAuthentication, log } = context
  const octets = rest
    ? async function* () {
        yield* message
        yield* rest()
      }
    : message
  const stripped = await mailAuthentication.withoutForgedResults(message)
  let results: MessageAuthentication | undefined
  try {
    results = await mailAuthentication.check(octets, sender)
  } catch (error) {
    connection.record.note(`the sender was not authenticated: ${String(error)}`)
    log.error({ session: connection.record.id, err: error }, 'the sender of a message could not be authenticated')
    results = withoutChecks(sender, 'temperror', 'internal error')
  }
  if (!results) return { message: stripped, results, fields: '' }
  // Messages of logged-on clients and of the lab's owner are submissions, whose sender need not pass. RFC 6409 section 3
  const isSubmission = account !== undefined || connection.isOwner
  const refusal = isSubmission ? undefined : refusalOf(results, mailAuthentication.onFailure)
  const judged = { results, sender, recipients: recipients.map(({ address }) => address), message }
  // A message that is deferred is judged again.
  if (!isSubmission && refusal?.code !== 421)
    await mailAuthentication.onJudged({ ...judged, isRefused: refusal !== undefined })
  if (refusal) throw refusal
  return { message: stripped, results, fields: mailAuthentication.resultFields(results, sender) }
}

/** Returns the reply to a message that fails, with the code of RFC 7372 section 3; undefined if it may pass. */
function refusalOf(
  results: MessageAuthentication,
  onFailure: SmtpSession['context']['mailAuthentication']['onFailure'],
): SmtpError | undefined {
  if (onFailure === 'accept') return undefined
  const { spf, dmarc } = results
  if (dmarc.result === 'fail' && dmarc.disposition === 'reject') {
    return new SmtpError(550, '5.7.26', `Unauthenticated mail from ${dmarc.domain} is not accepted by its DMARC policy`)
  }
  if (spf.result === 'fail' && dmarc.result !== 'pass') {
    return new SmtpError(550, '5.7.23', `SPF of ${spf.domain} does not permit ${spf.clientAddress}`)
  }
  return onFailure === 'refuse' ? undefined : unauthenticatedError(results, onFailure === 'refuse-unauthenticated')
}

/** Returns 550 or 421 with the code of RFC 7372 section 3.3 if neither SPF nor DKIM passes, as Gmail answers. */
function unauthenticatedError({ spf, dkim }: MessageAuthentication, isFinal: boolean): SmtpError | undefined {
  if (spf.result === 'pass' || dkim.some(({ result }) => result === 'pass')) return undefined
  const why = `SPF of ${spf.domain} for ${spf.clientAddress} is ${spf.result}`
  if (isFinal) return new SmtpError(550, '5.7.26', `Neither SPF nor DKIM passes: ${why}`)
  return new SmtpError(421, '4.7.26', `Rate limited, because neither SPF nor DKIM passes: ${why}`)
}
