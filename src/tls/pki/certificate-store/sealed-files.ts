import type { LockedFiles, StoreFiles } from './files.ts'
import { hasPlainKeys, isSealedBy, type KeySecrets, newSealedKey, openKeys, sealKeys } from './sealed-keys.ts'

/** How the private keys of a store are kept. */
export interface KeyProtection extends KeySecrets {
  /**
   * Which keys are encrypted now: `all` that the secret does not encrypt yet; `first`: all, if none is encrypted yet; `none`,
   * for callers that only read. Default: first.
   */
  readonly seals?: 'all' | 'first' | 'none'
}

/** An encrypted key that is used for nothing else: it tells by which secret the other keys are encrypted. */
const MARK = 'key-secret.pem'
/** The folders with private keys. */
const FOLDERS = ['keys', 'authorities', 'acme', 'dkim', 'dns', 'oauth2']

/**
 * Returns files whose private keys are encrypted where they are kept, and plain for the caller. Without a secret, keys are
 * kept as they are.
 * @throws PkiError `store` if keys are encrypted, and the secret is missing or another one
 */
export async function sealedFiles(
  files: StoreFiles,
  { seals = 'first', ...secrets }: KeyProtection,
): Promise<StoreFiles> {
  const { secret, fallback } = secrets
  const mark = await files.read(MARK)
  if (mark !== undefined) openKeys(mark, secrets)
  if (seals === 'all' || (seals === 'first' && mark === undefined)) {
    await sealAll(files, secrets)
    return sealingFiles(files, secrets)
  }
  // The next start changes the secret of all keys. Until then, a command leaves it to the nodes.
  const isChanged = mark === undefined || isSealedBy(mark, secret)
  return sealingFiles(files, isChanged ? secrets : { secret: fallback, fallback: secret })
}

/** Encrypts all keys by the secret. Decrypts them if the configuration has only a fallback. */
async function sealAll(files: StoreFiles, secrets: KeySecrets): Promise<void> {
  const { secret, fallback } = secrets
  if (secret === undefined && fallback === undefined) return
  const isMarked = (mark: string | undefined): boolean =>
    mark === undefined ? secret === undefined : isSealedBy(mark, secret)
  const others = await pathsWithOtherKeys(files, secrets)
  if (others.length === 0 && isMarked(await files.read(MARK))) return
  await files.exclusively(async (locked) => {
    const mark = await locked.read(MARK)
    // Another node may have been faster, with another secret.
    if (mark !== undefined) openKeys(mark, secrets)
    if (secret === undefined) await locked.remove(MARK)
    else if (!isMarked(mark)) await locked.write(MARK, newSealedKey(secret))
    for (const path of others) {
      const text = await locked.read(path)
      if (text === undefined) continue
      const plain = openKeys(text, secrets)
      await locked.write(path, secret === undefined ? plain : sealKeys(plain, secret))
    }
  })
}

/** Returns the files whose keys are not as the secret has them. To try it takes a while, so that needs a reason. */
async function pathsWithOtherKeys(files: StoreFiles, { secret, fallback }: KeySecrets): Promise<string[]> {
  const isOther = (text: string): boolean => (fallback === undefined ? hasPlainKeys(text) : !isSealedBy(text, secret))
  const paths: string[] = []
  for (const folder of FOLDERS) {
    for (const [path, text] of await files.changesBelow(folder)()) if (isOther(text)) paths.push(path)
  }
  return paths
}

function sealingFiles(files: StoreFiles, secrets: KeySecrets): StoreFiles {
  const { secret } = secrets
  const seal = (text: string): string => (secret === undefined ? text : sealKeys(text, secret))
  const open = (text: string): string => openKeys(text, secrets)
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
