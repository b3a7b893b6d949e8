import { existsSync } from 'node:fs'
import { CertificateStore } from '../pki/certificate-store/store.ts'
import type { Configuration } from './configuration.ts'
import { silentStoreLog } from './store-log.ts'

/** PEM of the roots that the certificate store has on disk; none before the first start. @throws PkiError */
export async function storedRoots({ lab }: Configuration): Promise<string[]> {
  const { store: folder, key } = lab.certificates
  if (folder === 'memory' || !existsSync(folder)) return []
  const clock = { now: () => Date.now() }
  const store = await CertificateStore.open({ folder, key, clock, log: silentStoreLog, makeRoot: false })
  const { rootPem } = store
  await store.close()
  return rootPem === '' ? [] : [rootPem]
}
