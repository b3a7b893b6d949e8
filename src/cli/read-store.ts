import { existsSync } from 'node:fs'
import type { ResolvedLab } from '../config/resolve.ts'
import { CertificateStore } from '../pki/certificate-store/store.ts'
import { silentStoreLog } from './store-log.ts'

/**
 * Looks into the certificate store on disk, changing nothing.
 * @returns what `look` gives; undefined when there is no store on disk (yet)
 * @throws PkiError when the store cannot be read
 */
export async function readStore<T>(
  { store: folder, key }: ResolvedLab['certificates'],
  look: (store: CertificateStore) => T | Promise<T>,
): Promise<T | undefined> {
  if (folder === 'memory' || !existsSync(folder)) return undefined
  const clock = { now: () => Date.now() }
  const store = await CertificateStore.open({ folder, key, clock, log: silentStoreLog, makeRoot: false })
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}
