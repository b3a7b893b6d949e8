import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { pino } from 'pino'
import { systemClock } from '../../common/clock.ts'
import { type FormatName, formats } from '../../store/exchange/transfer.ts'
import { openStore } from '../../store/open.ts'
import { accountOwner, type MessageStore, type Owner, PUBLIC_OWNER } from '../../store/types.ts'
import { type ConfigurationOptions, loadConfiguration } from '../configuration.ts'
import { UsageError } from '../failure.ts'

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
