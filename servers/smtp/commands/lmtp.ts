import type { ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import { FaultAnswered } from '../../../src/net/errors.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { DeliveryError, type Recipient } from '../../../src/transport/delivery/types.ts'
import type { SmtpSession } from '../command.ts'
import type { Transaction } from '../transaction.ts'

/** Delivers a message to some of its recipients. @throws SmtpError, DeliveryError, StoreError */
type DeliverTo = (
  session: SmtpSession,
  transaction: Transaction,
  received: ReceivedOctets,
  recipients: readonly Recipient[],
) => Promise<unknown>

/**
 * Delivers a message and replies for each accepted RCPT, in their order. RFC 2033 section 4.2. Recipients without a fault get
 * it together; if this fails, each gets it alone, so that a full mailbox concerns only its owner.
 * @throws ConnectionEnded
 */
export async function answerEach(
  session: SmtpSession,
  transaction: Transaction,
  received: ReceivedOctets,
  deliverTo: DeliverTo,
): Promise<void> {
  const { connection } = session
  const deliver = (recipients: readonly Recipient[]): Promise<unknown> =>
    deliverTo(session, transaction, received, recipients)
  /** Why a recipient does not get the message, by address in lower case. Undefined: it does. */
  const outcomes = new Map<string, unknown>()
  let together: string[] = []

  async function answer(addresses: readonly string[]): Promise<void> {
    const open = new Set(addresses.map((address) => address.toLowerCase()).filter((address) => !outcomes.has(address)))
    const recipients = transaction.recipients().filter(({ address }) => open.has(address.toLowerCase()))
    for (const [address, failure] of await outcomesOf(recipients, deliver)) outcomes.set(address, failure)
    for (const address of addresses) replyFor(session, address, outcomes.get(address.toLowerCase()))
  }

  for (const address of transaction.accepted) {
    const fault = connection.endOfDataFor(`<${address}>`, async () => received.toBuffer())
    if (!fault) {
      together.push(address)
      continue
    }
    await answer(together)
    together = []
    if (await passes(fault())) await answer([address])
    else session.dueReplies.shift()
    await connection.replaceReply()
  }
  await answer(together)
}

/** Returns the outcome for each recipient, by address in lower case. */
async function outcomesOf(
  recipients: readonly Recipient[],
  deliver: (recipients: readonly Recipient[]) => Promise<unknown>,
): Promise<[string, unknown][]> {
  const all = (outcome: unknown): [string, unknown][] =>
    recipients.map(({ address }) => [address.toLowerCase(), outcome])
  if (recipients.length === 0) return []
  try {
    await deliver(recipients)
    return all(undefined)
  } catch (error) {
    // After any other error it is not known that nobody has the message.
    const isRefused = error instanceof DeliveryError || (error instanceof StoreError && error.code !== 'unknown')
    if (!isRefused || recipients.length === 1) return all(error)
    const outcomes: [string, unknown][] = []
    for (const recipient of recipients) outcomes.push(...(await outcomesOf([recipient], deliver)))
    return outcomes
  }
}

/** Replies for the recipient whose reply is due first. */
function replyFor(session: SmtpSession, address: string, failure: unknown): void {
  session.dueReplies.shift()
  if (failure === undefined) return session.reply(250, '2.1.5', `<${address}> OK: queued as ${session.messageId}`)
  const { code, enhancedCode, message } = session.replyTo(failure)
  session.reply(code, enhancedCode, `<${address}> ${message}`)
}

/** Returns whether the message may still be delivered after a fault. */
async function passes(fault: Promise<void>): Promise<boolean> {
  try {
    await fault
    return true
  } catch (error) {
    if (error instanceof FaultAnswered) return false
    throw error
  }
}
