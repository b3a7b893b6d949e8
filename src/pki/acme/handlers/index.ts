import type { AcmeHandler } from '../directory.ts'
import { account } from './account.ts'
import { authorization } from './authorization.ts'
import { certificate } from './certificate.ts'
import { challenge } from './challenge.ts'
import { keyChange } from './key-change.ts'
import { newAccount } from './new-account.ts'
import { newOrder } from './new-order.ts'
import { finalizeOrOrder } from './order.ts'
import { orderList } from './order-list.ts'
import { revokeCert } from './revoke-cert.ts'

/** Every resource that is posted to, by the first step of its path; one file each. */
export const handlers: Readonly<Record<string, AcmeHandler>> = {
  'new-account': newAccount,
  'new-order': newOrder,
  'key-change': keyChange,
  'revoke-cert': revokeCert,
  account,
  orders: orderList,
  order: finalizeOrOrder,
  authorization,
  challenge,
  certificate,
}
