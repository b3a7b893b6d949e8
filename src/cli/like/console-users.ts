import { addAccounts } from './accounts.ts'
import { likeIn, serverOf } from './draft.ts'
import type { Draft } from './tool.ts'
import type { Credentials } from './values.ts'

/** Lets only these accounts use the API of the tool and the console. */
export function limitConsole(draft: Draft, users: readonly Credentials[], origin: string): void {
  addAccounts(draft, users, origin)
  const names = users.map(({ user }) => user)
  likeIn(draft).users = [...names]
  draft.lab.administrators = names
  serverOf(draft, 'http').authentication = ['basic']
}
