import { copyFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileErrorText } from '../../../core/files/file-errors.ts'
import { makeFolder, unusedName } from '../../../core/files/folders.ts'
import { assertRegularFile } from '../../../core/files/regular-file.ts'
import { PkiError } from '../errors.ts'
import type { LockedFiles, StoreFiles } from './files.ts'
import { folderFiles } from './folder-files.ts'
import { indexPath, parseIndex, referencedPaths, type StoreIndex } from './index-file.ts'

/** Files that belong to a process and not to the store. */
const TRANSIENT = /^\.|\/\./

/** Files beside those that the index names: keys and records of DKIM, DNS, OAuth2 and ACME. */
const BESIDE = /^(?:acme|dkim|dns|oauth2)\//

/**
 * Copies a certificate store to another place as it is at one moment, also while a lab uses it.
 * @param to must not contain a store
 * @returns the index of the copy
 * @throws PkiError `store` if there is nothing to copy, or a file cannot be copied; `refused` if the target has a store already
 */
export async function copyCertificateStore(from: StoreFiles, to: StoreFiles): Promise<StoreIndex> {
  const { index, texts } = await from.exclusively((files) => readTexts(files, from.place))
  await to.exclusively(async (files) => {
    if ((await files.read(indexPath)) !== undefined) {
      throw new PkiError('refused', `${to.place} already contains a certificate store; choose an empty place`)
    }
    // The index makes the other files a store: it comes last.
    for (const [path, text] of texts) await files.write(path, text)
  })
  return index
}

/** Returns all files of a store, with the index last. @throws PkiError `store` if it has no index */
async function readTexts(
  files: LockedFiles,
  place: string,
): Promise<{ index: StoreIndex; texts: Map<string, string> }> {
  const index = await indexOf(files, place)
  const named = referencedPaths(index)
  const texts = new Map<string, string>()
  for (const path of [...(await files.list()).filter((one) => named.has(one) || BESIDE.test(one)), indexPath]) {
    const text = TRANSIENT.test(path) ? undefined : await files.read(path)
    if (text !== undefined) texts.set(path, text)
  }
  return { index, texts }
}

/**
 * Copies a certificate store in a folder with all that is there, also while a lab uses it.
 * @returns the index of the copy
 * @throws PkiError `store` if the store does not exist, or a file cannot be copied
 */
export async function backUpCertificateFolder(from: string, to: string): Promise<StoreIndex> {
  const files = await folderFiles(from, indexPath)
  return files.exclusively((locked) => copyFolder(locked, from, to))
}

/**
 * Puts a copy in the place of the certificate store in `folder`, which may be a volume.
 * @returns the folder that holds the earlier store now; undefined if there was none
 * @throws PkiError `store`
 */
export async function restoreCertificateFolder(copy: string, folder: string): Promise<string | undefined> {
  const files = await folderFiles(folder, indexPath)
  const saved = await folderFiles(copy, indexPath)
  return files.exclusively(async (locked) => {
    const had = (await locked.read(indexPath)) !== undefined
    const earlier = unusedName(join(folder, '.store'))
    // The index makes the other files a store: it leaves first, and comes last.
    for (const path of [indexPath, ...(await pathsIn(locked))]) {
      if (had || path !== indexPath) await move(join(folder, path), join(earlier, path))
    }
    await copyFolder(saved, copy, folder)
    return had ? earlier : undefined
  })
}

async function pathsIn(files: Pick<StoreFiles, 'list'>): Promise<string[]> {
  return (await files.list()).filter((path) => !TRANSIENT.test(path) && path !== indexPath)
}

/** Reads the index of a copy. @throws PkiError `store` if the copy has no index, or it is from a newer version */
export const readCopy = async (folder: string): Promise<StoreIndex> =>
  indexOf(await folderFiles(folder, indexPath), folder)

async function indexOf(files: Pick<StoreFiles, 'read'>, place: string): Promise<StoreIndex> {
  const text = await files.read(indexPath)
  if (text === undefined) throw new PkiError('store', `${place} contains no certificate store; check the path`)
  return parseIndex(text, place)
}

/** Copies the files of a folder, with the index last. */
async function copyFolder(files: Pick<StoreFiles, 'read' | 'list'>, from: string, to: string): Promise<StoreIndex> {
  const index = await indexOf(files, from)
  for (const path of [...(await pathsIn(files)), indexPath]) await copyPrivately(join(from, path), join(to, path))
  return index
}

async function move(from: string, to: string): Promise<void> {
  makeFolder(dirname(to), 0o700)
  await rename(from, to).catch((error: Error) => {
    throw new PkiError('store', fileErrorText(error, to, 'written'), { cause: error })
  })
}

async function copyPrivately(from: string, to: string): Promise<void> {
  assertRegularFile(from)
  makeFolder(dirname(to), 0o700)
  await copyFile(from, to).catch((error: Error) => {
    throw new PkiError('store', fileErrorText(error, to, 'written'), { cause: error })
  })
}
