import type { CertificateStore } from '../../certificate-store/types.ts'
import { PkiError } from '../../errors.ts'
import { generateKey } from '../../keys.ts'
import type { accountKeyTypes } from './authority.ts'
import { type AcmeClient, openClient, runInTurn } from './client.ts'
import { readDirectory } from './directory.ts'

export interface RolloverOptions {
  /** Address of the directory. Default: the only one where the lab has an account. */
  readonly directory?: string
  /** Type of the new key. Default: p256. */
  readonly key?: (typeof accountKeyTypes)[number]
  /** PEM of a root to verify the directory's own certificate with. Default: the one its certificates were obtained with. */
  readonly ca?: string
}

/** Returns the directories where the lab has an account. */
export async function acmeDirectories(store: CertificateStore): Promise<string[]> {
  await store.refresh()
  return (store.index.acmeKeys ?? []).map(({ directory }) => directory)
}

/**
 * Gives the lab's account at an ACME directory a new key. RFC 8555 section 7.3.5. The new key is stored before the server
 * learns it, so that the account is never lost: after an interruption, the next call continues.
 * Returns the address of the directory.
 * @throws PkiError
 */
export async function rolloverAccount(store: CertificateStore, options: RolloverOptions = {}): Promise<string> {
  const directory = await directoryOf(store, options.directory)
  const ca = options.ca ?? (await storedRoot(store, directory))
  const authority = { directoryUrl: directory, ...(ca ? { ca } : {}) }
  await readDirectory(directory, ca)
  const made = await generateKey(options.key ?? 'p256')
  const { old, next, interrupted } = await store.update(async (draft) => {
    const entry = draft.index.acmeKeys?.find((one) => one.directory === directory)
    if (entry === undefined) throw noAccount(directory, [])
    const isSecondTry = entry.next !== undefined
    entry.next ??= draft.putKey('acme-account', made)
    return { old: await draft.read(entry.key), next: await draft.read(entry.next), interrupted: isSecondTry }
  })
  await runInTurn(async () => {
    // An interrupted call may have changed the key at the server.
    if (interrupted && (await hasAccount(await openClient(authority, next)))) return
    await changeKey(await openClient(authority, old), next, directory)
  })
  await store.update((draft) => {
    const entry = draft.index.acmeKeys?.find((one) => one.directory === directory)
    if (entry?.next === undefined) return
    entry.key = entry.next
    delete entry.next
  })
  return directory
}

/** @throws PkiError `refused` if the server does */
async function changeKey(client: AcmeClient, next: string, directory: string): Promise<void> {
  try {
    // Finds the address of the account. RFC 8555 section 7.3.1
    await client.createAccount({ onlyReturnExisting: true })
    await client.updateAccountKey(next)
  } catch (cause) {
    throw new PkiError('refused', `${directory} did not change the key of the account: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Returns whether a client's key belongs to an account. */
const hasAccount = (client: AcmeClient): Promise<boolean> =>
  client.createAccount({ onlyReturnExisting: true }).then(
    () => true,
    () => false,
  )

async function directoryOf(store: CertificateStore, wanted: string | undefined): Promise<string> {
  const all = await acmeDirectories(store)
  const [only, ...others] = wanted === undefined ? all : all.filter((one) => one === wanted)
  if (only === undefined) throw noAccount(wanted, all)
  if (others.length === 0) return only
  throw new PkiError('unknown', `the lab has accounts at several ACME directories; name one: ${all.join(', ')}`)
}

function noAccount(wanted: string | undefined, all: readonly string[]): PkiError {
  const where = wanted === undefined ? 'an ACME directory' : wanted
  const known = all.length > 0 ? `; it has accounts at ${all.join(', ')}` : '; cert issue --acme creates one'
  return new PkiError('unknown', `the lab has no account at ${where}${known}`)
}

/** Returns the root with which a certificate of a directory was obtained. */
async function storedRoot(store: CertificateStore, directory: string): Promise<string | undefined> {
  const path = store.index.certificates.findLast(({ acme }) => acme?.directory === directory)?.acme?.ca
  return path === undefined ? undefined : store.materials.read(path)
}
