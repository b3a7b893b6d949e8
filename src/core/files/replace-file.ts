import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError } from './file-errors.ts'
import { flush } from './flush.ts'

/**
 * Replaces the content of a file atomically: readers see the old content or the new one. Symbolic links are followed; mode
 * and owner stay. A file that cannot be renamed because it is mounted by itself, as in containers, is written in place.
 * @throws Error with a sentence for people
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  try {
    const file = await realpath(path)
    const { mode, uid, gid } = await stat(file)
    const draft = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.tmp`)
    try {
      await using handle = await open(draft, 'wx', mode & 0o7777)
      await keepOwner(handle, uid, gid)
      // The umask does not apply to it.
      await handle.chmod(mode & 0o7777)
      await handle.writeFile(content)
      await flush(handle)
      await rename(draft, file)
      await syncFolder(dirname(file))
    } catch (error) {
      await rm(draft, { force: true })
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
      await writeFile(file, content)
    }
  } catch (error) {
    throw fileError(error, path, 'written')
  }
}

/** Another owner is possible for root only. Anyone else keeps the file with its own. */
async function keepOwner(handle: FileHandle, uid: number, gid: number): Promise<void> {
  const own = await handle.stat()
  if (own.uid === uid && own.gid === gid) return
  await handle.chown(uid, gid).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error
  })
}

/** Makes a rename last through a power failure, where folders can be flushed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle) await flush(handle).catch(() => {})
  await handle?.close()
}
