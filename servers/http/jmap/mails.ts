import { type IndexedMessage, messageId } from '../../../src/api/messages/message-index.ts'
import type { Change, Copy, Look, Mail } from '../../../src/storage/store/views/account-history.ts'

/** The mailboxes and keywords of an Email. RFC 8621 section 4.1.1. */
export interface EmailPlace {
  readonly mailboxIds: ReadonlySet<string>
  /** In lower case. */
  readonly keywords: ReadonlySet<string>
}

export const isDeleted = (flags: readonly string[]): boolean => flags.some((flag) => flag.toLowerCase() === '\\deleted')

/** The flag of IMAP by the keyword of JMAP, without those that are equal. */
export const systemFlags: ReadonlyMap<string, string> = new Map(
  ['Seen', 'Flagged', 'Answered', 'Draft'].map((name) => [`$${name.toLowerCase()}`, `\\${name}`]),
)

const keywordOf = (flag: string): string => flag.toLowerCase().replace(/^\\/, '$')

/**
 * Returns where an Email is; undefined if JMAP does not show it, because all its copies have `\Deleted`. A keyword is on the
 * Email if one copy has it, but `$seen` if all have it, as in Cyrus.
 */
export function placeIn(copies: Look['copies']): EmailPlace | undefined {
  // RFC 8621 section 4.1.1: a message with \Deleted is not visible.
  const shown = copies.filter(([, flags]) => !isDeleted(flags))
  if (shown.length === 0) return undefined
  const keywords = new Set(shown.flatMap(([, flags]) => flags.map(keywordOf)))
  keywords.delete('$recent')
  if (!shown.every(([, flags]) => flags.some((flag) => keywordOf(flag) === '$seen'))) keywords.delete('$seen')
  return { mailboxIds: new Set(shown.map(([folderId]) => folderId)), keywords }
}

/** Returns where a message is; undefined if JMAP does not show it. */
export const emailPlace = ({ copies }: Mail): EmailPlace | undefined =>
  placeIn(Array.from(copies.values(), ({ folder, entry }) => [folder.id, entry.flags]))

/** Returns a set as JMAP writes it. */
export const trueFor = (names: ReadonlySet<string>): Record<string, true> =>
  Object.fromEntries(Array.from(names, (name) => [name, true]))

/** Returns the copy that stands for an Email: the oldest that JMAP shows. */
export function shownCopy({ copies }: Mail): Copy | undefined {
  for (const copy of copies.values()) if (!isDeleted(copy.entry.flags)) return copy
  return undefined
}

/** Returns an Email as the API of the lab reads it. */
export function readableEmail(mail: Mail | undefined): IndexedMessage | undefined {
  const copy = mail && shownCopy(mail)
  return copy && { id: messageId(copy.folder.id, copy.entry.uid), ...copy, order: 0 }
}

/** Returns whether an Email is in a mailbox. */
export function isIn({ copies }: Mail, isOne: (folderId: string) => boolean): boolean {
  for (const { folder, entry } of copies.values()) if (isOne(folder.id) && !isDeleted(entry.flags)) return true
  return false
}

/** Returns whether an Email has a keyword. @param keyword in lower case */
export function hasKeyword({ copies }: Mail, keyword: string): boolean {
  const isWanted = (flag: string): boolean => keywordOf(flag) === keyword
  let [shown, found] = [0, 0]
  for (const { entry } of copies.values()) {
    if (isDeleted(entry.flags)) continue
    shown++
    if (entry.flags.some(isWanted)) found++
  }
  return keyword === '$seen' ? found > 0 && found === shown : found > 0
}

/** The change of an Email. */
export interface EmailChange {
  readonly type: 'created' | 'updated' | 'destroyed'
  /** The mailboxes before and after that. */
  readonly mailboxIds: ReadonlySet<string>
  /** Whether it is in other mailboxes, or has other copies there. */
  readonly isMoved: boolean
  /** Whether it changes counts of mailboxes. */
  readonly isCounted: boolean
}

/** Returns what a change is for the Email; undefined if JMAP shows it neither before nor after. */
export function emailChange({ before, after }: Change): EmailChange | undefined {
  const [old, now] = [before && placeIn(before.copies), after && placeIn(after.copies)]
  if (!old && !now) return undefined
  const mailboxIds = new Set([...(old?.mailboxIds ?? []), ...(now?.mailboxIds ?? [])])
  if (!old || !now) return { type: old ? 'destroyed' : 'created', mailboxIds, isMoved: true, isCounted: true }
  const isMoved = shownFolders(before) !== shownFolders(after)
  const isUnread = ['$seen', '$draft'].some((keyword) => old.keywords.has(keyword) !== now.keywords.has(keyword))
  return { type: 'updated', mailboxIds, isMoved, isCounted: isMoved || isUnread }
}

const shownFolders = (look: Look | undefined): string =>
  (look?.copies ?? []).flatMap(([id, flags]) => (isDeleted(flags) ? [] : id)).join()
