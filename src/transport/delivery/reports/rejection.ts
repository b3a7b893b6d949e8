import { joinPieces } from '../../../core/octets/pieces.ts'
import type { Delivery, DeliveryServices } from '../types.ts'
import { writeStandardReport } from './forms/standard.ts'

/** Writes the report that a Sieve script rejects a message, for one of several recipients of SMTP. RFC 5429 section 2.1.2. */
export function writeRejection(
  { hostname, directory }: DeliveryServices,
  { mailFrom, message, envelopeId, ret, smtpUtf8 = false }: Delivery,
  { address, text, at }: { readonly address: string; readonly text: string; readonly at: number },
): Buffer {
  return writeStandardReport({
    hostname,
    domain: directory.domain,
    to: mailFrom,
    recipients: [{ address, action: 'failed', status: '5.7.1', text }],
    envelopeId,
    ret,
    smtpUtf8,
    message: joinPieces(message),
    arrivedAt: at,
    at,
  })
}
