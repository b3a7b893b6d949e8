import { buffer } from 'node:stream/consumers'
import { providerSource } from '../../../src/core/config/schema/providers.ts'
import type { ScheduledFacts } from '../../../src/storage/store/types.ts'
import type { QueueEntry } from '../../../src/transport/outgoing/types.ts'
import type { Origin, SentMail } from './types.ts'

const placeOf = ({ virtualServer, config }: Origin): string => providerSource(virtualServer, config.provider)

interface Envelope extends Pick<SentMail, 'from' | 'recipients' | 'subject'> {
  readonly session?: string | undefined
}

/** Lets the queue of the lab deliver a message later. @throws StoreError */
export async function schedule(
  origin: Origin,
  raw: Buffer,
  { from, recipients, subject, session }: Envelope,
  scheduled: ScheduledFacts,
): Promise<void> {
  const to = recipients.map((address) => ({ address }))
  const outgoing = { connector: 'Scheduled mail', destination: placeOf(origin), recipients: to, subject, scheduled }
  const target = { mailFrom: from, rcptTo: recipients, outgoing, ...(session && { session }) }
  await origin.api.outgoing.queue.append(raw, [target])
}

/** Returns the scheduled messages of a provider: all, or those with an id or in a batch. */
export const scheduledMail = (origin: Origin, id?: string): QueueEntry[] =>
  origin.api.outgoing.queue
    .list()
    .filter(({ destination, scheduled }) => scheduled && destination === placeOf(origin))
    .filter(({ scheduled }) => id === undefined || scheduled?.ids.includes(id))

/** Gives a scheduled message another time. Returns whether it still waited. @throws StoreError */
export async function reschedule(origin: Origin, entry: QueueEntry, at: number): Promise<boolean> {
  const { queue } = origin.api.outgoing
  const { id, mailFrom: from, subject = '', receivedBy: session, scheduled } = entry
  const raw = await buffer(queue.read(id))
  if ((await queue.delete([id])) === 0) return false
  const recipients = entry.recipients.map(({ address }) => address)
  await schedule(origin, raw, { from, recipients, subject, session }, { ids: scheduled?.ids ?? [], at })
  return true
}
