import type { Folder } from '../../folder.ts'

/** The special use of the view of all messages. RFC 6154 section 2. */
export const ALL_MAIL_USE = '\\All'

/** The mailbox of messages that have no label. It is not a label itself. */
export const ARCHIVE_NAME = 'Archive'

/** The names that Gmail gives to the mailboxes of an account, by their names in the store. */
const SHOWN: Readonly<Record<string, string>> = {
  Drafts: '[Gmail]/Drafts',
  Sent: '[Gmail]/Sent Mail',
  Junk: '[Gmail]/Spam',
  Trash: '[Gmail]/Trash',
}
const STORED = Object.fromEntries(Object.entries(SHOWN).map(([stored, shown]) => [shown, stored]))

/** Returns whether a mailbox of the store is spam or trash, or a level below. */
export const isSpamOrTrash = (name: string): boolean => /^(?:Junk|Trash)(?:\/|$)/.test(name)

export const ALL_MAIL_NAME = '[Gmail]/All Mail'

/** Returns the name that clients see. */
export const nameForClients = (name: string): string => renameTop(name, SHOWN)

/** Returns the name in the store; undefined if a client may not use it, because it is the stored name of another mailbox. */
export function nameInStore(name: string): string | undefined {
  const stored = renameTop(name, STORED)
  return stored === name && nameForClients(name) !== name ? undefined : stored
}

/** Renames a mailbox, or its level above. */
function renameTop(name: string, names: Readonly<Record<string, string>>): string {
  const root = Object.keys(names).find((one) => name === one || name.startsWith(`${one}/`))
  return root === undefined ? name : `${names[root]}${name.slice(root.length)}`
}

/** The system labels of mailboxes by their special use. */
const SYSTEM_LABELS: Readonly<Record<string, string>> = {
  '\\Sent': '\\Sent',
  '\\Drafts': '\\Draft',
  '\\Junk': '\\Spam',
  '\\Trash': '\\Trash',
}

/** Returns the label of a mailbox; undefined for those that are no label. */
export function labelOf({ name, specialUse }: Pick<Folder, 'name' | 'specialUse'>): string | undefined {
  if (name === 'INBOX') return '\\Inbox'
  if (specialUse === ALL_MAIL_USE || name === ARCHIVE_NAME) return undefined
  return (specialUse && SYSTEM_LABELS[specialUse]) ?? name
}
