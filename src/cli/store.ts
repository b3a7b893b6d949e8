import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { pino } from 'pino'
import { systemClock } from '../common/clock.ts'
import { exportStore, type FormatName, formats, importStore } from '../store/exchange/transfer.ts'
import { checkStore, compactStore } from '../store/lmdb/open.ts'
import { openStore } from '../store/open.ts'
import { accountOwner, type MessageStore, type Owner, PUBLIC_OWNER } from '../store/types.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig } from './configuration.ts'
import { exitStatus, UsageError } from './failure.ts'
import { note, print } from './output.ts'

/** `sealpost store`: the messages on disk, while no lab has them open. */
export function addStore(program: Command): void {
  const store = program
    .command('store')
    .description('check, compact, export and import the messages that are kept on disk')
  addStoreCheck(store)
  addStoreCompact(store)
  addStoreExport(store)
  addStoreImport(store)
}

export const log = pino({ level: 'silent' })

/** The folder of the store that the configuration names. @throws UsageError where it keeps messages in memory */
export async function storeFolder(options: ConfigurationOptions): Promise<string> {
  const { lab, name } = await loadConfiguration(options)
  if (lab.store === 'memory' || 'memory' in lab.store)
    throw new UsageError(`${name} keeps messages in memory: set store: { lmdb: DIR }`)
  return lab.store.lmdb
}

/** Opens the store, which must be there unless it may be made. */
export async function withStore<T>(
  options: ConfigurationOptions,
  make: boolean,
  work: (store: MessageStore) => Promise<T>,
): Promise<T> {
  const folder = await storeFolder(options)
  if (!make && !existsSync(folder)) throw new Error(`there is no store in ${folder}`)
  await using store = await openStore({ lmdb: folder }, { clock: systemClock, log })
  return await work(store)
}

export interface TransferOptions extends ConfigurationOptions {
  readonly format: FormatName
  readonly user?: string
  readonly newsgroups?: boolean
  readonly json?: boolean
}

/** The options that export and import share. */
export const withTransferOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('-f, --format <format>', 'how the messages lie on disk')
        .choices(Object.keys(formats))
        .default('maildir'),
    )
    .option('--user <user>', 'only the folders of this account')
    .option('--newsgroups', 'only the newsgroups')
    .option('--json', 'print JSON')

/** Whose folders are meant; undefined: everyone's. */
export function ownerOf({ user, newsgroups }: TransferOptions): Owner | undefined {
  if (user !== undefined && newsgroups) throw new UsageError('--user or --newsgroups, not both')
  if (user !== undefined) return accountOwner(user)
  return newsgroups ? PUBLIC_OWNER : undefined
}

/** `sealpost store check`: whether every message is whole and every count true. */
export function addStoreCheck(store: Command): void {
  withConfig(store.command('check'))
    .description('look through the store: every message whole, every count true')
    .option('--json', 'print JSON')
    .action(check)
}

async function check({ json, ...options }: ConfigurationOptions & { readonly json?: boolean }): Promise<void> {
  const folder = await storeFolder(options)
  const report = await checkStore(folder, log)
  const ok = report.faults.length === 0
  if (json) print(JSON.stringify({ ok, ...report }))
  else {
    for (const fault of report.faults) note(fault)
    if (ok) print(`${folder}: ${report.messages} messages in ${report.folders} folders, all in order`)
  }
  if (!ok) process.exitCode = exitStatus.failed
}

/** `sealpost store compact`: the room of deleted messages back to the file system. */
export function addStoreCompact(store: Command): void {
  withConfig(store.command('compact'))
    .description('give the room that deleted messages left back to the file system')
    .option('--json', 'print JSON')
    .action(compact)
}

async function compact({ json, ...options }: ConfigurationOptions & { readonly json?: boolean }): Promise<void> {
  const folder = await storeFolder(options)
  const { before, after } = await compactStore(folder, log)
  if (json) print(JSON.stringify({ before, after }))
  else print(`${folder}: ${kibibytes(before)} before, ${kibibytes(after)} now`)
}

const kibibytes = (octets: number): string => `${Math.ceil(octets / 1024)} KiB`

/** `sealpost store export DIR`: the messages as files that other programs read. */
export function addStoreExport(store: Command): void {
  withTransferOptions(withConfig(store.command('export')))
    .argument('<dir>', 'the folder to write into; made if it is missing')
    .description('write messages and their flags as Maildir, mbox or .eml files')
    .action(exportTo)
}

async function exportTo(dir: string, options: TransferOptions): Promise<void> {
  const owner = ownerOf(options)
  const done = await withStore(options, false, (store) => exportStore(store, dir, formats[options.format], owner))
  if (options.json) print(JSON.stringify(done))
  else print(`${dir}: ${done.messages} messages in ${done.folders} folders`)
}

/** `sealpost store import DIR`: what `export` wrote, or another program's mail with `--user`. */
export function addStoreImport(store: Command): void {
  withTransferOptions(withConfig(store.command('import')))
    .argument('<dir>', 'what `sealpost store export` wrote; with --user or --newsgroups, any tree of the format')
    .description('read messages and their flags from Maildir, mbox or .eml files')
    .action(importFrom)
}

async function importFrom(dir: string, options: TransferOptions): Promise<void> {
  if (!existsSync(dir)) throw new Error(`there is no ${dir}`)
  const owner = ownerOf(options)
  const done = await withStore(options, true, (store) => importStore(store, dir, formats[options.format], owner))
  if (options.json) print(JSON.stringify(done))
  else print(`${done.messages} messages in ${done.folders} folders, ${done.known} articles known already`)
}
