import type { Api } from '../../../src/api/api.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import type { DeliveryEnvelope, SubmissionName } from '../../../src/storage/store/delivery-envelope.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { deliver } from '../../../src/transport/delivery/deliver.ts'
import { deliverToEach } from '../../../src/transport/delivery/local-mail.ts'
import { reportAfterDelivery } from '../../../src/transport/delivery/reports/after-delivery.ts'
import { reportStored } from '../../../src/transport/delivery/reports/on-demand/report-stored.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import type { OutgoingEnvelope, QueueEvent, RecipientResult } from '../../../src/transport/outgoing/types.ts'
import type { Envelope } from './envelope.ts'
import { KeptObjects } from './kept-objects.ts'

/** RFC 8621 section 7. */
export interface DeliveryStatus {
  readonly smtpReply: string
  readonly delivered: 'queued' | 'yes' | 'no' | 'unknown'
  readonly displayed: 'unknown' | 'yes'
}

/** A submission as the store keeps it. RFC 8621 section 7. */
export interface Submission {
  readonly identityId: string
  readonly emailId: string
  readonly threadId: string
  /** The Message-ID, by which reports name the message. Clients do not see it. */
  readonly messageId?: string | undefined
  readonly envelope: Envelope
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly sendAt: number
  readonly undoStatus: 'pending' | 'final' | 'canceled'
  readonly deliveryStatus: Readonly<Record<string, DeliveryStatus>>
  readonly dsnBlobIds: readonly string[]
  readonly mdnBlobIds: readonly string[]
}

/** Returns the submissions of an account. Old ones that are settled are removed. RFC 8621 section 7. */
export const submissionsOf = (store: MessageStore, user: string) =>
  new KeptObjects<Submission>(store, accountOwner(user), 'submission', ({ undoStatus }) => undoStatus !== 'pending')

/** A message that is sent by a submission. */
export interface Submitted {
  readonly raw: Buffer
  readonly envelope: OutgoingEnvelope & { readonly submission: SubmissionName }
  readonly session: string | undefined
}

const deliveryStatus = (smtpReply: string, delivered: DeliveryStatus['delivered']): DeliveryStatus => ({
  smtpReply,
  delivered,
  displayed: 'unknown',
})
export const QUEUED = deliveryStatus('250 2.0.0 OK: queued', 'queued')

/**
 * Delivers a message as SMTP does, and records what becomes of it. The sender gets a bounce about a recipient that is refused
 * now. @throws StoreError
 */
export async function deliverSubmission(
  { lab }: Api,
  { raw, envelope, session }: Submitted,
  note: (text: string) => void = () => {},
): Promise<void> {
  const { services, clock, store } = lab
  const { mailFrom, submission } = envelope
  const at = clock.now()
  const settled: Record<string, DeliveryStatus> = {}
  await services.directory.refresh()
  const received = `Received: by ${services.hostname} (Sealpost) with HTTP id ${submission.id};\r\n\t${formatDate(at)}\r\n`
  const trace = Buffer.from(`Return-Path: <${mailFrom}>\r\n${received}`)
  await deliverToEach(
    envelope.recipients,
    async (accepted) => {
      const recipients = accepted.map((one) => ({ ...one, ...resolveOnDemand(services, one.address, mailFrom) }))
      const delivery = { ...envelope, recipients, message: [raw], trace, account: submission.user, session, at }
      const { queued, loop } = await deliver(services, delivery)
      if (loop) note(`the message is in a loop and is not sent on: ${loop.join(' → ')}`)
      const delivered = recipients.filter(({ address }) => !queued.has(address))
      for (const { address } of delivered) settled[address] = deliveryStatus('250 2.1.5 OK', 'yes')
      await reportAfterDelivery(services, { ...delivery, recipients: delivered }, at, (error) =>
        lab.logError(error, 'no delivery report was sent'),
      )
    },
    async ({ address }, refusal) => {
      settled[address] = deliveryStatus(`${refusal.code} ${refusal.status} ${refusal.text}`, 'no')
      const stored = { message: [raw], mailFrom, rcptTo: [address], session, arrivedAt: at }
      await reportStored(services, stored, { kind: 'bounce', action: 'failed', refusal, delayMs: 0 }, at)
    },
  )
  await submissionsOf(store, submission.user).change(submission.id, (kept) => withResults(kept, settled))
}

/** Returns a submission that is sent, with the results of some recipients. */
const withResults = (kept: Submission | undefined, results: Submission['deliveryStatus']): Submission | undefined =>
  kept && { ...kept, undoStatus: 'final', deliveryStatus: { ...kept.deliveryStatus, ...results } }

/** Lets the queue of the lab deliver a message at its time. @throws StoreError */
export async function deliverAt({ outgoing }: Api, { raw, envelope, session }: Submitted, at: number): Promise<void> {
  const { mailFrom, submission, ...transport } = envelope
  const subject = decodeWords(headerValue(raw, headerFields(raw), 'subject') ?? '')
  const names = { connector: 'Scheduled mail', destination: `JMAP of ${submission.user}` }
  const target = { ...transport, ...names, subject, submission, scheduled: { at, ids: [submission.id] } }
  const rcptTo = envelope.recipients.map(({ address }) => address)
  await outgoing.queue.append(raw, [{ mailFrom, rcptTo, outgoing: target, ...(session !== undefined && { session }) }])
}

/** Delivers a message whose time has come. */
export async function deliverLater(api: Api, raw: Buffer, envelope: DeliveryEnvelope): Promise<void> {
  const { mailFrom = '', outgoing, session } = envelope
  if (!outgoing?.submission) return
  const {
    connector: _connector,
    destination: _destination,
    scheduled: _scheduled,
    subject: _subject,
    submission,
    ...transport
  } = outgoing
  await deliverSubmission(api, { raw, envelope: { mailFrom, ...transport, submission }, session })
}

/** Takes a message out of the queue before its time. Returns false if it is sent already, or being sent. @throws StoreError */
export async function unsend({ outgoing: { queue }, lab }: Api, id: string): Promise<boolean> {
  await lab.store.refresh()
  const entry = queue.list().find(({ scheduled }) => scheduled?.ids.includes(id))
  return entry !== undefined && (await queue.delete([entry.id])) > 0
}

/** The events of a message that waits for its time. `deliverLater` records the rest itself. */
const EVENTS_BEFORE_DELIVERY: readonly QueueEvent['type'][] = ['deleted', 'failed']
const EVENTS_OF_DELIVERY: readonly QueueEvent['type'][] = ['sent', 'failed', 'deferred']

/** Records an event of the queue at the submission of the message. @throws StoreError */
export async function recordResults(store: MessageStore, { type, entry, results = [] }: QueueEvent): Promise<void> {
  const { submission, scheduled } = entry
  const recorded = scheduled ? EVENTS_BEFORE_DELIVERY : EVENTS_OF_DELIVERY
  if (!submission || !recorded.includes(type)) return
  const statuses = Object.fromEntries(results.map((result) => [result.address, statusOf(result)]))
  await submissionsOf(store, submission.user).change(submission.id, (kept) => {
    if (type !== 'deleted') return withResults(kept, statuses)
    return kept?.undoStatus === 'pending' ? { ...kept, undoStatus: 'canceled' } : kept
  })
}

/** Final delivery elsewhere is not known. RFC 8621 section 7. */
const DELIVERED = { sent: 'unknown', deferred: 'queued', failed: 'no' } as const

/** The codes of results that have none. */
const USUAL_CODES = { sent: 250, deferred: 451, failed: 550 } as const

function statusOf({ kind, code = USUAL_CODES[kind], enhancedCode, text }: RecipientResult): DeliveryStatus {
  const isWholeReply = /^\d{3}[ -]/.test(text)
  const reply = isWholeReply ? text : [code, ...(enhancedCode === undefined ? [] : [enhancedCode]), text].join(' ')
  return deliveryStatus(reply, DELIVERED[kind])
}
