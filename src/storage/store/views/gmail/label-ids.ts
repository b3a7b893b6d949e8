import type { Folder } from '../../types.ts'
import type { Mail } from './mailbox-history.ts'
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
export function labelIdOf(folder: Folder): string | undefined {
  const name = labelOf(folder)
  for (const [id, { imap }] of folderLabels) if (imap === name) return id
  return name && `Label_${folder.id}`
}

/** Returns the ids of the labels of a message. */
export function labelsOf({ copies, flags }: Pick<Mail, 'copies' | 'flags'>): string[] {
  const has = (wanted: string): boolean => flags.some((flag) => flag.toLowerCase() === wanted.toLowerCase())
  const ofFlags = [...flagLabels].filter(([, { flag, isSet }]) => has(flag) === isSet).map(([label]) => label)
  const ofFolders = Array.from(copies.values(), ({ folder }) => labelIdOf(folder) ?? [])
  return [...new Set([...ofFlags, ...ofFolders.flat()])]
}
