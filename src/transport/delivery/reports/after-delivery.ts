import type { Delivery, DeliveryServices } from '../types.ts'
import { reportOnDemand } from './on-demand/report-on-demand.ts'
import { answerOutOfOffice } from './out-of-office.ts'
import { reportSuccess } from './success.ts'

const SENDERS = [reportSuccess, reportOnDemand, answerOutOfOffice]

/**
 * Sends the reports and replies that a delivered message causes, now or later.
 * @param at time of arrival, in milliseconds since the epoch
 * @param failed gets every error: the message stays delivered
 */
export async function reportAfterDelivery(
  services: DeliveryServices,
  delivery: Delivery,
  at: number,
  failed: (error: unknown) => void,
): Promise<void> {
  for (const send of SENDERS) await send(services, delivery, at).catch(failed)
}
