import { MalformedMessage, OctetReader } from '../../../tls/negotiation/octets.ts'
import { extensionValues } from '../../../tls/pki/certificate/certificate.ts'
import { extensionIds } from '../tls/answer.ts'
import { NotTested } from '../types.ts'
import { type Check, pass, warn } from './check.ts'
import { highestBefore13 } from './versions.ts'

/** The extension of a certificate that holds timestamps. RFC 6962 section 3.3. */
const EMBEDDED_TIMESTAMPS = '1.3.6.1.4.1.11129.2.4.2'

/** A signed certificate timestamp. RFC 6962 section 3.2. */
interface Timestamp {
  readonly logId: string
  readonly at: string
}

/** Reports the timestamps of transparency logs, for information: mail clients do not require them. RFC 6962. */
export const transparency: Check = {
  name: 'transparency',
  title: 'certificate transparency',
  async run(probe) {
    const [leaf] = (await probe.tls()).certificates
    if (!leaf) throw new NotTested('the certificate cannot be read')
    const embedded = extensionValues(leaf).get(EMBEDDED_TIMESTAMPS)?.content
    const sent = (await highestBefore13(probe))?.answer.extensions.get(extensionIds.timestamps)
    try {
      const inCertificate = embedded ? readTimestamps(embedded) : []
      const inHandshake = sent ? readTimestamps(sent) : []
      const facts = { inCertificate, inHandshake }
      if (inCertificate.length + inHandshake.length === 0)
        return pass('no timestamps of transparency logs (SCTs)', facts)
      return pass(
        `timestamps of transparency logs (SCTs): ${inCertificate.length} in the certificate, ${inHandshake.length} in the handshake`,
        facts,
      )
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      return warn(`the list of timestamps of transparency logs (SCTs) is malformed: ${error.message}`)
    }
  },
}

/** @throws MalformedMessage */
function readTimestamps(octets: Buffer): Timestamp[] {
  const outer = new OctetReader(octets)
  const list = new OctetReader(outer.vector16())
  outer.expectEnd()
  const found: Timestamp[] = []
  while (list.left > 0) {
    const one = new OctetReader(list.vector16())
    one.skip(1)
    const logId = one.octets(32).toString('base64')
    const at = new Date(Number(one.octets(8).readBigUInt64BE())).toISOString()
    found.push({ logId, at })
  }
  return found
}
