import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import type { Owner } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { ALL_MAIL_USE, labelOf } from '../../../src/storage/store/views/gmail/names.ts'
import { no } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { astringForm, decodeUtf7, encodeUtf7, quotedForm, utf8Octets, utf8Text } from '../wire/text.ts'
import type { Label, Labels } from './label.ts'

const STARRED = '\\Starred'

/** Finds the labels of all messages of an account. A message has a label for each mailbox with a copy of it. */
export async function findLabels({ context: { store } }: ImapSession, owner: Owner): Promise<Labels> {
  const found = new Map<string, Label[]>()
  for (const folder of await store.listFolders(owner)) {
    if (folder.specialUse === ALL_MAIL_USE) continue
    const name = labelOf(folder)
    for (const { blob, flags } of await store.list(folder.id)) {
      const labels = found.get(blob) ?? []
      found.set(blob, labels)
      if (name !== undefined && !labels.some((label) => label.folder === folder)) labels.push({ name, folder })
      if (flags.includes('\\Flagged') && !labels.some((label) => label.name === STARRED)) labels.push({ name: STARRED })
    }
    if (isSliceOver()) await nextSlice()
  }
  return found
}

/** Returns X-GM-LABELS of a message: without the label of the selected mailbox. @param utf8 whether labels are UTF-8 */
export function labelsForm(utf8: boolean, { labels, folder }: Selection, { blob }: MessageEntry): OctetString {
  const shown = (labels.get(blob) ?? []).filter((label) => label.folder?.id !== folder.id)
  const forms = shown.map(({ name }) => (name.startsWith('\\') ? quotedForm(name) : userLabel(utf8, name)))
  return `X-GM-LABELS (${forms.join(' ')})`
}

const userLabel = (utf8: boolean, name: string): OctetString =>
  utf8 ? quotedForm(utf8Octets(name)) : astringForm(encodeUtf7(name))

const SYSTEM_LABEL = /\\[a-z]+/iy

/** Reads one label, or several in parentheses. */
export const labels = (cursor: Cursor, session: ImapSession): string[] =>
  cursor.ahead === '(' ? cursor.list(() => label(cursor, session), true) : [label(cursor, session)]

/** Reads a label: an astring, or a system label with its backslash. */
function label(cursor: Cursor, session: ImapSession): string {
  const system = cursor.match(SYSTEM_LABEL)
  if (system !== undefined) return system
  const octets = cursor.astring()
  const name = session.utf8 ? utf8Text(octets) : decodeUtf7(octets)
  if (name === undefined || name === '') throw no('The label is not valid.', 'CANNOT')
  return name
}

/** Returns whether a message has a label. Search writes spaces and slashes of labels as `-`. */
export function hasLabel({ labels }: Selection, { blob }: MessageEntry, wanted: string): boolean {
  const plain = (name: string): string => name.toLowerCase().replace(/[ /()&]/g, '-')
  return (labels.get(blob) ?? []).some(({ name }) => plain(name) === plain(wanted))
}

/** Returns whether a label has a name. System labels are case-insensitive. */
export const isNamed = ({ name }: Label, wanted: string): boolean =>
  name === wanted || (name.startsWith('\\') && name.toLowerCase() === wanted.toLowerCase())
