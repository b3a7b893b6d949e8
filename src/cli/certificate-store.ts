import { existsSync } from 'node:fs'
import { systemClock } from '../common/clock.ts'
import { unknownCertificates } from '../config/certificates.ts'
import { ConfigError } from '../config/mistakes.ts'
import type { ResolvedLab } from '../config/resolve.ts'
import { Authorities } from '../pki/authority/authorities.ts'
import { certificateNames } from '../pki/certificate/names.ts'
import { CertificateStore } from '../pki/certificate-store/store.ts'
import { Certificates } from '../pki/lifecycle/certificates.ts'
import type { LabFacts } from '../pki/lifecycle/context.ts'
import { type Configuration, type ConfigurationOptions, loadConfiguration } from './configuration.ts'
import { silentStoreLog } from './log.ts'

/** Options of every command on certificates. */
export interface PkiOptions extends ConfigurationOptions {
  readonly json?: boolean
}

/** A configuration's certificate store, opened for one command. */
export interface PkiSession {
  readonly certificates: Certificates
  readonly authorities: Authorities
  readonly store: CertificateStore
  readonly lab: LabFacts
}

/** What the certificate lifecycle needs to know of a configuration. */
export function labFacts({ lab, placed }: Configuration): LabFacts {
  return {
    hostname: lab.hostname,
    names: certificateNames(lab.hostname, lab.alternativeNames),
    virtualServers: lab.virtualServers.map(({ name, protocol, address, certificate }, index) => {
      const [line] = placed([{ path: ['virtualServers', index, 'certificate'], message: '' }])
      return { name, protocol, address, certificate, ...(line ? { place: line.replace(/: $/, '') } : {}) }
    }),
  }
}

/** What certificates call the lab's authority service; undefined where there is none, or its port is taken at start. */
function serviceUrlOf({ authorityService, hostname }: Configuration['lab']): string | undefined {
  if (authorityService === undefined) return undefined
  const { url, port } = authorityService
  return url ?? (port === 0 ? undefined : `http://${hostname}:${port}`)
}

/** Opens the configuration's store, runs a command on it and closes it. @throws PkiError, ConfigError */
export async function withPki<T>(options: PkiOptions, run: (session: PkiSession) => Promise<T>): Promise<T> {
  const configuration = await loadConfiguration(options)
  const { store: folder, key } = configuration.lab.certificates
  if (folder === 'memory') {
    throw new Error(
      `${configuration.name} keeps its certificates in memory, where only the lab itself reaches them: set certificates to a folder`,
    )
  }
  const serviceUrl = serviceUrlOf(configuration.lab)
  const store = await CertificateStore.open({
    folder,
    key,
    clock: systemClock,
    log: silentStoreLog,
    ...(serviceUrl ? { serviceUrl } : {}),
  })
  try {
    const lab = labFacts(configuration)
    return await run({
      certificates: new Certificates(store, () => lab),
      authorities: new Authorities(store),
      store,
      lab,
    })
  } finally {
    await store.close()
  }
}

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

/** PEM of the roots that the certificate store has on disk; none before the first start. @throws PkiError */
export async function storedRoots({ lab }: Configuration): Promise<string[]> {
  const root = await readStore(lab.certificates, (store) => store.rootPem)
  return root ? [root] : []
}

/** The mistakes of a file that names certificates which the store does not have, each with its place. @throws PkiError */
export async function unknownPins({ lab, placed }: Configuration): Promise<string[]> {
  const known = await readStore(lab.certificates, (store) => store.index.certificates)
  return placed(unknownCertificates(lab.virtualServers, known ?? []))
}

/** @throws ConfigError naming every certificate that the store does not have; PkiError */
export async function assertPins(configuration: Configuration): Promise<void> {
  const unknown = await unknownPins(configuration)
  if (unknown.length > 0) throw new ConfigError(unknown)
}
