import type { Change, Look, Mail } from '../../../src/storage/store/views/account-history.ts'

/** The mailboxes and keywords of an Email. RFC 8621 section 4.1.1. */
export interface EmailPlace {
  readonly mailboxIds: ReadonlySet<string>
  /** In lower case. */
  readonly keywords: ReadonlySet<string>
}

const isDeleted = (flags: readonly string[]): boolean => flags.some((flag) => flag.toLowerCase() === '\\deleted')

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
export const placeOf = ({ copies }: Mail): EmailPlace | undefined =>
  placeIn(Array.from(copies.values(), ({ folder, entry }) => [folder.id, entry.flags]))

/** The change of an Email. */
export interface EmailChange {
  readonly type: 'created' | 'updated' | 'destroyed'
  /** The mailboxes before and after that. */
  readonly mailboxIds: ReadonlySet<string>
  /** Whether it changes counts of mailboxes: more than keywords other than `$seen`. */
  readonly isCounted: boolean
}

/** Returns what a change is for the Email; undefined if JMAP shows it neither before nor after. */
export function emailChange({ before, after }: Change): EmailChange | undefined {
  const [old, now] = [before && placeIn(before.copies), after && placeIn(after.copies)]
  if (!old && !now) return undefined
  const mailboxIds = new Set([...(old?.mailboxIds ?? []), ...(now?.mailboxIds ?? [])])
  if (!old || !now) return { type: old ? 'destroyed' : 'created', mailboxIds, isCounted: true }
  const isMoved = old.mailboxIds.size < mailboxIds.size || now.mailboxIds.size < mailboxIds.size
  return { type: 'updated', mailboxIds, isCounted: isMoved || old.keywords.has('$seen') !== now.keywords.has('$seen') }
}
