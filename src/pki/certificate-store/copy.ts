import { copyFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileErrorText } from '../../common/file-errors.ts'
import { makeFolder, unusedName } from '../../common/folders.ts'
import { PkiError } from '../errors.ts'
import { folderFiles, type StoreFiles } from './files.ts'
import { indexPath, parseIndex, type StoreIndex } from './index-file.ts'

/** Files that belong to a process and not to the store. */
const TRANSIENT = /^\.|\/\./

/**
 * Copies a certificate store as it is at one moment, also while a lab uses it.
 * @returns the index of the copy
 * @throws PkiError `store` if there is none, or a file cannot be copied
 */
export async function copyCertificateStore(from: string, to: string): Promise<StoreIndex> {
  const files = await folderFiles(from, indexPath)
  const lock = await files.lock()
  try {
    return await copyFiles(files, to)
  } finally {
    await lock.release()
  }
}

/**
 * Puts a copy in the place of the certificate store in `folder`, which may be a volume.
 * @returns the folder that holds the earlier store now; undefined if there was none
 * @throws PkiError `store`
 */
export async function restoreCertificateStore(copy: string, folder: string): Promise<string | undefined> {
  const files = await folderFiles(folder, indexPath)
  const lock = await files.lock()
  try {
    const had = (await files.read(indexPath)) !== undefined
    const earlier = unusedName(join(folder, '.store'))
    // The index makes the other files a store: it leaves first, and comes last.
    for (const path of [indexPath, ...(await storeFiles(files))]) {
      if (had || path !== indexPath) await move(join(folder, path), join(earlier, path))
    }
    await copyFiles(await folderFiles(copy, indexPath), folder)
    return had ? earlier : undefined
  } finally {
    await lock.release()
  }
}

async function storeFiles(files: StoreFiles): Promise<string[]> {
  return (await files.list()).filter((path) => !TRANSIENT.test(path) && path !== indexPath)
}

/** Reads the index of a copy. @throws PkiError `store` if there is none, or it is from a newer version */
export const readCopy = async (folder: string): Promise<StoreIndex> => indexOf(await folderFiles(folder, indexPath))

async function indexOf(files: StoreFiles): Promise<StoreIndex> {
  const text = await files.read(indexPath)
  if (text === undefined) throw new PkiError('store', `${files.place} contains no certificate store`)
  return parseIndex(text, files.place)
}

/** Copies the files of a store, the index last. */
async function copyFiles(files: StoreFiles, to: string): Promise<StoreIndex> {
  const index = await indexOf(files)
  for (const path of [...(await storeFiles(files)), indexPath])
    await copyPrivately(join(files.place, path), join(to, path))
  return index
}

async function move(from: string, to: string): Promise<void> {
  makeFolder(dirname(to), 0o700)
  await rename(from, to).catch((error: Error) => {
    throw new PkiError('store', fileErrorText(error, to, 'written'), { cause: error })
  })
}

async function copyPrivately(from: string, to: string): Promise<void> {
  makeFolder(dirname(to), 0o700)
  await copyFile(from, to).catch((error: Error) => {
    throw new PkiError('store', fileErrorText(error, to, 'written'), { cause: error })
  })
}
