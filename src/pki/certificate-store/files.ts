import { randomBytes } from 'node:crypto'
import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { lockFolder } from './lock.ts'

/** The right to change a store, held by one process at a time. */
export interface StoreLock {
  /** False once another process has taken the lock for stale. */
  held(): Promise<boolean>
  release(): Promise<void>
}

/** Where a certificate store keeps its texts: a folder, or memory. Paths are relative, with `/`. */
export interface StoreFiles {
  /** For messages: the folder, or `memory`. */
  readonly place: string
  /** Undefined where there is no such file. */
  read(path: string): Promise<string | undefined>
  /** Whole or not at all: no reader ever sees half a file. */
  write(path: string, text: string): Promise<void>
  remove(path: string): Promise<void>
  list(): Promise<string[]>
  lock(): Promise<StoreLock>
  /** Called after changes made by anyone. Returns the function that ends it. */
  watch(changed: () => void): () => void
}

/** A store that ends with its process. */
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

const hidden = (name: string): boolean => name.startsWith('.')

async function writeAtomic(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
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

/** Watches by the system's events; where it has none to give (some network folders, no watches left), looks each second. */
function watchFolder(folder: string, index: string, changed: () => void): () => void {
  const watchers: FSWatcher[] = []
  const poll = (): void => {
    watchFile(join(folder, index), { interval: 1000, persistent: false }, changed)
  }
  for (const part of ['', 'certificates', 'keys']) {
    try {
      const watcher = watch(join(folder, part), { persistent: false }, (_, name) => {
        if (name === null || !hidden(name)) changed()
      })
      watcher.on('error', poll)
      watchers.push(watcher)
    } catch {
      poll()
    }
  }
  return () => {
    for (const watcher of watchers) watcher.close()
    unwatchFile(join(folder, index), changed)
  }
}

/** A store in a folder: mode 0700, its files 0600, since keys are among them. */
export async function folderFiles(folder: string, index: string): Promise<StoreFiles> {
  for (const part of ['certificates', 'keys']) await mkdir(join(folder, part), { recursive: true, mode: 0o700 })
  return {
    place: folder,
    read: (path) =>
      readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
    write: (path, text) => writeAtomic(join(folder, path), text),
    remove: (path) => rm(join(folder, path), { force: true }),
    list: () => listBelow(folder),
    lock: () => lockFolder(folder),
    watch: (changed) => watchFolder(folder, index, changed),
  }
}
