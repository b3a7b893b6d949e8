import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OneAtATime } from '../../../core/async/one-at-a-time.ts'
import { type FileAction, fileErrorText, isFull } from '../../../core/files/file-errors.ts'
import { flush } from '../../../core/files/flush.ts'
import { makeFolder } from '../../../core/files/folders.ts'
import { PkiError } from '../errors.ts'
import type { LockedFiles, StoreFiles, WriteOptions } from './files.ts'
import { lockCertificateStore, type StoreLock } from './lock.ts'
import { readOnce, recordsOfProcess } from './memory-files.ts'
import { Reserve } from './reserve.ts'
import { watchFolder } from './watch-folder.ts'

/** A page for people, which is no part of the store. */
const README = 'README.md'

/**
 * Opens a store in a folder. The folder has mode 0700 and its files 0600, since they hold private keys.
 * @param index path of the file that changes with every change of the store
 */
export async function folderFiles(folder: string, index: string): Promise<StoreFiles> {
  try {
    if (isUntouched(folder)) await chmod(folder, 0o700)
  } catch (error) {
    throw storeError(error as Error, folder, 'read')
  }
  for (const part of ['certificates', 'keys']) makeFolder(join(folder, part), 0o700)
  const reserve = new Reserve(folder)
  const files: Omit<LockedFiles, 'held'> = {
    read: (path) =>
      readFile(join(folder, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw storeError(error, join(folder, path), 'read')
      }),
    write: (path, text, options) => writeWithReserve(join(folder, path), text, reserve, options),
    remove: (path) =>
      rm(join(folder, path), { force: true }).catch((error: Error) => {
        throw storeError(error, join(folder, path), 'deleted')
      }),
    list: () => listBelow(folder),
  }
  const replacements = new OneAtATime()
  const exclusively: StoreFiles['exclusively'] = async (change) => {
    const lock = await lockWithReserve(folder, reserve)
    try {
      return await change({ ...files, held: lock.held })
    } finally {
      await lock.release()
      await reserve.keep(await sizeOf(join(folder, index)))
    }
  }
  return {
    ...files,
    place: folder,
    exclusively,
    replace: (path, before, text) =>
      replacements.run(async () => {
        if ((await files.read(path)) !== before) return false
        await files.write(path, text)
        return true
      }),
    changesBelow: (below) => readOnce(files, below),
    watch: (changed, path) => (path === undefined ? watchFolder(folder, index, changed) : () => {}),
    records: recordsOfProcess(),
    close: async () => {},
  }
}

/** Returns whether a folder holds nothing but its page for people, such as `certs` of a new checkout. */
export function isUntouched(folder: string): boolean {
  const entries = existsSync(folder) ? readdirSync(folder) : []
  return entries.length === 1 && entries[0] === README
}

const storeError = (error: Error, path: string, done: FileAction): Error =>
  error instanceof PkiError ? error : new PkiError('store', fileErrorText(error, path, done), { cause: error })

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}

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
  return found.flat().filter((path) => path !== README)
}
