import type { OctetString } from '../../src/mail/format/types.ts'
import {
  accountOf,
  accountOwner,
  CAPTURED_OWNER,
  type Folder,
  type Owner,
  PUBLIC_OWNER,
} from '../../src/storage/store/folder.ts'
import {
  CAPTURED_ROOT,
  mailboxNameMistake,
  OTHER_ROOT,
  openCaptured,
  openInbox,
  PUBLIC_ROOT,
  withInboxInCapitals,
} from '../../src/storage/store/mailboxes.ts'
import { isVisibleTo } from '../../src/storage/store/visible.ts'
import { capturedInboxOf } from '../service.ts'
import { seesCaptured, seesFolder } from './captured.ts'
import { checkMailboxReferral } from './referrals.ts'
import { bad, no } from './reply.ts'
import { missingRight, rightsOf } from './rights.ts'
import type { Identity, ImapSession } from './state.ts'
import type { Cursor } from './wire/cursor.ts'
import { astringForm, decodeUtf7, encodeUtf7, quotedForm, utf8Octets, utf8Text } from './wire/text.ts'

const sharedRoots = [
  { root: PUBLIC_ROOT, owner: PUBLIC_OWNER },
  { root: CAPTURED_ROOT, owner: CAPTURED_OWNER },
] as const
const SEPARATOR = '/'

const MAX_PATTERN_OCTETS = 2048

/** Reads and decodes a mailbox name. RFC 9051 section 5.1. */
export function readMailboxName(cursor: Cursor, session: ImapSession): string {
  return withInboxInCapitals(decodeMailboxName(cursor.astring(), session))
}

/** Decodes a mailbox name. @throws ImapError if the octets are not valid */
function decodeMailboxName(octets: OctetString, session: ImapSession): string {
  const name = session.utf8 ? utf8Text(octets)?.normalize('NFC') : decodeUtf7(octets)
  // Modified UTF-7 can encode NUL (RFC 5198 section 2) and surrogates without their pair (RFC 3629 section 3).
  if (name === undefined || name.includes('\0') || !name.isWellFormed())
    throw no(`A mailbox name must be ${session.utf8 ? 'UTF-8' : 'modified UTF-7'}.`, 'CANNOT')
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

/** Reads a reference and one pattern, and returns both as one pattern in the encoding of `decodePattern`. RFC 3501 section 6.3.9. */
export function readPattern(cursor: Cursor, session: ImapSession): string {
  cursor.space()
  const reference = decodePattern(cursor.astring(), session)
  cursor.space()
  return withInboxInCapitals(reference + decodePattern(cursor.listMailbox(), session))
}

/** Returns a name in the encoding of `decodePattern`, to compare with it. */
export const patternName = (name: string, session: ImapSession): string => (session.utf8 ? name : encodeUtf7(name))

const isBelow = (root: string, name: string): boolean => name === root || name.startsWith(root + SEPARATOR)

/** Returns whether a name is in the namespace of the newsgroups. */
export const isPublic = (name: string): boolean => isBelow(PUBLIC_ROOT, name)
/** Returns whether a name is in the namespace of captured mail. */
export const isCaptured = (name: string): boolean => isBelow(CAPTURED_ROOT, name)

/** Returns whether a name is in the namespace of other accounts. */
export const isOther = (name: string): boolean => isBelow(OTHER_ROOT, name)

/** Refuses to create or change what the lab or its configuration creates. @throws ImapError */
export function checkOwnMailbox(name: string, change: string): void {
  if (isPublic(name)) throw no(`Newsgroups are ${change} in the configuration.`, 'NOPERM')
  if (isCaptured(name)) throw no('The lab keeps the mailboxes of captured mail.', 'NOPERM')
}

/** Refuses to store a message, other than by APPEND, where no client may. @throws ImapError */
export function checkStorable(name: string): void {
  if (isPublic(name)) throw no('Only APPEND can post articles.', 'NOPERM')
  if (isCaptured(name)) throw no('Only the lab stores captured mail.', 'NOPERM')
}

/** Returns the owner of a mailbox, and its name in the store. */
export function locate(name: string, identity: Identity): { readonly owner: Owner; readonly name: string } {
  const shared = sharedRoots.find(({ root }) => isBelow(root, name))
  if (!shared && isOther(name)) return locateOther(name)
  if (!shared) return { owner: identity.owner, name }
  return { owner: shared.owner, name: name.slice(shared.root.length + 1) }
}

/** Returns the owner and the folder's name of `Other Users/alice/INBOX`. */
function locateOther(name: string): { readonly owner: Owner; readonly name: string } {
  const [, user = '', ...levels] = name.split(SEPARATOR)
  return { owner: accountOwner(user), name: levels.join(SEPARATOR) }
}

/** Returns a folder's mailbox name for an account: the reverse of `locate`. */
export function mailboxName(folder: Folder, reader: Owner): string {
  const { owner, name } = folder
  const shared = sharedRoots.find((one) => one.owner === owner)
  if (shared) return shared.root + SEPARATOR + name
  return owner === reader ? name : [OTHER_ROOT, accountOf(folder) ?? '', name].join(SEPARATOR)
}

/** Returns the names of the levels above, the nearest last: `a`, `a/b` for `a/b/c`. */
export function superiors(name: string): string[] {
  const levels: string[] = []
  for (let at = name.indexOf(SEPARATOR); at !== -1; at = name.indexOf(SEPARATOR, at + 1)) levels.push(name.slice(0, at))
  return levels
}

/** Checks that a client may create a mailbox of this name. @throws ImapError */
export function checkNewName(name: string): void {
  checkOwnMailbox(name, 'created')
  if (isOther(name) && name.split(SEPARATOR).length < 3) throw no('Only accounts have mailboxes here.', 'CANNOT')
  const mistake = mailboxNameMistake(isOther(name) ? locateOther(name).name : name)
  if (mistake !== undefined) throw no(`The name ${mistake}.`, 'CANNOT')
}

/**
 * Returns the folder of that name, a promise only if something has to be awaited.
 * @param rights what the account must be allowed to do. RFC 4314 section 4
 * @throws ImapError with `code` if it does not exist, NOPERM without the rights
 */
export function findMailbox(
  session: ImapSession,
  identity: Identity,
  name: string,
  code = 'NONEXISTENT',
  rights = '',
): Folder | Promise<Folder> {
  // INBOX always exists. RFC 9051 section 5.1
  if (name !== 'INBOX') return findOther(session, identity, name, code, rights)
  if (session.context.config.maildrop === 'inbox') return openInbox(session.context.store, identity.owner)
  return capturedInbox(session, identity).then((folder) =>
    folder
      ? findOther(session, identity, mailboxName(folder, identity.owner), code, rights)
      : openInbox(session.context.store, identity.owner),
  )
}

/** Returns the folder of captured mail that is the INBOX of an account. Undefined if it is not. */
export async function capturedInbox(session: ImapSession, identity: Identity): Promise<Folder | undefined> {
  const name = seesCaptured(session, identity) ? capturedInboxOf(session.context, identity.account) : undefined
  return name === undefined ? undefined : openCaptured(session.context.store, name)
}

async function findOther(
  session: ImapSession,
  identity: Identity,
  name: string,
  code: string,
  rights: string,
): Promise<Folder> {
  const { store, tenants } = session.context
  checkMailboxReferral(identity.account, name)
  const { owner, name: folderName } = locate(name, identity)
  const folder = folderName === '' ? undefined : await store.findFolder(owner, folderName)
  const { user } = identity.account
  const isVisible =
    folder !== undefined &&
    isVisibleTo(folder, user, tenants.scopeOf(user)) &&
    (owner !== CAPTURED_OWNER || (seesCaptured(session, identity) && (await seesFolder(session, identity, folder))))
  const granted = isVisible ? await rightsOf(session, identity, folder) : ''
  const [missing] = [...rights].filter((right) => !granted.includes(right))
  // Without the right to see a mailbox, it does not exist. RFC 4314 section 6
  const isHidden = granted === '' || (missing !== undefined && !granted.includes('l'))
  if (!isVisible || isHidden) throw no('The mailbox does not exist.', code)
  if (missing === 'i') checkStorable(name)
  if (missing !== undefined) throw missingRight(missing)
  return folder
}
