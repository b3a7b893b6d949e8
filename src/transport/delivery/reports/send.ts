import { deliver } from '../deliver.ts'
import { resolveRecipient } from '../resolve.ts'
import type { DeliveryServices } from '../types.ts'
import type { OwnMail } from './types.ts'

/**
 * Sends a report or an automatic reply with the null reverse-path, so that nothing answers it. RFC 3464 section 2, RFC 3834
 * section 3.3. A sender elsewhere is reached as other mail of the lab is: through a connector, else it is captured.
 * @throws DeliveryError, StoreError
 */
export async function sendOwnMail(
  services: DeliveryServices,
  { to, raw, requireTls, session }: OwnMail,
  at: number,
): Promise<void> {
  await deliver(services, {
    trace: Buffer.from('Return-Path: <>\r\n'),
    message: [raw],
    mailFrom: '',
    recipients: [{ address: to, destination: resolveRecipient(services, to) }],
    requireTls,
    session,
    at,
  })
}
