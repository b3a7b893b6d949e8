import { accountOf, CAPTURED_OWNER, type Folder, PUBLIC_OWNER } from '../../src/storage/store/folder.ts'
import { isAdministrator } from './access.ts'
import { aclOf, rightsIn } from './acl.ts'
import { no } from './reply.ts'
import type { Selection } from './selection.ts'
import type { Identity, ImapSession } from './state.ts'

/** The rights that an account may have on a mailbox. RFC 4314 section 2.1. */
export const ALL_RIGHTS = 'lrswipkxtea'

/** The actions that each right allows, for errors. */
const MEANINGS: Readonly<Record<string, string>> = {
  l: 'see this mailbox',
  r: 'read this mailbox',
  s: 'mark messages of this mailbox as seen',
  w: 'change flags in this mailbox',
  i: 'store messages in this mailbox',
  p: 'send mail to this mailbox',
  k: 'create mailboxes here',
  x: 'delete this mailbox',
  t: 'mark messages of this mailbox as deleted',
  e: 'expunge messages of this mailbox',
  a: 'administer this mailbox',
}

/** Rights on newsgroups: everybody reads and posts, and keeps its own `\Seen`. */
const NEWSGROUP_RIGHTS = 'lrsip'
/** Rights of the readers of captured mail, which only the lab stores. */
const CAPTURED_RIGHTS = 'lrswte'

/** Returns the rights of an account on a folder, as letters. RFC 4314 section 2. */
export function rightsOf(session: ImapSession, identity: Identity, folder: Folder): string | Promise<string> {
  if (folder.owner === identity.owner) return ALL_RIGHTS
  if (folder.owner === PUBLIC_OWNER) return NEWSGROUP_RIGHTS
  if (folder.owner === CAPTURED_OWNER) return CAPTURED_RIGHTS
  return sharedRights(session, identity, folder)
}

/** Returns the rights of an account on a mailbox of another one. */
async function sharedRights(session: ImapSession, identity: Identity, folder: Folder): Promise<string> {
  const { store, directory, tenants } = session.context
  const { user } = identity.account
  // A tenant shares mailboxes within itself only.
  if (tenants.tenantOfAccount(user) !== tenants.tenantOfAccount(accountOf(folder) ?? '')) return ''
  const rights = rightsIn(await aclOf(store, folder), directory, user)
  return isAdministrator(session, identity) && !rights.includes('a') ? `${rights}a` : rights
}

/** Checks that the selected mailbox is open for changes, and that the account has the rights. @throws ImapError NOPERM */
export function checkRights(selection: Selection, rights: string): void {
  if (selection.isExamined) throw no('The mailbox is read-only.', 'NOPERM')
  for (const right of rights) if (!selection.rights.includes(right)) throw missingRight(right)
}

/** Returns the error of an account that lacks a right. RFC 5530 section 3 */
export const missingRight = (right: string) => no(`You may not ${MEANINGS[right] ?? 'do that'}.`, 'NOPERM')

/** Returns the right that changing a flag needs. RFC 4314 section 4. */
export function rightOfFlag(flag: string): 's' | 't' | 'w' {
  const lower = flag.toLowerCase()
  if (lower === '\\seen') return 's'
  return lower === '\\deleted' ? 't' : 'w'
}

/** Returns those flags that rights allow to change. */
export const permittedFlags = (rights: string, flags: readonly string[]): readonly string[] =>
  flags.filter((flag) => rights.includes(rightOfFlag(flag)))
