import type { StoreItem, StoreItems } from '../../copy/types.ts'
import { StoreError } from '../../errors.ts'
import type { Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ValueKind } from '../../value-types.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import type { Blobs } from './blobs.ts'
import { type ArticleHistory, MemoryFolder } from './indexes.ts'
import type { MemoryValues } from './values.ts'

/** The parts of a memory store. */
export interface MemoryParts {
  readonly folders: FolderRegistry<MemoryFolder>
  readonly blobs: Blobs
  readonly history: ArticleHistory
  readonly subscriptions: Map<Owner, Set<string>>
  readonly state: Map<string, string>
  readonly values: MemoryValues
  /** By owner and name, separated by a line end. */
  readonly retiredUids: Map<string, number>
  tag: string
  lastFolder: number
  lastUidValidity: number
}

/** Yields everything as it is now. Octets stay until the end, even if their messages are deleted meanwhile. */
export async function* dumpParts(parts: MemoryParts): AsyncGenerator<StoreItem, void, void> {
  const { blobs } = parts
  const folders = Array.from(parts.folders.all, (state) => ({
    folder: state.folder,
    numbers: { uidNext: state.uidNext, highestModSeq: state.highestModSeq },
    entries: state.index.list(),
    vanished: state.vanished,
    values: [...state.values.all()],
  }))
  const others = [...otherItems(parts)]
  const { tag, lastFolder, lastUidValidity } = parts
  const lastBlob = blobs.lastNumber
  const held = folders.flatMap(({ entries }) => entries)
  const shared = sharedBlobs(held)
  for (const { blob } of held) blobs.hold(blob)
  try {
    const counts = { folders: folders.length, messages: held.length }
    yield { type: 'store', tag, lastFolder, lastBlob, lastUidValidity, ...counts }
    const written = new Set<string>()
    for (const { folder, numbers, entries, vanished, values } of folders) {
      const folderId = folder.id
      yield { type: 'folder', folder, ...numbers }
      for (const entry of entries) {
        const isShared = shared.has(entry.blob)
        const isKnown = isShared && written.has(entry.blob)
        if (isShared) written.add(entry.blob)
        yield { type: 'message', folderId, entry, isShared, ...(!isKnown && { raw: octetsOf(blobs, entry) }) }
      }
      for (const { modSeq, uids } of vanished) yield { type: 'vanished', folderId, modSeq, uids }
      for (const value of values) yield { type: 'value', folderId, ...value }
    }
    yield* others
  } finally {
    for (const { blob } of held) blobs.unhold(blob)
  }
}

function octetsOf(blobs: Blobs, { blob }: MessageEntry): Buffer {
  const octets = blobs.get(blob)
  if (!octets) throw new StoreError('closed', 'the store was closed')
  return octets
}

function sharedBlobs(entries: readonly MessageEntry[]): ReadonlySet<string> {
  const [once, shared] = [new Set<string>(), new Set<string>()]
  for (const { blob } of entries) (once.has(blob) ? shared : once).add(blob)
  return shared
}

function* otherItems(parts: MemoryParts): Generator<StoreItem, void, void> {
  for (const value of parts.values.all()) yield { type: 'value', ...value }
  for (const [owner, names] of parts.subscriptions)
    for (const name of names) yield { type: 'subscription', owner, name }
  for (const [key, value] of parts.state) yield { type: 'state', key, value }
  for (const messageId of parts.history.known) yield { type: 'known', messageId }
  for (const [key, uidNext] of parts.retiredUids) {
    const at = key.indexOf('\n')
    yield { type: 'retired', owner: key.slice(0, at) as Owner, name: key.slice(at + 1), uidNext }
  }
}

/** Adds everything to empty parts. @param counted is called for each message @throws StoreError `no-space` */
export async function restoreParts(
  parts: MemoryParts,
  items: StoreItems,
  counted: (folder: MemoryFolder) => void,
): Promise<void> {
  const { folders, blobs, history } = parts
  const names = new Map<string, string>()
  const numbers = new Map<MemoryFolder, { readonly uidNext: number; readonly highestModSeq: number }>()
  for await (const item of items) {
    if (item.type === 'store') {
      const { tag, lastFolder, lastUidValidity } = item
      Object.assign(parts, { tag, lastFolder, lastUidValidity })
      blobs.continueFrom(tag, item.lastBlob)
    } else if (item.type === 'folder') {
      const state = new MemoryFolder(item.folder, 1)
      folders.add(state)
      numbers.set(state, item)
    } else if (item.type === 'message') {
      const state = folders.need(item.folderId)
      const blob = await restoreBlob(blobs, names, item)
      const entry = { ...item.entry, blob, flags: state.flags.canonical(item.entry.flags) }
      state.index.append([entry])
      history.add(state.folder, [entry])
      counted(state)
    } else if (item.type === 'vanished') folders.need(item.folderId).addVanished(item)
    else if (item.type === 'value') restoreValue(parts, item)
    else if (item.type === 'subscription') {
      parts.subscriptions.set(item.owner, (parts.subscriptions.get(item.owner) ?? new Set()).add(item.name))
    } else if (item.type === 'state') parts.state.set(item.key, item.value)
    else if (item.type === 'known') history.remember(item.messageId)
    else parts.retiredUids.set(`${item.owner}\n${item.name}`, item.uidNext)
  }
  for (const [{ index }, { uidNext, highestModSeq }] of numbers) Object.assign(index, { uidNext, highestModSeq })
}

async function restoreBlob(
  blobs: Blobs,
  names: Map<string, string>,
  { raw, entry, isShared }: Extract<StoreItem, { type: 'message' }>,
): Promise<string> {
  if (raw === undefined) {
    const known = names.get(entry.blob)
    if (known === undefined) throw new StoreError('failed', `the octets of message ${entry.uid} are missing`)
    blobs.reserve(0, 1)
    blobs.hold(known)
    return known
  }
  const pieces: Buffer[] = []
  if (Buffer.isBuffer(raw)) pieces.push(raw)
  else for await (const piece of raw) pieces.push(piece)
  blobs.reserve(entry.sizeOctets, 1)
  const blob = blobs.add(pieces, 1)
  if (isShared) names.set(entry.blob, blob)
  return blob
}

function restoreValue(parts: MemoryParts, item: Extract<StoreItem, { type: 'value' }>): void {
  const { folderId, kind, reader, name, content } = item
  const values = folderId === undefined ? parts.values : parts.folders.need(folderId).values
  const space = { kind: kind as ValueKind, reader: reader as Owner }
  const changes = new Map([[name, content]])
  parts.blobs.reserve(values.growth(space, changes), 0)
  values.change(space, changes)
}
