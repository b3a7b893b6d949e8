import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { Folder, Owner } from '../../../src/storage/store/folder.ts'
import { openFolder } from '../../../src/storage/store/mailboxes.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { ALL_MAIL_USE, ARCHIVE_NAME, labelOf } from '../../../src/storage/store/views/gmail/names.ts'
import { checkNewName } from '../mailbox-names.ts'
import { type CommandResult, no, ok } from '../reply.ts'
import { checkRights, rightOfFlag } from '../rights.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession, StateOf } from '../state.ts'
import { fetchResponse } from '../updates.ts'
import { findLabels, isNamed, labelsForm } from './labels.ts'

interface LabelChange {
  readonly mode: 'add' | 'remove' | 'replace'
  readonly silent: boolean
  readonly labels: readonly string[]
}

/** STORE [+|-]X-GM-LABELS: adds copies of messages to mailboxes, or removes them. Gmail's X-GM-EXT-1. */
export async function storeLabels(
  session: ImapSession,
  { identity: { owner }, selection }: StateOf<'selected'>,
  uids: readonly number[],
  { mode, silent, labels }: LabelChange,
): Promise<CommandResult> {
  if (labels.some(isStarred)) checkRights(selection, rightOfFlag('\\Flagged'))
  const named = mode === 'remove' ? labels : labels.filter((name) => !isStarred(name))
  const targets = await Promise.all(named.map((name) => findTarget(session, owner, name, mode !== 'remove')))
  const folders = targets.filter((folder) => folder !== undefined)
  const copies = await findCopies(session, owner, entriesByBlob(selection, uids))
  for (const { entry, places } of copies) {
    const current = places.map(({ folder }) => folder).filter((folder) => labelOf(folder) !== undefined)
    const added = mode === 'remove' ? [] : without(folders, current)
    await add(session, selection, entry, added)
    if (mode === 'remove') await remove(session, owner, places, commonFolders(folders, current))
    if (mode === 'replace') {
      const others = without(current, [...folders, selection.folder])
      await remove(session, owner, places, others, added.length > 0)
    }
    if (isSliceOver()) await nextSlice()
  }
  if (labels.some(isStarred)) await star(session, selection, uids, mode)
  selection.labels = await findLabels(session, owner)
  if (!silent) sendLabels(session, selection, uids)
  return ok()
}

const isStarred = (name: string): boolean => isNamed({ name: '\\Starred' }, name)

const without = (folders: readonly Folder[], others: readonly Folder[]): Folder[] =>
  folders.filter(({ id }) => !others.some((other) => other.id === id))
const commonFolders = (folders: readonly Folder[], others: readonly Folder[]): Folder[] =>
  folders.filter(({ id }) => others.some((other) => other.id === id))

/** Returns the mailbox of a label. Creates it if a client adds the label. */
async function findTarget(
  { context: { store } }: ImapSession,
  owner: Owner,
  name: string,
  creates: boolean,
): Promise<Folder | undefined> {
  const folders = await store.listFolders(owner)
  const found = folders.find((folder) => isNamed({ name: labelOf(folder) ?? '' }, name))
  if (found || !creates) return found
  if (name.startsWith('\\')) throw no(`${name} is not a label.`, 'CANNOT')
  checkNewName(name)
  await store.setSubscribed(owner, name, true)
  return store.createFolder(owner, name)
}

/** The copies of a message in one mailbox. */
interface Place {
  readonly folder: Folder
  readonly uids: number[]
}

/** Returns the messages that exist, the first of those with the same octets. */
function entriesByBlob(selection: Selection, uids: readonly number[]): ReadonlyMap<string, MessageEntry> {
  const found = new Map<string, MessageEntry>()
  for (const uid of uids) {
    const entry = selection.messages.find(uid)
    if (entry && !selection.isExpunged(uid) && !found.has(entry.blob)) found.set(entry.blob, entry)
  }
  return found
}

/** Finds the copies of messages in all mailboxes of an account. */
async function findCopies(
  { context: { store } }: ImapSession,
  owner: Owner,
  entries: ReadonlyMap<string, MessageEntry>,
): Promise<readonly { readonly entry: MessageEntry; readonly places: readonly Place[] }[]> {
  const found = new Map(Array.from(entries, ([blob, entry]) => [blob, { entry, places: [] as Place[] }]))
  for (const folder of await store.listFolders(owner)) {
    if (folder.specialUse === ALL_MAIL_USE) continue
    for (const { blob, uid } of await store.list(folder.id)) {
      const places = found.get(blob)?.places
      const last = places?.at(-1)
      if (last?.folder === folder) last.uids.push(uid)
      else places?.push({ folder, uids: [uid] })
    }
    if (isSliceOver()) await nextSlice()
  }
  return [...found.values()]
}

async function add(
  { context: { store } }: ImapSession,
  selection: Selection,
  { uid }: MessageEntry,
  folders: readonly Folder[],
): Promise<void> {
  for (const { id } of folders) await store.copy(selection.folder.id, [uid], id)
}

/** Removes the copies in some mailboxes. The last copy of a message is moved to the archive, which is no label. */
async function remove(
  { context: { store } }: ImapSession,
  owner: Owner,
  places: readonly Place[],
  folders: readonly Folder[],
  hasMore = false,
): Promise<void> {
  const removed = places.filter(({ folder }) => folders.some(({ id }) => id === folder.id))
  const [first] = removed
  if (first && removed.length === places.length && !hasMore) {
    const archive = await openFolder(store, owner, ARCHIVE_NAME)
    await store.copy(first.folder.id, first.uids.slice(0, 1), archive.id)
  }
  for (const { folder, uids } of removed) await store.expunge(folder.id, uids)
}

async function star(
  { context: { store } }: ImapSession,
  selection: Selection,
  uids: readonly number[],
  mode: LabelChange['mode'],
): Promise<void> {
  const change = { mode: mode === 'remove' ? 'remove' : 'add', flags: ['\\Flagged'] } as const
  selection.refresh((await store.setFlags(selection.folder.id, uids, change, selection)).entries)
}

function sendLabels(session: ImapSession, selection: Selection, uids: readonly number[]): void {
  for (const uid of uids) {
    const index = selection.indexOf(uid)
    const entry = selection.messages.find(uid)
    if (!entry) continue
    const shown = labelsForm(session.utf8, selection, entry)
    session.send(fetchResponse(session, index, entry, session.enabled.has('UIDONLY') ? shown : `UID ${uid} ${shown}`))
  }
}
