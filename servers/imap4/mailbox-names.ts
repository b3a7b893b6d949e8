import type { OctetString } from '../../src/mail/types.ts'
import { openInbox, withInboxInCapitals } from '../../src/store/mailboxes.ts'
import { type Folder, type Owner, PUBLIC_OWNER } from '../../src/store/types.ts'
import { isVisibleTo } from '../../src/store/visible.ts'
import { bad, no } from './reply.ts'
import type { Identity, ImapSession } from './state.ts'
import type { Cursor } from './wire/cursor.ts'
import { astringForm, decodeUtf7, encodeUtf7, quotedForm, utf8Octets, utf8Text } from './wire/text.ts'

/** The namespace of the newsgroups. RFC 2342. */
export const PUBLIC_ROOT = 'Public Folders'
const SEPARATOR = '/'

const MAX_NAME_CHARS = 512
const MAX_PATTERN_OCTETS = 2048

/** Reads and decodes a mailbox name. RFC 9051 section 5.1. */
export function readMailboxName(cursor: Cursor, session: ImapSession): string {
  return withInboxInCapitals(decodeMailboxName(cursor.astring(), session))
}

/** Decodes a mailbox name. @throws ImapError if the octets are not valid */
function decodeMailboxName(octets: OctetString, session: ImapSession): string {
  const name = session.utf8 ? utf8Text(octets)?.normalize('NFC') : decodeUtf7(octets)
  if (name === undefined) throw no(`A mailbox name must be ${session.utf8 ? 'UTF-8' : 'modified UTF-7'}.`, 'CANNOT')
  return name
}

/** Encodes a mailbox name for a response. */
export function encodeMailboxName(name: string, session: ImapSession): OctetString {
  return session.utf8 ? quotedForm(utf8Octets(name)) : astringForm(encodeUtf7(name))
}

/** Decodes a LIST pattern. In UTF-7 sessions it stays encoded, because wildcards may match a part of an encoded character. */
export function decodePattern(octets: OctetString, session: ImapSession): string {
  if (octets.length > MAX_PATTERN_OCTETS) throw bad('The pattern is too long.')
  return session.utf8 ? decodeMailboxName(octets, session) : octets
}

/** Returns a name in the encoding of `decodePattern`, to compare with it. */
export const patternName = (name: string, session: ImapSession): string => (session.utf8 ? name : encodeUtf7(name))

/** Returns whether a name is in the namespace of the newsgroups. */
export const isPublic = (name: string): boolean => name === PUBLIC_ROOT || name.startsWith(PUBLIC_ROOT + SEPARATOR)

/** Returns the owner of a mailbox, and its name in the store. */
export function locate(name: string, identity: Identity): { readonly owner: Owner; readonly name: string } {
  return isPublic(name)
    ? { owner: PUBLIC_OWNER, name: name.slice(PUBLIC_ROOT.length + 1) }
    : { owner: identity.owner, name }
}

/** Returns a folder's mailbox name: the reverse of `locate`. */
export const mailboxName = (folder: Folder): string =>
  folder.owner === PUBLIC_OWNER ? PUBLIC_ROOT + SEPARATOR + folder.name : folder.name

/** Returns the names of the levels above, the nearest last: `a`, `a/b` for `a/b/c`. */
export function superiors(name: string): string[] {
  const levels: string[] = []
  for (let at = name.indexOf(SEPARATOR); at !== -1; at = name.indexOf(SEPARATOR, at + 1)) levels.push(name.slice(0, at))
  return levels
}

/** Rejects control characters and line separators. RFC 9051 section 5.1. @throws ImapError */
export function checkCharacters(name: string): void {
  if (/\p{Cc}|[\u2028\u2029]/u.test(name)) throw no('The name contains control characters.', 'CANNOT')
}

/** Checks that a client may create a mailbox of this name. @throws ImapError */
export function checkNewName(name: string): void {
  if (isPublic(name)) throw no('Newsgroups are created in the configuration.', 'NOPERM')
  if (name === '' || name.split(SEPARATOR).includes('')) throw no('A level of the name is empty.', 'CANNOT')
  checkCharacters(name)
  if (name.length > MAX_NAME_CHARS) throw no('The name is too long.', 'CANNOT')
}

/** Returns the folder of that name. @throws ImapError with `code` if it does not exist */
export async function findMailbox(
  session: ImapSession,
  identity: Identity,
  name: string,
  code = 'NONEXISTENT',
): Promise<Folder> {
  const { store } = session.context
  if (name === 'INBOX') return openInbox(store, identity.owner) // always exists. RFC 9051 section 5.1
  const { owner, name: folderName } = locate(name, identity)
  const folder = folderName === '' ? undefined : await store.findFolder(owner, folderName)
  if (!folder || !isVisibleTo(folder, identity.account.user)) throw no('The mailbox does not exist.', code)
  return folder
}
