import { addAccounts } from './accounts.ts'
import { likeIn, serverOf } from './draft.ts'
import type { Draft } from './tool.ts'
import type { Credentials } from './values.ts'

/** Lets only these accounts use the API of the tool and the console, and read mail. */
export function limitConsole(draft: Draft, users: readonly Credentials[], origin: string): void {
  addAccounts(draft, users, origin)
  const names = users.map(({ user }) => user)
  const like = likeIn(draft)
  like.users = [...new Set([...(like.users ?? []), ...names])]
  draft.lab.access.administrators = [...new Set([...(draft.lab.access.administrators ?? []), ...names])]
  // Accounts that only send mail do not read that of others.
  draft.lab.mail.captured = { ...draft.lab.mail.captured, readers: [...like.users] }
  serverOf(draft, 'http').authentication = ['basic']
}

/** Lets accounts read mail that do not use the console. */
export function addReaders(draft: Draft, users: readonly Credentials[]): void {
  const { captured } = draft.lab.mail
  if (!Array.isArray(captured?.readers)) return
  draft.lab.mail.captured = {
    ...captured,
    readers: [...new Set([...captured.readers, ...users.map(({ user }) => user)])],
  }
}
