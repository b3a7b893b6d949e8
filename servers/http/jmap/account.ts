import { createHash } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import type { Caller } from '../../../src/api/caller.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes } from '../../../src/storage/store/mailboxes.ts'
import { AccountHistory } from '../../../src/storage/store/views/account-history.ts'
import type { JmapAccount } from './types.ts'

/** Returns the account of a caller that has logged on as one, with the folders of a new account. @throws ApiProblem, StoreError */
export async function accountOf({ lab }: Api, { name }: Caller): Promise<JmapAccount> {
  const account = lab.directory.find(name)
  if (!account) throw new ApiProblem('forbidden', `there is no account ${name}`)
  const { user } = account
  const owner = accountOwner(user)
  await ensureMailboxes(lab.store, owner)
  return {
    id: idOf(user),
    account,
    address: account.addresses[0] ?? `${user}@${lab.config.domain}`,
    owner,
    caller: { role: 'account', name: user, seesCaptured: false },
    store: lab.store,
    history: await AccountHistory.of(lab.store, owner, lab.intake.memory),
  }
}

/** Returns the id of an account: its name, if that has only the letters of ids. RFC 8620 section 1.2. */
const idOf = (user: string): string =>
  /^[a-z][\w-]{0,99}$/i.test(user) ? user : `x-${createHash('sha256').update(user).digest('base64url').slice(0, 22)}`
