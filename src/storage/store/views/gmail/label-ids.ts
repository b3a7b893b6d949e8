import type { FolderFacts, Look, Mail, Step } from '../account-history.ts'
import { gmailId } from './ids.ts'
import { labelOf } from './names.ts'

/** The system labels that are folders, with their names in IMAP; the folder is made where an account does not have one. */
export const folderLabels: ReadonlyMap<
  string,
  { readonly imap: string; readonly name: string; readonly specialUse?: string }
> = new Map([
  ['INBOX', { imap: '\\Inbox', name: 'INBOX' }],
  ['SENT', { imap: '\\Sent', name: 'Sent', specialUse: '\\Sent' }],
  ['DRAFT', { imap: '\\Draft', name: 'Drafts', specialUse: '\\Drafts' }],
  ['SPAM', { imap: '\\Spam', name: 'Junk', specialUse: '\\Junk' }],
  ['TRASH', { imap: '\\Trash', name: 'Trash', specialUse: '\\Trash' }],
])

const categories = ['PERSONAL', 'SOCIAL', 'PROMOTIONS', 'UPDATES', 'FORUMS'].map((name) => `CATEGORY_${name}`)

/** The system labels that are flags of IMAP: the flag, and whether a message with the label has it. */
export const flagLabels: ReadonlyMap<string, { readonly flag: string; readonly isSet: boolean }> = new Map([
  ['UNREAD', { flag: '\\Seen', isSet: false }],
  ['STARRED', { flag: '\\Flagged', isSet: true }],
  ['IMPORTANT', { flag: '$Important', isSet: true }], // RFC 8457
  ...categories.map((name) => [name, { flag: `$${name}`, isSet: true }] as const),
])

/** Returns the id of the label that a folder is; undefined for the archive. */
export function labelIdOf(folder: FolderFacts): string | undefined {
  const name = labelOf(folder)
  for (const [id, { imap }] of folderLabels) if (imap === name) return id
  return name && `Label_${folder.id}`
}

/** Returns the ids of the labels of a message. */
export const labelsOf = ({ copies, flags }: Mail): string[] =>
  labelsWith(
    flags,
    Array.from(copies.values(), ({ folder }) => folder),
  )

function labelsWith(flags: readonly string[], folders: readonly FolderFacts[]): string[] {
  const has = (wanted: string): boolean => flags.some((flag) => flag.toLowerCase() === wanted.toLowerCase())
  const ofFlags = [...flagLabels].filter(([, { flag, isSet }]) => has(flag) === isSet).map(([label]) => label)
  return [...new Set([...ofFlags, ...folders.flatMap((folder) => labelIdOf(folder) ?? [])])]
}

/** Returns the id of a message or thread in the API: X-GM-MSGID or X-GM-THRID in hexadecimal. */
export const hexId = (id: string): string => BigInt(gmailId(id)).toString(16)

/** A change of a message, in the words of `users.history.list`. */
export interface LabelChange {
  readonly type: 'messagesAdded' | 'messagesDeleted' | 'labelsAdded' | 'labelsRemoved'
  /** EMAILID and THREADID. */
  readonly id: string
  readonly threadId?: string | undefined
  /** All labels of the message: after the change, or when it was deleted. */
  readonly labels: readonly string[]
  /** The labels that were added or removed. */
  readonly changed?: readonly string[]
}

/** Returns what the changes of a step are for the labels of the messages. */
export function labelChanges({ changes, folders }: Step): LabelChange[] {
  const labelsIn = ({ flags, copies }: Look): string[] =>
    labelsWith(
      flags,
      copies.flatMap(([id]) => folders.filter((folder) => folder.id === id)),
    )
  return changes.flatMap(({ id, threadId, before, after }): LabelChange[] => {
    const [old, labels] = [before ? labelsIn(before) : [], after ? labelsIn(after) : []]
    if (!before) return [{ type: 'messagesAdded', id, threadId, labels }]
    if (!after) return [{ type: 'messagesDeleted', id, threadId, labels: old }]
    const types = { labelsAdded: [labels, old], labelsRemoved: [old, labels] } as const
    return Object.entries(types).flatMap(([type, [some, others]]) => {
      const changed = some.filter((label) => !others.includes(label))
      return changed.length > 0 ? [{ type: type as keyof typeof types, id, threadId, labels, changed }] : []
    })
  })
}
