import type { LockedFiles, StoreFiles } from './files.ts'
import { hasPlainKeys, newSealedKey, opened, sealed } from './sealed-keys.ts'

/** How the private keys of a store are kept. */
export interface KeyProtection {
  /** With which they are encrypted. Undefined: they are not. */
  readonly secret?: string | undefined
  /**
   * Which keys that are not encrypted yet become it: `all`; `first`: all, if none is encrypted yet; `none`, for callers that
   * only read. Default: first.
   */
  readonly seals?: 'all' | 'first' | 'none'
}

/** An encrypted key that is used for nothing else: it tells whether a secret is that of the other keys. */
const MARK = 'key-secret.pem'
/** The folders with private keys. */
const FOLDERS = ['keys', 'authorities', 'acme', 'dkim', 'dns', 'oauth2']

/**
 * Returns files whose private keys are encrypted where they are kept, and plain for the caller. Without a secret, keys are
 * kept as they are.
 * @throws PkiError `store` if keys are encrypted, and the secret is missing or another one
 */
export async function sealedFiles(files: StoreFiles, { secret, seals = 'first' }: KeyProtection): Promise<StoreFiles> {
  const mark = await files.read(MARK)
  if (mark !== undefined) opened(mark, secret)
  if (secret !== undefined && (seals === 'all' || (seals === 'first' && mark === undefined))) {
    await sealAll(files, secret)
  }
  return inFront(files, secret)
}

/** Encrypts all keys that are not encrypted. */
async function sealAll(files: StoreFiles, secret: string): Promise<void> {
  const plain = await pathsWithKeys(files)
  if (plain.length === 0 && (await files.read(MARK)) !== undefined) return
  await files.exclusively(async (locked) => {
    const mark = await locked.read(MARK)
    // Another node may have been faster, with another secret.
    if (mark === undefined) await locked.write(MARK, newSealedKey(secret))
    else opened(mark, secret)
    for (const path of plain) {
      const text = await locked.read(path)
      if (text !== undefined && hasPlainKeys(text)) await locked.write(path, sealed(text, secret))
    }
  })
}

async function pathsWithKeys(files: StoreFiles): Promise<string[]> {
  const paths: string[] = []
  for (const folder of FOLDERS) {
    for (const [path, text] of await files.changesBelow(folder)()) if (hasPlainKeys(text)) paths.push(path)
  }
  return paths
}

function inFront(files: StoreFiles, secret: string | undefined): StoreFiles {
  const seal = (text: string): string => (secret === undefined ? text : sealed(text, secret))
  const open = (text: string): string => opened(text, secret)
  const openIfAny = (text: string | undefined): string | undefined => (text === undefined ? undefined : open(text))
  const lockedInFront = (locked: LockedFiles): LockedFiles => ({
    ...locked,
    read: async (path) => openIfAny(await locked.read(path)),
    write: (path, text, options) => locked.write(path, seal(text), options),
  })
  const exclusively: StoreFiles['exclusively'] = (change) => files.exclusively((one) => change(lockedInFront(one)))
  return {
    ...files,
    read: async (path) => openIfAny(await files.read(path)),
    write: (path, text) => files.write(path, seal(text)),
    replace(path, before, text) {
      if (!hasPlainKeys(text)) return files.replace(path, before, text)
      // The same key is another text each time that it is encrypted.
      return exclusively(async (locked) => {
        if ((await locked.read(path)) !== before) return false
        await locked.write(path, text)
        return true
      })
    },
    exclusively,
    changesBelow(folder) {
      const changes = files.changesBelow(folder)
      return async () => new Map(Array.from(await changes(), ([path, text]) => [path, open(text)]))
    },
  }
}
