import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { certificateFolder, isShared } from '../../core/config/resolve.ts'
import { thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import { type NeededRoot, neededRoots } from '../../tls/pki/certificate-store/roots.ts'
import { readPem } from '../../tls/pki/der/pem.ts'
import { readStore, storedRoots, withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig } from '../shared/configuration.ts'
import { exitStatus } from '../shared/failure.ts'
import { note, noteError, noteWarning, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { userDataFolder } from '../shared/user-folders.ts'
import { type ApplyOptions, apply } from './apply.ts'
import { type Hint, hintsFor } from './hints.ts'
import { javaStores } from './java.ts'
import { type Machine, thisMachine } from './machine.ts'
import { nssStores } from './nss.ts'
import { systemStore } from './system.ts'
import { type Root, rootOf, type StoreKind, storeKinds, type TrustStore } from './trust-store.ts'

interface TrustOptions extends ConfigurationOptions, ApplyOptions {
  readonly store?: readonly StoreKind[]
  readonly all?: boolean
}

/** Adds `sealpost trust`. */
export function addTrust(program: Command): void {
  const trust = program.command('trust')
  const only = (): Option => new Option('--store <store...>', 'only these trust stores').choices(storeKinds)
  withConfig(trust.command('install'))
    .description('add the roots to the system, to NSS (Firefox, Thunderbird, Chromium) and to Java')
    .addOption(only())
    .option('--dry-run', 'only show the commands')
    .action(install)
  withConfig(trust.command('uninstall'))
    .description('remove the roots again')
    .addOption(only())
    .option('--all', 'remove the roots of every lab, including deleted labs')
    .option('--dry-run', 'only show the commands')
    .action(uninstall)
  withConfig(trust.command('status'))
    .description('show which trust stores have the roots; exit status 1 if a root is missing')
    .addOption(only())
    .addOption(sharedOptions.json)
    .action(status)
}

async function install(options: TrustOptions): Promise<void> {
  const machine = thisMachine()
  const { name, folder, roots } = options.dryRun
    ? await knownRoots(options)
    : await withPki(options, async ({ store }) => rootsIn(await rootPlace(options), store.rootPem))
  if (!options.dryRun) await writeRoots(folder, roots)
  const changed = new Set<StoreKind>()
  for (const store of usableStores(machine, options)) {
    if (options.dryRun && store.follows !== undefined && changed.has(store.follows)) {
      print(`${store.title}:\n  gets the roots from the ${store.follows} store`)
      continue
    }
    const lacking = await without(store, roots)
    const outcome = await apply(
      store,
      lacking.flatMap((root) => store.install(root)),
      machine,
      options,
    )
    if (outcome === 'unchanged') print(`${store.title}: trusts the lab already`)
    else if (outcome === 'changed') changed.add(store.kind)
    else process.exitCode = exitStatus.failed
    if (!options.dryRun && outcome === 'changed') await confirm(store, roots)
  }
  printSettings(await settingsFor(machine, folder, roots))
  if (options.dryRun) return
  noteWarning(`anyone who can read the keys in ${name} can now impersonate any server to this machine`)
  note('Undo it with: sealpost trust uninstall')
}

/** Checks that the store now has the roots. */
async function confirm(store: TrustStore, roots: readonly Root[]): Promise<void> {
  const lacking = await without(store, roots)
  if (lacking.length === 0) return print('  done')
  process.exitCode = exitStatus.failed
  noteError(`  the commands succeeded, but the store does not have ${lacking.map(({ name }) => name).join(', ')}`)
}

async function uninstall(options: TrustOptions): Promise<void> {
  const machine = thisMachine()
  const { folder, roots } = options.all ? { folder: undefined, roots: [] } : await knownRoots(options)
  for (const store of usableStores(machine, options)) {
    if (options.all && store.uninstallAll === undefined) {
      note(`${store.title}: cannot list the roots of labs; run sealpost trust uninstall for each lab`)
      continue
    }
    const steps = await (options.all ? store.uninstallAll?.() : removalOf(store, roots))
    const outcome = await apply(store, steps ?? [], machine, options)
    if (outcome === 'unchanged') print(`${store.title}: has no root of ${options.all ? 'a' : 'the'} lab`)
    else if (outcome === 'failed') process.exitCode = exitStatus.failed
    else if (!options.dryRun) print('  done')
  }
  if (folder === undefined || options.dryRun || options.store !== undefined) return
  const bundle = bundleOf(folder)
  if (machine.env.NODE_EXTRA_CA_CERTS === bundle) note(`Remove NODE_EXTRA_CA_CERTS=${bundle} from your shell too.`)
  await rm(rootFolder(folder), { recursive: true, force: true })
}

async function removalOf(store: TrustStore, roots: readonly Root[]) {
  const steps = []
  for (const root of roots) if (await store.has(root)) steps.push(...(await store.uninstall(root)))
  return steps
}

async function status(options: TrustOptions): Promise<void> {
  const machine = thisMachine()
  const { folder, roots } = await knownRoots(options)
  const keys = await rootKeys(options)
  const rows = []
  for (const found of storesOf(machine, options)) {
    const { kind: store, title, missing } = found
    for (const root of roots) {
      const trusted = missing === undefined && (await found.has(root))
      const thumbprint = thumbprintOf(root.certificate)
      const key = keys.get(thumbprint)
      rows.push({ store, title, root: root.name, thumbprint, key, trusted, ...(missing ? { missing } : {}) })
    }
  }
  if (rows.some(({ trusted }) => !trusted)) process.exitCode = exitStatus.failed
  const hints = options.store === undefined ? await settingsFor(machine, folder, roots) : []
  if (options.json) return print(JSON.stringify({ stores: rows, settings: hints }))
  const shown = rows.map(({ title, root, thumbprint, key, trusted, missing }) => [
    trusted ? 'yes' : missing === undefined ? 'no' : '?',
    root,
    key ?? '',
    thumbprint.slice(0, SHOWN_DIGITS),
    title,
  ])
  // The names of the roots are the same if an authority has got a new key.
  printTable(['TRUSTED', 'ROOT', 'KEY', 'THUMBPRINT', 'STORE'], shown)
  for (const { title, missing } of rows) if (missing !== undefined) note(`${title}: ${missing}`)
  printSettings(hints)
}

/** Digits of a thumbprint in a table. */
const SHOWN_DIGITS = 12

/** Returns which key of its authority each root belongs to, by thumbprint. */
async function rootKeys(options: TrustOptions): Promise<ReadonlyMap<string, NeededRoot['key']>> {
  const { lab } = await loadConfiguration(options)
  const needed = await readStore(lab, ({ index, materials }) => neededRoots(index, materials))
  return new Map(needed?.map(({ certificate, key }) => [thumbprintOf(certificate), key]))
}

/** Returns the roots of the lab as they are on disk. @throws Error if the lab has no root */
async function knownRoots(options: TrustOptions): Promise<KnownRoots> {
  const configuration = await loadConfiguration(options)
  const [pem] = await storedRoots(configuration)
  const place = await rootPlace(options)
  if (pem !== undefined) return rootsIn(place, pem)
  throw new Error(
    `${configuration.name} has no certificates yet in ${place.name}; the first start creates the root, and so does: sealpost trust install. To remove the roots of deleted labs, run: sealpost trust uninstall --all`,
  )
}

/** Where the certificates are, and where the roots are written for other programs. */
interface RootPlace {
  /** For messages. */
  readonly name: string
  readonly folder: string
}

interface KnownRoots extends RootPlace {
  readonly roots: Root[]
}

/** Certificates in a database have their roots in the user's data folder. */
async function rootPlace(options: TrustOptions): Promise<RootPlace> {
  const { lab } = await loadConfiguration(options)
  const own = certificateFolder(lab.certificates)
  if (own !== undefined || !isShared(lab.store)) return { name: own ?? 'memory', folder: own ?? '' }
  // Without user, password and parameters.
  const [, server] = /^[a-z]+:\/\/(?:[^/?]*@)?([^?]*)/.exec(lab.store.postgres) ?? []
  const id = createHash('sha256').update(`${server}/${lab.cluster?.name}`).digest('hex').slice(0, 12)
  return { name: 'the database', folder: join(userDataFolder(), 'sealpost/databases', id) }
}

const rootFolder = (folder: string): string => join(folder, 'roots')
const bundleOf = (folder: string): string => join(rootFolder(folder), 'lab-ca.pem')

function rootsIn({ name, folder }: RootPlace, pem: string): KnownRoots {
  const roots = readPem(pem).map(({ der }) =>
    rootOf(new X509Certificate(der), (label) => join(rootFolder(folder), `${label}.pem`)),
  )
  return { name, folder, roots }
}

/** Writes each root to a file, for the commands, and all of them to one, for NODE_EXTRA_CA_CERTS. */
async function writeRoots(folder: string, roots: readonly Root[]): Promise<void> {
  await rm(rootFolder(folder), { recursive: true, force: true })
  await mkdir(rootFolder(folder), { recursive: true, mode: 0o700 })
  const pem = ({ certificate }: Root): string => certificate.toString()
  for (const root of roots) await writeFile(root.file, pem(root))
  await writeFile(bundleOf(folder), roots.map(pem).join(''))
}

/** Returns the trust stores of the machine that the options select. */
function storesOf(machine: Machine, { store: kinds = storeKinds }: TrustOptions): TrustStore[] {
  const system = systemStore(machine)
  const all = [...(system ? [system] : []), ...nssStores(machine), ...javaStores(machine)]
  const chosen = all.filter(({ kind }) => kinds.includes(kind))
  if (kinds.includes('system') && system === undefined) {
    noteWarning('the trust store of this operating system is not known; sealpost ca export writes the roots')
  }
  if (chosen.length > 0) return chosen
  throw new Error(
    `no trust store was found (${kinds.join(', ')}); sealpost ca export writes the roots for other programs`,
  )
}

/** Returns the selected stores that can be changed. For the others, prints what is missing. */
function usableStores(machine: Machine, options: TrustOptions): TrustStore[] {
  return storesOf(machine, options).filter(({ title, missing }) => {
    if (missing === undefined) return true
    noteError(`${title}: ${missing}`)
    process.exitCode = exitStatus.failed
    return false
  })
}

async function without(store: TrustStore, roots: readonly Root[]): Promise<Root[]> {
  const lacking = []
  for (const root of roots) if (!(await store.has(root))) lacking.push(root)
  return lacking
}

async function settingsFor(machine: Machine, folder: string, roots: readonly Root[]): Promise<Hint[]> {
  const system = systemStore(machine)
  const inSystem = system?.bundle !== undefined && (await without(system, roots)).length === 0
  return hintsFor(machine, roots, { lab: bundleOf(folder), ...(inSystem ? { system: system.bundle } : {}) })
}

/** Prints the settings of the runtimes that do not trust the lab yet. */
function printSettings(hints: readonly Hint[]): void {
  for (const { program, setting } of hints.filter(({ trusted }) => !trusted)) print(`For ${program}: ${setting}`)
}
