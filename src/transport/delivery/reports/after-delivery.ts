import type { Delivery, DeliveryServices } from '../types.ts'
import { reportOnDemand } from './on-demand/report-on-demand.ts'
import { answerOutOfOffice } from './out-of-office.ts'
import { reportSuccess } from './success.ts'

const SENDERS = [reportSuccess, reportOnDemand, answerOutOfOffice]

/**
 * Sends the reports and replies that a delivered message causes, now or later. Returns a promise only if one of them has to be awaited.
 * @param at time of arrival, in milliseconds since the epoch
 * @param failed gets every error: the message stays delivered
 */
export function reportAfterDelivery(
  services: DeliveryServices,
  delivery: Delivery,
  at: number,
  failed: (error: unknown) => void,
): Promise<void> | undefined {
  const sendFrom = (first: number): Promise<void> | undefined => {
    for (let i = first; i < SENDERS.length; i++) {
      try {
        const sending = SENDERS[i]?.(services, delivery, at)
        if (sending) return sending.catch(failed).then(() => sendFrom(i + 1))
      } catch (error) {
        failed(error)
      }
    }
    return undefined
  }
  return sendFrom(0)
}
