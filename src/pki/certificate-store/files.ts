import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type FileAction, fileErrorText, isFull } from '../../common/file-errors.ts'
import { flush } from '../../common/flush.ts'
import { makeFolder } from '../../common/folders.ts'
import { PkiError } from '../errors.ts'
import { lockCertificateStore, type StoreLock } from './lock.ts'
import { Reserve } from './reserve.ts'
import { watchFolder } from './watch-folder.ts'

/** Where a certificate store keeps its text files: in a folder or in memory. Paths are relative and use `/`. */
export interface StoreFiles {
  /** The folder, or `memory`; for messages. */
  readonly place: string
  /** Returns undefined if there is no such file. */
  read(path: string): Promise<string | undefined>
  /** Writes a file atomically: readers see the old text or the new one. @throws PkiError `store` */
  write(path: string, text: string, options?: WriteOptions): Promise<void>
  /** Keeps room on the disk for a new index of this size. */
  keepReserve(octets: number): Promise<void>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  lock(): Promise<StoreLock>
  /** Calls `changed` after changes by any process. Returns a function that stops it. */
  watch(changed: () => void): () => void
}

export interface WriteOptions {
  /** Whether the change frees space, so that it may use the room that is kept for it on a full disk. */
  readonly frees?: boolean
}

/** Creates a store in memory. It ends with the process. */
export function memoryFiles(): StoreFiles {
  const texts = new Map<string, string>()
  return {
    place: 'memory',
    read: async (path) => texts.get(path),
    write: async (path, text) => void texts.set(path, text),
    keepReserve: async () => {},
    remove: async (path) => void texts.delete(path),
    list: async () => [...texts.keys()],
    lock: async () => ({ held: async () => true, release: async () => {} }),
    watch: () => () => {},
  }
}

/**
 * Opens a store in a folder. The folder has mode 0700 and its files 0600, since they hold private keys.
 * @param index path of the file that changes with every change of the store
 */
export async function folderFiles(folder: string, index: string): Promise<StoreFiles> {
  for (const part of ['certificates', 'keys']) makeFolder(join(folder, part), 0o700)
  const reserve = new Reserve(folder)
  return {
    place: folder,
    read: (path) =>
      readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw storeError(error, join(folder, path), 'read')
      }),
    write: (path, text, options) => writeWithReserve(join(folder, path), text, reserve, options),
    keepReserve: (octets) => reserve.keep(octets),
    remove: (path) =>
      rm(join(folder, path), { force: true }).catch((error: Error) => {
        throw storeError(error, join(folder, path), 'deleted')
      }),
    list: () => listBelow(folder),
    lock: () => lockWithReserve(folder, reserve),
    watch: (changed) => watchFolder(folder, index, changed),
  }
}

const storeError = (error: Error, path: string, done: FileAction): Error =>
  error instanceof PkiError ? error : new PkiError('store', fileErrorText(error, path, done), { cause: error })

async function writeWithReserve(
  path: string,
  text: string,
  reserve: Reserve,
  { frees = false }: WriteOptions = {},
): Promise<void> {
  try {
    if (reserve.isGivenUp && !frees) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    await writeAtomically(path, text).catch(async (error: Error) => {
      if (!frees || !isFull(error) || !(await reserve.giveUp())) throw error
      await writeAtomically(path, text)
    })
  } catch (error) {
    throw storeError(error as Error, path, 'written')
  }
}

/** Takes the lock. On a full disk, even its file needs the reserve. */
async function lockWithReserve(folder: string, reserve: Reserve): Promise<StoreLock> {
  try {
    return await lockCertificateStore(folder).catch(async (error: Error) => {
      if (!isFull(error) || !(await reserve.giveUp())) throw error
      return lockCertificateStore(folder)
    })
  } catch (error) {
    throw storeError(error as Error, folder, 'written')
  }
}

async function writeAtomically(path: string, text: string): Promise<void> {
  makeFolder(dirname(path), 0o700)
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await flush(file)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function listBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      return entry.isDirectory() ? listBelow(folder, path) : [path]
    }),
  )
  return found.flat()
}
