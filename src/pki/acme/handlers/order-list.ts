import type { AcmeHandler } from '../directory.ts'
import { json } from '../json.ts'
import { AcmeProblem } from '../problem.ts'
import { signer } from './account.ts'

/** An account's orders. RFC 8555 section 7.1.2.1. */
export const orderList: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { directory, request, id } = asked
    if (signer(asked).id !== id) throw new AcmeProblem('unauthorized', 'the account is another one')
    return json({ orders: directory.orders.ofAccount(id).map((order) => directory.url(request, 'order', order.id)) })
  },
}
