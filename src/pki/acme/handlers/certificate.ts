import type { AcmeHandler } from '../directory.ts'
import { AcmeProblem } from '../problem.ts'
import { signer } from './account.ts'

/** The certificate of an order with its chain. RFC 8555 section 7.4.2. */
export const certificate: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { outcome } = asked.directory.orders.order(asked.id, signer(asked).id)
    if (outcome?.kind !== 'issued') throw new AcmeProblem('malformed', 'the order has no certificate', { status: 404 })
    return { type: 'application/pem-certificate-chain', body: outcome.pem }
  },
}
