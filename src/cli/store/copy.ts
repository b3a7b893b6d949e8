import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isShared } from '../../core/config/resolve.ts'
import { DEFAULT_CLUSTER_NAME } from '../../core/config/schema/store.ts'
import { callLab } from '../../lab/control/client.ts'
import { type CopyProgress, copyStoreItems } from '../../storage/store/copy/copy-store.ts'
import type { DigestOfStore } from '../../storage/store/copy/digest.ts'
import { type CopyPlace, filePlace, lmdbPlace, postgresPlace } from '../../storage/store/copy/places.ts'
import { loadConfiguration } from '../shared/configuration.ts'
import { databaseAt } from '../shared/database.ts'
import { UsageError } from '../shared/failure.ts'
import { countText, print } from '../shared/output.ts'
import { runningLabs } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'

const DUMP = /\.dump$/i
const CONFIGURATION = /\.ya?ml$/i

const PLACES = `FROM and TO are
  FILE.dump           one file with everything
  FOLDER              a folder that a configuration names with
                      store: { lmdb: FOLDER }
  postgres://…#NAME   a PostgreSQL database, and the name of the lab there
                      (cluster.name; default: ${DEFAULT_CLUSTER_NAME})
  FILE.yaml           the store of a lab; the lab must be running if its
                      messages are in memory`

/** Adds `sealpost store copy`. */
export function addStoreCopy(store: Command): void {
  store
    .command('copy')
    .argument('<from>', 'source')
    .argument('<to>', 'target; must be empty')
    .description(
      'copy everything except certificates (see cert copy) between a file, LMDB and PostgreSQL: messages with their uids and flags, the queue of outgoing mail, subscriptions and more; then read the copy and compare it',
    )
    .addOption(sharedOptions.json)
    .addHelpText('after', `\n${PLACES}`)
    .action(copy)
}

async function copy(from: string, to: string, { json }: { readonly json?: boolean }): Promise<void> {
  const target = await copyPlace(to)
  if (target === undefined)
    throw new UsageError(
      `${to} keeps messages in memory, so nothing can be copied to it; set store: { lmdb: FOLDER } there`,
    )
  const source = await copyPlace(from)
  const { CopyProgressBar } = await import('./copy-progress.ts')
  using bar = new CopyProgressBar()
  const report = (progress: CopyProgress): void => bar.show(progress)
  const digest =
    source === undefined
      ? await copyRunning(from, to, report)
      : await source.read((items) => target.write((place) => copyStoreItems(items, place, report)))
  bar.end()
  if (json) return print(JSON.stringify({ from: source?.label ?? from, to: target.label, ...digest }))
  const { message = 0, folder = 0 } = digest.counts
  print(`${target.label}: ${countText(message, 'message')} in ${countText(folder, 'folder')}, verified`)
}

/** Returns a place; undefined if it is a lab with messages in memory. @throws UsageError, ConfigError */
async function copyPlace(text: string): Promise<CopyPlace | undefined> {
  const database = databaseAt(text)
  if (database) return postgresPlace(database)
  if (DUMP.test(text)) return filePlace(text)
  if (CONFIGURATION.test(text)) return placeOfLab(text)
  if (existsSync(text) && !statSync(text).isDirectory()) {
    throw new UsageError(`${text} is neither a folder nor named FILE.dump or FILE.yaml`)
  }
  return lmdbPlace(resolve(text))
}

async function placeOfLab(config: string): Promise<CopyPlace | undefined> {
  const { lab } = await loadConfiguration({ config })
  const { store, cluster } = lab
  if (isShared(store)) {
    return postgresPlace({
      url: store.postgres,
      password: store.password,
      bodies: store.bodies,
      schema: cluster?.name ?? DEFAULT_CLUSTER_NAME,
    })
  }
  return store !== 'memory' && 'lmdb' in store ? lmdbPlace(store.lmdb) : undefined
}

/** Lets the running lab of a configuration write its messages, which are in its memory. */
async function copyRunning(
  config: string,
  to: string,
  report: (progress: CopyProgress) => void,
): Promise<DigestOfStore> {
  if (!DUMP.test(to)) throw new UsageError(`${config} keeps messages in memory; copy them to a FILE.dump first`)
  const [socket, ...others] = await runningLabs({ config })
  if (socket === undefined || others.length > 0)
    throw new UsageError(`${config} runs several times; stop all of its labs but one`)
  let done: DigestOfStore | undefined
  for await (const item of callLab(socket, { verb: 'dump', args: { path: resolve(to) } })) {
    const answer = item as CopyProgress | { readonly digest: DigestOfStore }
    if ('digest' in answer) done = answer.digest
    else report(answer)
  }
  if (!done) throw new Error('the running lab did not finish the copy')
  return done
}
