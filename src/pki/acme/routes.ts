import type { CertificateStore, StoreLog } from '../certificate-store/store.ts'
import type { Route } from '../service/routes.ts'
import { AcmeDirectory, type AcmeOptions } from './directory.ts'

/** The ACME directories of a store's authorities, one each; made when an authority is first asked for. */
export function acmeRoutes(store: CertificateStore, options: AcmeOptions, log: StoreLog): () => readonly Route[] {
  const directories = new Map<string, AcmeDirectory>()
  return () =>
    store.index.authorities
      .filter(({ certificate }) => certificate !== undefined)
      .flatMap(({ name }) => {
        const directory = directories.get(name) ?? new AcmeDirectory(name, store, options, log)
        directories.set(name, directory)
        return directory.routes()
      })
}
