import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { pino } from 'pino'
import { systemClock } from '../../core/time/clock.ts'
import { checkStore, compactStore } from '../../storage/store/engines/lmdb/open.ts'
import { accountOwner, type Owner, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import { exportStore, type FormatName, formats, importStore } from '../../storage/store/formats/transfer.ts'
import { openStore } from '../../storage/store/open.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig } from '../shared/configuration.ts'
import { exitStatus, UsageError } from '../shared/failure.ts'
import { countText, noteError, print } from '../shared/output.ts'
import { withProgress } from '../shared/progress-line.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { addBackup } from './backup.ts'
import { addStoreCopy } from './copy.ts'

interface TransferOptions extends ConfigurationOptions {
  readonly format: FormatName
  readonly account?: string
  readonly newsgroups?: boolean
}

const log = pino({ level: 'silent' })
/** Messages after which the progress is shown. */
const SHOWN_EVERY = 100

/** Adds `sealpost store`: commands for messages on disk. Only `backup` can be used while a lab runs on them. */
export function addStore(program: Command): void {
  const store = program.command('store')
  withConfig(store.command('check'))
    .description('check that every message is complete and every count is correct')
    .addOption(sharedOptions.json)
    .action(check)
  withConfig(store.command('compact'))
    .description('return the space of deleted messages to the file system')
    .addOption(sharedOptions.json)
    .action(compact)
  addBackup(store)
  addStoreCopy(store)
  withTransferOptions(withConfig(store.command('export')))
    .argument('<dir>', 'folder to write to; created if it does not exist')
    .description('write messages and their flags as Maildir, mbox or .eml files')
    .action(exportTo)
  withTransferOptions(withConfig(store.command('import')))
    .argument('<dir>', 'folder of `sealpost store export`; with --account or --newsgroups, any folder in the format')
    .description('read messages and their flags from Maildir, mbox or .eml files')
    .action(importFrom)
}

const withTransferOptions = (command: Command): Command =>
  command
    .addOption(new Option('-f, --format <format>', 'format on disk').choices(Object.keys(formats)).default('maildir'))
    .option('--account <user>', 'only the folders of this account')
    .option('--newsgroups', 'only the newsgroups')
    .addOption(sharedOptions.json)

async function check({ json, ...options }: ConfigurationOptions): Promise<void> {
  const folder = await storeFolder(options)
  const report = await withProgress(`Checking ${folder}`, () => checkStore(folder, log))
  const ok = report.faults.length === 0
  if (json) print(JSON.stringify({ ok, ...report }))
  else {
    for (const fault of report.faults) noteError(fault)
    if (ok) print(`${folder}: ${messagesInFolders(report)}, no errors`)
  }
  if (!ok) process.exitCode = exitStatus.failed
}

async function compact({ json, ...options }: ConfigurationOptions): Promise<void> {
  const folder = await storeFolder(options)
  const { before, after } = await withProgress(`Compacting ${folder}`, () => compactStore(folder, log))
  if (json) print(JSON.stringify({ before, after }))
  else print(`${folder}: ${kibibytes(before)} before, ${kibibytes(after)} now`)
}

async function exportTo(dir: string, options: TransferOptions): Promise<void> {
  const owner = ownerOf(options)
  const done = await withStore(options, false, async (store) => {
    if (options.account !== undefined) await assertHasFolders(store, options.account)
    return withProgress(`Exporting to ${dir}`, (show) =>
      exportStore(store, dir, formats[options.format], owner, (count) => {
        if (count % SHOWN_EVERY === 0) show(`${countText(count, 'message')} exported`)
      }),
    )
  })
  if (options.json) print(JSON.stringify(done))
  else print(`${dir}: ${messagesInFolders(done)}`)
}

async function importFrom(dir: string, options: TransferOptions): Promise<void> {
  if (!existsSync(dir)) throw new Error(`${dir} does not exist`)
  const owner = ownerOf(options)
  const done = await withStore(options, true, (store) =>
    withProgress(`Importing ${dir}`, (show) =>
      importStore(store, dir, formats[options.format], owner, (count) => {
        if (count % SHOWN_EVERY === 0) show(`${countText(count, 'message')} imported`)
      }),
    ),
  )
  for (const why of done.refused ?? []) noteError(why)
  if (done.refused) process.exitCode = exitStatus.failed
  if (options.json) print(JSON.stringify(done))
  else print(`${messagesInFolders(done)}, ${countText(done.known, 'article')} already in the newsgroups`)
}

const messagesInFolders = ({ messages, folders }: { readonly messages: number; readonly folders: number }): string =>
  `${countText(messages, 'message')} in ${countText(folders, 'folder')}`

const kibibytes = (octets: number): string => `${Math.ceil(octets / 1024)} KiB`

/** Returns the folder of the store. @throws UsageError if the configuration keeps messages in memory */
async function storeFolder(options: ConfigurationOptions): Promise<string> {
  const { lab, name } = await loadConfiguration(options)
  if (lab.store === 'memory' || 'memory' in lab.store)
    throw new UsageError(`${name} keeps messages in memory; set store: { lmdb: DIR }`)
  if ('postgres' in lab.store)
    throw new UsageError(`${name} keeps messages in PostgreSQL; use its own tools, or sealpost store copy`)
  return lab.store.lmdb
}

/** Opens the store and closes it after `work`. @throws Error if it does not exist and `create` is false */
async function withStore<T>(
  options: ConfigurationOptions,
  create: boolean,
  work: (store: MessageStore) => Promise<T>,
): Promise<T> {
  const folder = await storeFolder(options)
  if (!create && !existsSync(folder)) throw new Error(`there is no store in ${folder}`)
  await using store = await openStore({ lmdb: folder }, { clock: systemClock, log })
  return await work(store)
}

/** Returns the owner of the selected folders, or undefined for all. @throws UsageError */
function ownerOf({ account, newsgroups }: TransferOptions): Owner | undefined {
  if (account !== undefined && newsgroups) throw new UsageError('give --account or --newsgroups, not both')
  if (account !== undefined) return accountOwner(account)
  return newsgroups ? PUBLIC_OWNER : undefined
}

async function assertHasFolders(store: MessageStore, user: string): Promise<void> {
  const owners = await store.listOwners()
  if (owners.includes(accountOwner(user))) return
  const prefix = accountOwner('')
  const users = owners.filter((owner) => owner.startsWith(prefix)).map((owner) => owner.slice(prefix.length))
  throw new Error(
    `${user} has no folders in the store; ${users.length > 0 ? `known: ${users.join(', ')}` : 'it has no accounts'}`,
  )
}
