import type { Account } from '../../accounts/directory/types.ts'
import { accountOwner } from '../../storage/store/folder.ts'
import { exceededQuota, mayHaveQuota, quotaOf } from '../../storage/store/quota.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { DeliveryError } from './types.ts'

/**
 * Checks that a mailbox has room for one more message. Returns nothing to wait for if the account has no quota.
 * @throws DeliveryError `mailbox-full`, or `over-quota` where the quota says so and for a message that can never fit
 */
export function checkMailboxQuota(store: MessageStore, account: Account, octets: number): Promise<void> | undefined {
  if (!mayHaveQuota(store, accountOwner(account.user), account.quota)) return undefined
  return check(store, account, octets)
}

async function check(store: MessageStore, account: Account, octets: number): Promise<void> {
  const more = { octets, messages: 1 }
  const quota = await exceededQuota(store, accountOwner(account.user), account.quota, more)
  if (quota) throw quotaError(account, quota, octets)
}

/** Returns the error of a message that does not fit any more when it is stored. */
export async function lateQuotaError(store: MessageStore, account: Account, octets: number): Promise<DeliveryError> {
  return quotaError(account, await quotaOf(store, accountOwner(account.user), account.quota), octets)
}

function quotaError(account: Account, quota: Awaited<ReturnType<typeof quotaOf>>, octets: number): DeliveryError {
  const [address = account.user] = account.addresses
  const fitsNever = octets > (quota.size ?? Number.POSITIVE_INFINITY) || quota.messages === 0
  const isFinal = quota.exceeded === 'refuse' || fitsNever
  return new DeliveryError(isFinal ? 'over-quota' : 'mailbox-full', `The mailbox of ${address} is full (quota)`)
}
