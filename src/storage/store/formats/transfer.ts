import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { makeFolder } from '../../../core/files/folders.ts'
import { headerBlockEnd, headerFields } from '../../../mail/format/headers.ts'
import { messageIds } from '../../../mail/format/message-ids.ts'
import { StoreError } from '../errors.ts'
import { accountOwner, CAPTURED_OWNER, type Folder, type Owner, PUBLIC_OWNER } from '../folder.ts'
import type { StoredMessage } from '../message-entry.ts'
import type { HoldLimit, MessageStore } from '../types.ts'
import { eml } from './eml.ts'
import { type CarriedMessage, checked, type FoundFolder, type MailFormat, withCrlf } from './format.ts'
import { maildir } from './maildir.ts'
import { mbox } from './mbox.ts'
import { ExportPaths, isReadable, readIndex, unescapeLevel, writeIndex } from './names.ts'

export const formats = { maildir, mbox, eml } as const satisfies Record<string, MailFormat>
export type FormatName = keyof typeof formats

interface Transferred {
  readonly folders: number
  readonly messages: number
  /** Articles that were skipped because their newsgroup has them. */
  readonly known: number
  /** Parts of files that are not messages: where, and why. Absent if there are none. */
  readonly refused?: readonly string[]
}

/** The folders of an export, one per kind of owner. */
const USERS = 'users'
const ownerFolders = new Map<Owner, string>([
  [PUBLIC_OWNER, 'public'],
  [CAPTURED_OWNER, 'captured'],
])
/** Messages per `append`. */
const BATCH_MESSAGES = 100

/** Called with the number of messages that are copied so far. */
type OnProgress = (messages: number) => void

/** Writes the folders of one owner, or of all owners. */
export async function exportStore(
  store: MessageStore,
  root: string,
  format: MailFormat,
  only?: Owner,
  onProgress: OnProgress = () => {},
): Promise<Transferred> {
  let [folders, messages] = [0, 0]
  const accounts = new ExportPaths()
  for (const owner of only === undefined ? await store.listOwners() : [only]) {
    const account = accountNameOf(owner)
    const part = accounts.fileOf(account)
    const path = join(root, ownerFolders.get(owner) ?? join(USERS, part))
    makeFolder(path, 0o700)
    const paths = new ExportPaths()
    const names: Record<string, string> = {}
    for (const folder of await store.listFolders(owner)) {
      const { exists } = await store.status(folder.id)
      const file = paths.pathOf(folder.name)
      await format.write(join(path, file + format.ending), counting(messagesOf(store, folder), messages, onProgress))
      if (!isReadable(file, folder.name)) names[file + format.ending] = folder.name
      folders++
      messages += exists
    }
    writeIndex(path, { ...(!isReadable(part, account) && { account }), folders: names })
  }
  return { folders, messages, known: 0 }
}

/**
 * Imports what `exportStore` wrote. With `into`, imports any folder tree of that format for this owner. Adds messages to
 * existing folders. Skips articles that the newsgroup already has.
 * @throws StoreError `not-found` if nothing shows whose mail it is
 */
export async function importStore(
  store: MessageStore,
  root: string,
  format: MailFormat,
  into?: Owner,
  onProgress: OnProgress = () => {},
): Promise<Transferred> {
  const total = { folders: 0, messages: 0, known: 0 }
  const refused: string[] = []
  for (const [owner, path] of into === undefined ? ownersIn(root) : [ownerIn(root, into)]) {
    const { folders } = readIndex(path)
    for (const found of format.find(path)) {
      const file = relative(path, found.path).replaceAll(sep, '/')
      const folder = await folderFor(store, owner, { ...found, name: folders[file] ?? found.name })
      const before = total.messages + total.known
      const read = counting(format.read(found.path), before, onProgress)
      const { messages, known } = await importFolder(store, folder, read, { onRefused: (why) => refused.push(why) })
      total.folders++
      total.messages += messages
      total.known += known
    }
  }
  return refused.length === 0 ? total : { ...total, refused }
}

async function* counting<T>(
  items: AsyncIterable<T>,
  before: number,
  onProgress: OnProgress,
): AsyncGenerator<T, void, void> {
  let count = before
  for await (const item of items) {
    yield item
    onProgress(++count)
  }
}

/** Yields the messages of a folder in uid order. */
export async function* messagesOf(store: MessageStore, folder: Folder): AsyncGenerator<CarriedMessage, void, void> {
  const entries = await store.list(folder.id)
  using source = store.readAhead(entries.map((entry) => ({ folder, entry })))
  for (const { uid, flags, internalDate } of entries) {
    const raw = await source.read(folder.id, uid)
    if (raw) yield { raw, flags, internalDate }
  }
}

/**
 * Adds messages to a folder. Skips articles that the newsgroup already has.
 * @param options.onRefused called for what is not a message. Default: throws
 * @param options.onStored called with the messages of each batch
 * @param options.limit what the owner of the folder may have afterwards
 */
export async function importFolder(
  store: MessageStore,
  folder: Folder,
  messages: AsyncIterable<CarriedMessage>,
  {
    onRefused = refuse,
    onStored = () => {},
    limit,
  }: {
    readonly onRefused?: (why: string) => void
    readonly onStored?: (messages: readonly StoredMessage[]) => void
    readonly limit?: HoldLimit | undefined
  } = {},
): Promise<{ messages: number; known: number }> {
  let [stored, known] = [0, 0]
  let batch: Parameters<MessageStore['append']>[0][number][] = []
  const flush = async (): Promise<void> => {
    onStored(await store.append(batch))
    stored += batch.length
    batch = []
  }
  const seen = new Set<string>()
  for await (const { raw, flags, internalDate, refused } of messages) {
    if (refused !== undefined) {
      onRefused(refused)
      continue
    }
    const messageId = folder.owner === PUBLIC_OWNER ? messageIdOf(raw) : undefined
    if (messageId !== undefined) {
      if (seen.has(messageId) || (await store.locate(messageId)).some((at) => at.folder.id === folder.id)) {
        known++
        continue
      }
      seen.add(messageId)
    }
    const targets = [{ folderId: folder.id, flags, limit }]
    batch.push({ raw, internalDate, targets, ...(messageId !== undefined && { messageId }) })
    if (batch.length >= BATCH_MESSAGES) await flush()
  }
  if (batch.length > 0) await flush()
  return { messages: stored, known }
}

function refuse(why: string): never {
  throw new Error(why)
}

async function folderFor(store: MessageStore, owner: Owner, { name }: FoundFolder): Promise<Folder> {
  const full = name === '' ? 'INBOX' : name
  const found = await store.findFolder(owner, full)
  if (found) return found
  const newsgroup = { description: '', posting: 'yes', createdAt: Date.now(), createdBy: 'import' } as const
  return store.createFolder(owner, full, owner === PUBLIC_OWNER ? { newsgroup } : {})
}

/** Returns the identifier in the Message-ID field, with its angle brackets. */
function messageIdOf(raw: Buffer): string | undefined {
  const field = headerFields(raw, 0, headerBlockEnd(raw)).find(({ nameLower }) => nameLower === 'message-id')
  return field && messageIds(raw.toString('latin1', field.valueStart, field.end))[0]
}

/** Returns the account, or '' for folders that belong to no account. */
function accountNameOf(owner: Owner): string {
  const prefix = accountOwner('')
  return owner.startsWith(prefix) ? owner.slice(prefix.length) : ''
}

/** Returns an owner's part of an export, or the whole tree if there is no such part. */
const ownerIn = (root: string, owner: Owner): [Owner, string] =>
  partsOf(root).find(([each]) => each === owner) ?? [owner, root]

function ownersIn(root: string): [Owner, string][] {
  const parts = partsOf(root)
  if (parts.length > 0) return parts
  throw new StoreError(
    'not-found',
    `${root} has no users/, public/ or captured/: name the owner with --account or --newsgroups`,
  )
}

/** Returns the owners' parts of an export. */
function partsOf(root: string): [Owner, string][] {
  const owners: [Owner, string][] = []
  const users = join(root, USERS)
  for (const file of existsSync(users) ? readdirSync(users) : []) {
    const path = join(users, file)
    owners.push([accountOwner(readIndex(path).account ?? unescapeLevel(file)), path])
  }
  for (const [owner, name] of ownerFolders) if (existsSync(join(root, name))) owners.push([owner, join(root, name)])
  return owners
}

/** Returns the messages of a .eml file, an mbox file, a Maildir or a folder of .eml files. @throws if nothing is there */
export function messagesAt(path: string): AsyncIterable<CarriedMessage> {
  if (!statSync(path).isDirectory()) return path.endsWith('.eml') ? oneFile(path) : formats.mbox.read(path)
  const isMaildir = statSync(join(path, 'cur'), { throwIfNoEntry: false })?.isDirectory()
  return isMaildir ? formats.maildir.read(path) : formats.eml.read(path)
}

async function* oneFile(path: string): AsyncGenerator<CarriedMessage, void, void> {
  const internalDate = Math.floor(statSync(path).mtimeMs)
  yield checked({ raw: withCrlf(readFileSync(path)), flags: [], internalDate }, path)
}
