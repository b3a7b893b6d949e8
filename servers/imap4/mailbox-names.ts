import type { OctetString } from '../../src/mail/types.ts'
import { openInbox, withInboxInCapitals } from '../../src/store/mailboxes.ts'
import { type Folder, type Owner, PUBLIC_OWNER } from '../../src/store/types.ts'
import { bad, no } from './reply.ts'
import type { Session } from './session.ts'
import type { Identity } from './state.ts'
import type { Cursor } from './wire/cursor.ts'
import { astringForm, decodeUtf7, encodeUtf7, quotedForm, utf8Octets, utf8Text } from './wire/text.ts'

/** Where the newsgroups stand: the shared namespace. RFC 2342. */
export const PUBLIC_ROOT = 'Public Folders'
export const SEPARATOR = '/'

const MAX_NAME_CHARS = 512
const MAX_PATTERN_OCTETS = 2048

/** A mailbox name as a command has it, decoded, INBOX in its one spelling. RFC 9051 section 5.1. */
export function mailboxName(cursor: Cursor, session: Session): string {
  return withInboxInCapitals(decodeName(cursor.astring(), session))
}

/** @throws ImapError where the octets are no mailbox name */
export function decodeName(octets: OctetString, session: Session): string {
  const name = session.utf8 ? utf8Text(octets)?.normalize('NFC') : decodeUtf7(octets)
  if (name === undefined) throw no(`a mailbox name must be in ${session.utf8 ? 'UTF-8' : 'modified UTF-7'}`, 'CANNOT')
  return name
}

/** A mailbox name for a response. */
export function nameForm(name: string, session: Session): OctetString {
  return session.utf8 ? quotedForm(utf8Octets(name)) : astringForm(encodeUtf7(name))
}

/** The name as LIST patterns see it: a wildcard may stand within what modified UTF-7 makes of a character. */
export const wireName = (name: string, session: Session): string => (session.utf8 ? name : encodeUtf7(name))

/** A LIST pattern as it is compared with `wireName`. */
export function patternOf(octets: OctetString, session: Session): string {
  if (octets.length > MAX_PATTERN_OCTETS) throw bad('the pattern is too long')
  return session.utf8 ? decodeName(octets, session) : octets
}

/** Whose folder a name means, and the folder's name there. */
export function place(name: string, identity: Identity): { readonly owner: Owner; readonly name: string } {
  return isPublic(name)
    ? { owner: PUBLIC_OWNER, name: name.slice(PUBLIC_ROOT.length + 1) }
    : { owner: identity.owner, name }
}

export const isPublic = (name: string): boolean => name === PUBLIC_ROOT || name.startsWith(PUBLIC_ROOT + SEPARATOR)

/** The name that a folder has in IMAP. */
export const fullName = (folder: Folder): string =>
  folder.owner === PUBLIC_OWNER ? PUBLIC_ROOT + SEPARATOR + folder.name : folder.name

/** The names of the levels above, the nearest last: `a`, `a/b` for `a/b/c`. */
export function superiors(name: string): string[] {
  const levels = name.split(SEPARATOR)
  return levels.slice(1).map((_, i) => levels.slice(0, i + 1).join(SEPARATOR))
}

/** What a name for a new mailbox must be. @throws ImapError */
export function checkNewName(name: string): void {
  if (isPublic(name)) throw no('newsgroups are made by the configuration', 'NOPERM')
  if (name === '' || name.split(SEPARATOR).includes('')) throw no('a level of the name is empty', 'CANNOT')
  if (/\p{Cc}|[\u2028\u2029]/u.test(name)) throw no('control characters in the name', 'CANNOT') // RFC 9051 section 5.1
  if (name.length > MAX_NAME_CHARS) throw no('the name is too long', 'CANNOT')
}

/** The folder of that name. @throws ImapError `code` where there is none */
export async function findMailbox(
  session: Session,
  identity: Identity,
  name: string,
  code = 'NONEXISTENT',
): Promise<Folder> {
  if (name === 'INBOX') return openInbox(session.context.store, identity.owner) // there always. RFC 9051 section 5.1
  const { owner, name: inside } = place(name, identity)
  const folder = inside === '' ? undefined : await session.context.store.findFolder(owner, inside)
  if (!folder) throw no('there is no such mailbox', code)
  return folder
}

/**
 * Whether a mailbox name matches a LIST pattern: `*` stands for anything, `%` for anything within one level.
 * RFC 9051 section 6.3.9. Every place the pattern can be at is followed at once, so no pattern is slow.
 */
export function matchesPattern(name: string, text: string): boolean {
  // Wildcards in a row are one.
  const pattern = text.replace(/[*%]{2,}/g, (run) => (run.includes('*') ? '*' : '%'))
  let places = opened(pattern, new Set([0]))
  for (const char of name) {
    const next = new Set<number>()
    for (const place of places) {
      const wanted = pattern[place]
      if (wanted === '*' || (wanted === '%' && char !== '/')) next.add(place)
      else if (wanted === char) next.add(place + 1)
    }
    if (next.size === 0) return false
    places = opened(pattern, next)
  }
  return places.has(pattern.length)
}

/** A wildcard may stand for nothing: what can be behind it can be here. */
function opened(pattern: string, places: Set<number>): Set<number> {
  for (const place of places) if (pattern[place] === '*' || pattern[place] === '%') places.add(place + 1)
  return places
}
