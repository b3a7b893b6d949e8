import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { pino } from 'pino'
import { z } from 'zod'
import { certificateFolder, isShared, type ResolvedLab } from '../../core/config/resolve.ts'
import { DATABASE } from '../../core/config/schema/certificates.ts'
import { makeFolder, writePrivateFile } from '../../core/files/folders.ts'
import { assertRegularFile, readRegularFile } from '../../core/files/regular-file.ts'
import { version } from '../../core/text/version.ts'
import { copyStore, restoreStore, storeCounts } from '../../storage/store/engines/lmdb/open.ts'
import {
  backUpCertificateFolder,
  copyCertificateStore,
  readCopy,
  restoreCertificateFolder,
} from '../../tls/pki/certificate-store/copy.ts'
import { indexPath, type StoreIndex } from '../../tls/pki/certificate-store/index-file.ts'
import { openFiles } from '../../tls/pki/certificate-store/store.ts'
import { type ConfigurationOptions, configOption, loadConfiguration, withConfig } from '../shared/configuration.ts'
import { keyProtectionOf, openDatabaseOf } from '../shared/database.ts'
import { UsageError } from '../shared/failure.ts'
import { positiveNumber } from '../shared/options.ts'
import { countText, note, print } from '../shared/output.ts'
import { withProgress } from '../shared/progress-line.ts'
import { controlSockets } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface BackupOptions extends ConfigurationOptions {
  readonly keep?: number
}

const log = pino({ level: 'silent' })

/** Files of a backup. `backup.json` is written last. */
const MANIFEST = 'backup.json'
const MESSAGES = 'messages.mdb'
const CERTIFICATES = 'certificates'

/** Version of the layout of a backup. */
const FORMAT = 1

const manifest = z.object({
  format: z.number().int(),
  sealpost: z.string(),
  createdAt: z.string(),
  messages: z.object({ folders: z.number(), messages: z.number(), sizeOctets: z.number() }).optional(),
  certificates: z.object({ certificates: z.number(), authorities: z.number() }).optional(),
})
type Manifest = z.output<typeof manifest>

/** Names of backups, in the order of time: `2026-11-26T18-30-00Z`. */
const NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?$/

/** Adds `sealpost store backup` and `restore`. */
export function addBackup(store: Command): void {
  withConfig(store.command('backup'))
    .argument('<dir>', 'folder for backups; each backup is a subfolder named after its time')
    .description('copy the messages and the certificates as they are now, also while the lab runs')
    .addOption(
      new Option('--keep <number>', 'keep this many of the newest backups, and delete older ones').argParser(
        positiveNumber,
      ),
    )
    .addOption(sharedOptions.json)
    .action(backup)
  withConfig(store.command('restore'))
    .argument('<dir>', 'a backup, or a folder of backups (its newest one is used)')
    .description('restore messages and certificates from a backup; the current ones are kept under another name')
    .addOption(sharedOptions.json)
    .action(restore)
}

async function backup(dir: string, { keep, json, ...options }: BackupOptions): Promise<void> {
  const { lab, name } = await loadConfiguration(options)
  const { messages, certificates } = placesOf(lab)
  if (messages === undefined && certificates === undefined) {
    throw new UsageError(
      `${name} keeps messages and certificates in memory; set store: { lmdb: DIR } and certificates: DIR`,
    )
  }
  makeFolder(dir, 0o700)
  const place = backupName(dir)
  const partial = join(dir, `.${place}.partial`)
  try {
    makeFolder(partial, 0o700)
    const written: Manifest = {
      format: FORMAT,
      sealpost: version,
      createdAt: new Date().toISOString(),
      ...(messages !== undefined && {
        messages: await withProgress('Copying the messages', () => copyStore(messages, join(partial, MESSAGES))),
      }),
      ...(certificates !== undefined && {
        certificates: await copyCertificates(lab, certificates, join(partial, CERTIFICATES)),
      }),
    }
    writePrivateFile(join(partial, MANIFEST), `${JSON.stringify(written, undefined, 2)}\n`)
    renameSync(partial, join(dir, place))
    const deleted = keep === undefined ? [] : deleteOlder(dir, keep)
    if (json) return print(JSON.stringify({ backup: join(dir, place), ...written, deleted }))
    print(`${join(dir, place)}: ${summary(written)}`)
    if (messages === undefined) note(messagesElsewhere(name, lab))
    if (certificates === undefined) note(`${name} keeps certificates in memory: they are not in the backup`)
    if (deleted.length > 0) note(`deleted ${countText(deleted.length, 'older backup')}`)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw error
  }
}

/** Returns the folders of a lab; undefined for what it keeps in memory, or does not have yet. */
function placesOf({ store, certificates }: ResolvedLab) {
  return {
    messages: store !== 'memory' && 'lmdb' in store ? store.lmdb : undefined,
    certificates: certificates.store === DATABASE ? DATABASE : certificateFolder(certificates),
  }
}

/** Says why messages are not in a backup. */
const messagesElsewhere = (name: string, { store }: ResolvedLab): string =>
  isShared(store)
    ? `${name} keeps messages in PostgreSQL: they are not in the backup; use ${store.bodies ? '' : 'pg_dump, or '}sealpost store copy`
    : `${name} keeps messages in memory: they are not in the backup`

async function copyCertificates(
  lab: ResolvedLab,
  from: string,
  to: string,
): Promise<NonNullable<Manifest['certificates']>> {
  const { certificates, authorities } =
    from === DATABASE ? await copyFromDatabase(lab, to) : await backUpCertificateFolder(from, to)
  return { certificates: certificates.length, authorities: authorities.length }
}

async function copyFromDatabase(lab: ResolvedLab, to: string): Promise<StoreIndex> {
  await using database = await openDatabaseOf(lab, { isReader: true })
  const keyProtection = keyProtectionOf(lab, { isReader: true })
  const files = await openFiles({ folder: DATABASE, database, keyProtection })
  return await copyCertificateStore(files, await openFiles({ folder: to }))
}

/** Copies the certificates of a backup into the database of a lab, which must not have any. */
async function copyIntoDatabase(lab: ResolvedLab, from: string): Promise<void> {
  await using database = await openDatabaseOf(lab)
  const files = await openFiles({ folder: DATABASE, database, keyProtection: keyProtectionOf(lab) })
  await copyCertificateStore(await openFiles({ folder: from }), files)
}

function summary({ messages, certificates }: Manifest): string {
  return [
    messages && `${countText(messages.messages, 'message')} in ${countText(messages.folders, 'folder')}`,
    certificates && countText(certificates.certificates, 'certificate'),
  ]
    .filter((part) => part !== undefined)
    .join(', ')
}

function backupName(dir: string): string {
  const stamp = `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z`
  const names = [stamp, ...Array.from({ length: 99 }, (_, index) => `${stamp}-${index + 1}`)]
  const free = names.find((name) => !existsSync(join(dir, name)))
  if (free === undefined) throw new Error(`${dir} already has 100 backups of this second`)
  return free
}

const backupsIn = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => NAME.test(name) && existsSync(join(dir, name, MANIFEST)))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

function deleteOlder(dir: string, keep: number): string[] {
  const older = backupsIn(dir).slice(0, -keep)
  for (const name of older) rmSync(join(dir, name), { recursive: true })
  return older
}

async function restore(dir: string, { json, ...options }: BackupOptions): Promise<void> {
  const configuration = await loadConfiguration(options)
  const { messages, certificates } = placesOf(configuration.lab)
  const { place, found } = await readBackup(dir)
  if ((await controlSockets(configuration.identity)).length > 0) {
    throw new Error(`a lab of ${configuration.name} is running; stop it with: sealpost stop${configOption(options)}`)
  }
  const missing = [
    ...(found.messages && messages === undefined ? ['store: { lmdb: DIR }'] : []),
    ...(found.certificates && certificates === undefined ? ['certificates: DIR'] : []),
  ]
  if (missing.length > 0) {
    throw new UsageError(
      `${configuration.name} keeps data of this backup in memory only; to restore it to disk, set ${missing.join(' and ')}`,
    )
  }
  const earlier: string[] = []
  if (found.messages && messages !== undefined) {
    const kept = await restoreStore(messages, join(place, MESSAGES), log)
    if (kept !== undefined) earlier.push(kept)
  }
  if (found.certificates && certificates === DATABASE) {
    await copyIntoDatabase(configuration.lab, join(place, CERTIFICATES))
  } else if (found.certificates && certificates !== undefined) {
    const kept = await restoreCertificateFolder(join(place, CERTIFICATES), certificates)
    if (kept !== undefined) earlier.push(kept)
  }
  if (json) return print(JSON.stringify({ restored: place, ...found, earlier }))
  print(`${place}: restored ${summary(found)}`)
  for (const kept of earlier) note(`The earlier data is in ${kept}`)
}

const anyManifest = z.object({ format: z.number(), sealpost: z.string() })

/** Finds a backup and checks that this version can read all of it. @throws Error */
async function readBackup(dir: string): Promise<{ readonly place: string; readonly found: Manifest }> {
  if (!existsSync(dir)) throw new Error(`${dir} does not exist`)
  const place = existsSync(join(dir, MANIFEST)) ? dir : join(dir, backupsIn(dir).at(-1) ?? '')
  if (!existsSync(join(place, MANIFEST))) throw new Error(`${dir} contains no backup`)
  const content = readManifest(join(place, MANIFEST))
  const { format, sealpost } = anyManifest.parse(content)
  if (format > FORMAT) {
    throw new Error(
      `${place} was made by Sealpost ${sealpost}, in a format that Sealpost ${version} cannot read; use that version or a later one`,
    )
  }
  const found = manifest.parse(content)
  // Opening a pipe would wait for a writer.
  if (found.messages) assertRegularFile(join(place, MESSAGES))
  if (found.certificates) assertRegularFile(join(place, CERTIFICATES, indexPath))
  if (found.messages) await storeCounts(join(place, MESSAGES), { checkRows: true })
  if (found.certificates) await readCopy(join(place, CERTIFICATES))
  return { place, found }
}

function readManifest(file: string): unknown {
  try {
    return JSON.parse(readRegularFile(file).toString('utf8'))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new Error(`${file} is damaged: ${cause.message}. Use another backup`, { cause })
  }
}
