import type { OnDemand } from '../../../../core/config/on-demand/parse.ts'
import type { Pieces } from '../../../../core/octets/pieces.ts'
import type { Delivery, DeliveryServices, Recipient } from '../../types.ts'
import { reportOnDemand } from './report-on-demand.ts'

/** A message that the store has, with its envelope. */
interface StoredMail {
  readonly message: Pieces
  readonly mailFrom: string
  readonly rcptTo: readonly string[]
  readonly session?: string | undefined
  readonly client?: Delivery['client']
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
}

/**
 * Sends a report about a message that was delivered before. Returns when it is due, in milliseconds since the epoch.
 * @param now milliseconds since the epoch
 * @throws DeliveryError, StoreError
 */
export async function reportStored(
  services: DeliveryServices,
  { message, mailFrom, rcptTo, session, client, arrivedAt }: StoredMail,
  wanted: OnDemand,
  now: number,
): Promise<number> {
  const delayMs = wanted.delayMs ?? services.reports?.settings.delay ?? 0
  const dueAt = now + delayMs
  const recipients = rcptTo.map((address): Recipient => {
    const domain = address.slice(address.lastIndexOf('@') + 1)
    return { address, destination: { kind: 'captured', domain }, onDemand: { ...wanted, delayMs: dueAt - arrivedAt } }
  })
  await reportOnDemand(services, { message, mailFrom, recipients, session, client }, arrivedAt)
  return dueAt
}
