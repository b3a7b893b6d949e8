import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, type LabWithPlaces } from '../../core/config/mistakes.ts'
import { certificateFolder, type ResolvedLab } from '../../core/config/resolve.ts'
import { DATABASE } from '../../core/config/schema/certificates.ts'
import { systemClock } from '../../core/time/clock.ts'
import { placedLabFacts } from '../../lab/certificates/lab-facts.ts'
import { unknownPins } from '../../lab/preflight/preflight.ts'
import { DatabaseError } from '../../storage/index.ts'
import { type Authorities, authoritiesOf } from '../../tls/pki/authority/authorities.ts'
import type { IssuingProfile } from '../../tls/pki/authority/issuing-profiles.ts'
import { indexPath } from '../../tls/pki/certificate-store/index-file.ts'
import { type CertificateStoreOptions, openCertificateStore } from '../../tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { type Certificates, certificatesOf } from '../../tls/pki/lifecycle/certificates.ts'
import type { LabFacts } from '../../tls/pki/lifecycle/context.ts'
import type { ReadCrl } from '../../tls/pki/revocation/read-crl.ts'
import { type Configuration, type ConfigurationOptions, loadConfiguration } from './configuration.ts'
import { keyProtectionOf, openDatabaseOf } from './database.ts'
import { quietStoreLog } from './log.ts'
import { note } from './output.ts'

/** The certificate store of a configuration, open for one command. */
export interface PkiSession {
  readonly certificates: Certificates
  readonly authorities: Authorities
  readonly store: CertificateStore
  readonly lab: LabFacts
  /** The certificate profiles of the configuration. */
  readonly profiles: Readonly<Record<string, IssuingProfile>>
}

/** Opens the store of the configuration, runs a command on it and closes it. @throws PkiError, DatabaseError, ConfigError */
export async function withPki<T>(options: ConfigurationOptions, run: (session: PkiSession) => Promise<T>): Promise<T> {
  const configuration = await loadConfiguration(options)
  if (configuration.lab.certificates.store === 'memory') {
    throw new Error(
      `${configuration.name} keeps its certificates in memory, so that only the lab itself can use them; set certificates: FOLDER`,
    )
  }
  const serviceUrl = serviceUrlOf(configuration.lab)
  await using opened = await openStoreOf(configuration.lab, serviceUrl ? { serviceUrl } : {})
  const { store } = opened
  const lab = placedLabFacts(configuration)
  return await run({
    certificates: certificatesOf(store, () => lab),
    authorities: authoritiesOf(store),
    store,
    lab,
    profiles: configuration.lab.certificates.profiles,
  })
}

/** A certificate store, and the database that it may be in. */
interface OpenedStore extends AsyncDisposable {
  readonly store: CertificateStore
}

/**
 * Opens the certificate store of a lab, also beside running nodes of it. `isReader`: a database gets no tables for it.
 * @throws PkiError; DatabaseError if it is in a database that cannot be reached
 */
export async function openStoreOf(
  lab: ResolvedLab,
  {
    log = quietStoreLog,
    isReader,
    ...options
  }: Partial<CertificateStoreOptions> & { readonly isReader?: boolean } = {},
): Promise<OpenedStore> {
  const { store: folder, key } = lab.certificates
  const database = folder === DATABASE ? await openDatabaseOf(lab, { isReader }) : undefined
  try {
    const kept = { folder, database, keyProtection: keyProtectionOf(lab, { isReader }) }
    const store = await openCertificateStore({ ...kept, key, clock: systemClock, log, ...options })
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store.close()
        await database?.[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await database?.[Symbol.asyncDispose]()
    throw error
  }
}

/** Returns the URL of the authority service for certificates. Undefined without a service, or if its port is chosen at start. */
function serviceUrlOf({ certificates: { service }, hostname }: Configuration['lab']): string | undefined {
  if (service === undefined) return undefined
  const { url, port } = service
  return url ?? (port === 0 ? undefined : `http://${hostname}:${port}`)
}

/**
 * Reads the certificate store of a lab without changing it.
 * @returns the result of `read`, or undefined if the store does not exist
 * @throws PkiError if the store cannot be read; DatabaseError
 */
export async function readStore<T>(
  lab: ResolvedLab,
  read: (store: CertificateStore) => T | Promise<T>,
): Promise<T | undefined> {
  const folder = certificateFolder(lab.certificates)
  if (folder === undefined ? lab.certificates.store !== DATABASE : !existsSync(join(folder, indexPath)))
    return undefined
  const opening = openStoreOf(lab, { makeRoot: false, isReader: true })
  await using opened = await opening.catch((error: unknown) => {
    if (!(error instanceof DatabaseError) || error.code !== 'absent') throw error
    // A command may read several things.
    if (!noted.has(lab)) note(`the database: ${error.message}; the first start creates it`)
    noted.add(lab)
    return undefined
  })
  if (!opened || (folder === undefined && opened.store.index.revision === 0)) return undefined
  return await read(opened.store)
}

/** Labs whose user knows that their database is empty. */
const noted = new WeakSet<ResolvedLab>()

/** Returns the root certificates of the store in PEM. Before the first start the list is empty. @throws PkiError */
export async function storedRoots({ lab }: Configuration): Promise<string[]> {
  const roots = await readStore(lab, (store) => store.rootPem)
  return roots ? [roots] : []
}

/** Returns the outside revocation lists of the store. @throws PkiError */
export async function storedLists({ lab }: Configuration): Promise<ReadCrl[]> {
  return (await readStore(lab, ({ materials, index }) => materials.trustedCrls(index))) ?? []
}

/** Checks that the store has every certificate that the configuration names. @throws ConfigError if it does not; PkiError */
export async function assertPins(configuration: LabWithPlaces): Promise<void> {
  const unknown = await unknownPins(configuration, (read) => readStore(configuration.lab, read))
  if (unknown.length > 0) throw new ConfigError(unknown)
}
