import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import type { AccountHistory } from '../../../src/storage/store/views/account-history.ts'
import { type EmailPlace, emailPlace } from './mails.ts'
import { threadsOf } from './thread.ts'
import type { MethodCall } from './types.ts'

/** The roles of mailboxes, in their order, with the special use in IMAP. RFC 8621 section 2, RFC 6154. */
export const roles: readonly { readonly role: string; readonly use: string }[] = [
  ...['Drafts', 'Sent', 'Archive', 'Junk', 'Trash', 'Flagged', 'Important', 'All'].map((name) => ({
    role: name.toLowerCase(),
    use: `\\${name}`,
  })),
]

/** A folder as a Mailbox, without its counts. */
export interface Box {
  readonly id: string
  readonly folder: Folder
  /** The last level; more levels where those between do not exist. */
  readonly name: string
  readonly parentId: string | null
  readonly role: string | null
  readonly sortOrder: number
  readonly isSubscribed: boolean
}

/** Returns the mailboxes of an account by their ids. @throws StoreError */
export async function boxesOf({ account }: MethodCall): Promise<ReadonlyMap<string, Box>> {
  const { history, owner, store } = account
  await history.settled()
  const subscribed = new Set(await store.subscriptions(owner))
  const byName = new Map(Array.from(history.folders.values(), (folder) => [folder.name, folder]))
  const boxes = new Map<string, Box>()
  for (const [name, folder] of byName) {
    const ends = Array.from(name.matchAll(/\//g), ({ index }) => index).reverse()
    // A level whose mailbox was deleted, which IMAP shows with \NonExistent, is a part of the name.
    const end = ends.find((at) => byName.has(name.slice(0, at)))
    const place = roles.findIndex(({ use }) => use === folder.specialUse)
    boxes.set(folder.id, {
      id: folder.id,
      folder,
      name: end === undefined ? name : name.slice(end + 1),
      parentId: (end === undefined ? undefined : byName.get(name.slice(0, end))?.id) ?? null,
      role: name === 'INBOX' ? 'inbox' : (roles[place]?.role ?? null),
      sortOrder: folder.sortOrder ?? (name === 'INBOX' ? 1 : place === -1 ? 100 : 10 + place),
      isSubscribed: subscribed.has(name),
    })
  }
  return boxes
}

/** RFC 8621 section 2 */
export const COUNTS = ['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'] as const
export type Counts = Readonly<Record<(typeof COUNTS)[number], number>>
export const NO_COUNTS: Counts = { totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 }

/** The counts that were asked for last, and the state at that time. */
const known = new WeakMap<AccountHistory, { readonly state: number; readonly counts: ReadonlyMap<string, Counts> }>()

/** Returns the counts of the mailboxes that have Emails. @throws StoreError */
export async function mailboxCounts({ account: { history } }: MethodCall): Promise<ReadonlyMap<string, Counts>> {
  const state = await history.settled()
  const found = known.get(history)
  if (found?.state === state) return found.counts
  const counts = new Map<string, { -readonly [name in keyof Counts]: number }>()
  const trash = [...history.folders.values()].find(({ specialUse }) => specialUse === '\\Trash')?.id ?? ''
  for (const mails of (await threadsOf(history)).values()) {
    const emails = mails.flatMap((mail) => emailPlace(mail) ?? [])
    const unread = emails.filter(isUnread)
    const isUnreadInTrash = unread.some(({ mailboxIds }) => mailboxIds.has(trash))
    // RFC 8621 section 2: Emails that are only in the trash do not count elsewhere.
    const isUnreadElsewhere = unread.some(({ mailboxIds }) => mailboxIds.size > 1 || !mailboxIds.has(trash))
    for (const email of emails)
      for (const id of email.mailboxIds) {
        const its = counts.get(id) ?? { ...NO_COUNTS }
        counts.set(id, its)
        its.totalEmails++
        if (isUnread(email)) its.unreadEmails++
      }
    for (const id of new Set(emails.flatMap(({ mailboxIds }) => [...mailboxIds]))) {
      const its = counts.get(id)
      if (!its) continue
      its.totalThreads++
      if (id === trash ? isUnreadInTrash : isUnreadElsewhere) its.unreadThreads++
    }
    if (isSliceOver()) await nextSlice()
  }
  known.set(history, { state, counts })
  return counts
}

const isUnread = ({ keywords }: EmailPlace): boolean => !keywords.has('$seen') && !keywords.has('$draft')
