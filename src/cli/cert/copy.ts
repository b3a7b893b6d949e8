import { resolve } from 'node:path'
import type { Command } from 'commander'
import pino from 'pino'
import { isShared, type ResolvedLab } from '../../core/config/resolve.ts'
import { DATABASE } from '../../core/config/schema/certificates.ts'
import { DEFAULT_CLUSTER_NAME } from '../../core/config/schema/store.ts'
import { type Database, loadDatabase } from '../../storage/index.ts'
import { copyCertificateStore } from '../../tls/pki/certificate-store/copy.ts'
import type { StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import type { KeyProtection } from '../../tls/pki/certificate-store/sealed-files.ts'
import { openFiles } from '../../tls/pki/certificate-store/store.ts'
import { loadConfiguration } from '../shared/configuration.ts'
import { type Access, databaseAt, keyProtectionOf, openDatabaseOf } from '../shared/database.ts'
import { UsageError } from '../shared/failure.ts'
import { countText, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

const CONFIGURATION = /\.ya?ml$/i

const PLACES = `FROM and TO are
  FOLDER              a folder, as certificates: FOLDER names it
  postgres://…#NAME   a PostgreSQL database, and the name of the lab there
                      (cluster.name; default: ${DEFAULT_CLUSTER_NAME})
  FILE.yaml           the certificates of a lab`

/** Adds `sealpost cert copy`. */
export function addCopy(cert: Command): void {
  cert
    .command('copy')
    .argument('<from>', 'source')
    .argument('<to>', 'target; must be empty')
    .description(
      'copy all certificates, keys, authorities, requests and ACME accounts between a folder and PostgreSQL, also while a lab uses them',
    )
    .addOption(sharedOptions.json)
    .addHelpText('after', `\n${PLACES}`)
    .action(copy)
}

async function copy(from: string, to: string, { json }: { readonly json?: boolean }): Promise<void> {
  await using source = await openPlace(from, { isReader: true })
  await using target = await openPlace(to)
  const { certificates, authorities } = await copyCertificateStore(source.files, target.files)
  const counts = { certificates: certificates.length, authorities: authorities.length }
  if (json) print(JSON.stringify({ from, to: target.files.place, ...counts }))
  else print(`${target.files.place}: ${countText(counts.certificates, 'certificate')}`)
}

interface Place extends AsyncDisposable {
  readonly files: StoreFiles
}

/** @throws UsageError, ConfigError; PkiError, DatabaseError if it cannot be opened */
async function openPlace(text: string, access: Access = {}): Promise<Place> {
  const address = databaseAt(text)
  if (address) {
    const settings = { ...address, ...access, pool: 2, node: `copy-${process.pid}` }
    const { openDatabase } = await loadDatabase()
    return databasePlace(await openDatabase(settings, { log: pino({ level: 'silent' }) }), { seals: 'none' })
  }
  if (CONFIGURATION.test(text)) return placeOfLab(text, (await loadConfiguration({ config: text })).lab, access)
  return folderPlace(resolve(text))
}

async function placeOfLab(name: string, lab: ResolvedLab, access: Access): Promise<Place> {
  const { store } = lab.certificates
  if (store === 'memory') throw new UsageError(`${name} keeps its certificates in memory; set certificates: FOLDER`)
  return store === DATABASE && isShared(lab.store)
    ? databasePlace(await openDatabaseOf(lab, access), keyProtectionOf(lab, access))
    : folderPlace(store)
}

const folderPlace = async (folder: string): Promise<Place> => ({
  files: await openFiles({ folder }),
  [Symbol.asyncDispose]: async () => {},
})

const databasePlace = async (database: Database, keyProtection: KeyProtection): Promise<Place> => ({
  files: await openFiles({ folder: DATABASE, database, keyProtection }),
  [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
})
