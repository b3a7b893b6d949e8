import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import type { QueueEntry } from '../../transport/outgoing/types.ts'

export const queueStates = ['waiting', 'sending', 'deferred', 'held'] as const

const recipient = z.object({
  address: z.string(),
  kind: z.enum(['waiting', 'sent', 'deferred', 'failed']).describe('Result of the last attempt for this recipient.'),
  code: z.number().int().nullable().describe('Reply code of the next host; null without one.'),
  text: z.string().nullable().describe('The reply of the next host, or why it was not reached.'),
  at: z.string().nullable().describe('When the result was recorded.'),
})

/** A message that waits to be sent. */
export const queuedMessage = z
  .object({
    id: z.string(),
    connector: z.string().describe('Name of the connector that sends it.'),
    destination: z.string().describe('The domain, or the smart host, that the message goes to.'),
    state: z
      .enum(queueStates)
      .describe(
        'waiting: for its first attempt. deferred: for another attempt. held: no attempts until `queue.unhold`.',
      ),
    mailFrom: z.string().describe('MAIL FROM; empty for the null reverse-path.'),
    recipients: z.array(recipient),
    subject: z.string().nullable(),
    sizeOctets: z.number().int(),
    queuedAt: z.string(),
    attempts: z.number().int(),
    nextAttemptAt: z.string().nullable(),
    reason: z.string().nullable().describe('Why the message waits, in words.'),
    givesUpAt: z
      .string()
      .nullable()
      .describe(
        'When the lab gives up and reports the failure to the sender; null while the connector is not configured.',
      ),
    session: z.string().nullable().describe('Id of the session that received the message.'),
    lastSession: z.string().nullable().describe('Id of the session of the last attempt.'),
    scheduledFor: z
      .string()
      .nullable()
      .describe(
        'When the lab delivers a message that was scheduled by the API of a provider; null for other messages.',
      ),
  })
  .meta({ id: 'QueuedMessage' })

type QueuedMessage = z.output<typeof queuedMessage>

const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeText(ms))

/** Returns a message of the queue as the API shows it. */
export const queuedFacts = (entry: QueueEntry): QueuedMessage => ({
  id: entry.id,
  connector: entry.connector,
  destination: entry.destination,
  state: entry.state,
  mailFrom: entry.mailFrom,
  recipients: entry.recipients.map(({ address, kind, code, text, at }) => ({
    address,
    kind,
    code: code ?? null,
    text: text ?? null,
    at: timeOrNull(at),
  })),
  subject: entry.subject ?? null,
  sizeOctets: entry.sizeOctets,
  queuedAt: timeText(entry.queuedAt),
  attempts: entry.attempts,
  nextAttemptAt: timeOrNull(entry.nextAttemptAt),
  reason: entry.reason ?? null,
  givesUpAt: timeOrNull(entry.givesUpAt),
  session: entry.receivedBy ?? null,
  lastSession: entry.lastSession ?? null,
  scheduledFor: timeOrNull(entry.scheduled?.at),
})
