import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../../common/folders.ts'
import { lockCertificateStore, type StoreLock } from './lock.ts'
import { watchFolder } from './watch-folder.ts'

/** Where a certificate store keeps its text files: in a folder or in memory. Paths are relative and use `/`. */
export interface StoreFiles {
  /** The folder, or `memory`; for messages. */
  readonly place: string
  /** Returns undefined if there is no such file. */
  read(path: string): Promise<string | undefined>
  /** Writes a file atomically: readers see the old text or the new one. */
  write(path: string, text: string): Promise<void>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  lock(): Promise<StoreLock>
  /** Calls `changed` after changes by any process. Returns a function that stops it. */
  watch(changed: () => void): () => void
}

/** Creates a store in memory. It ends with the process. */
export function memoryFiles(): StoreFiles {
  const texts = new Map<string, string>()
  return {
    place: 'memory',
    read: async (path) => texts.get(path),
    write: async (path, text) => void texts.set(path, text),
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
  return {
    place: folder,
    read: (path) =>
      readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
    write: (path, text) => writeAtomically(join(folder, path), text),
    remove: (path) => rm(join(folder, path), { force: true }),
    list: () => listBelow(folder),
    lock: () => lockCertificateStore(folder),
    watch: (changed) => watchFolder(folder, index, changed),
  }
}

async function writeAtomically(path: string, text: string): Promise<void> {
  makeFolder(dirname(path), 0o700)
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
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
