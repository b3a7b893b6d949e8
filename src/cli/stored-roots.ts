import type { Configuration } from './configuration.ts'
import { readStore } from './read-store.ts'

/** PEM of the roots that the certificate store has on disk; none before the first start. @throws PkiError */
export async function storedRoots({ lab }: Configuration): Promise<string[]> {
  const root = await readStore(lab.certificates, (store) => store.rootPem)
  return root ? [root] : []
}
