import { splitAddress } from '../../accounts/directory/names.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import type { LocalMail } from '../../transport/delivery/local-mail.ts'
import { DeliveryError } from '../../transport/delivery/types.ts'
import { type OutgoingQueue, OutgoingRefused } from '../../transport/outgoing/types.ts'

/** The parts of a lab that send reports. */
export interface ReportSender {
  readonly directory: Directory
  readonly outgoing: { readonly queue: Pick<OutgoingQueue, 'add'> }
  deliver(mail: LocalMail): Promise<unknown>
}

/**
 * Queues a report, which the queue signs as other mail, or delivers it in the lab.
 * @returns why it could not be sent; undefined if it was sent or queued
 */
export async function sendReport(
  lab: ReportSender,
  { from, to, raw }: { readonly from: string; readonly to: string; readonly raw: Buffer },
): Promise<string | undefined> {
  try {
    if (lab.directory.isLocalDomain(splitAddress(to).domain)) await lab.deliver({ from, to: [to], raw })
    else await lab.outgoing.queue.add({ raw, envelope: { mailFrom: from, recipients: [{ address: to }] } })
    return undefined
  } catch (error) {
    if (error instanceof OutgoingRefused || error instanceof DeliveryError) return error.message
    throw error
  }
}
