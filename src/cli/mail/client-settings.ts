import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { type DocumentName, documentOf, documentPaths } from '../../api/client-settings/documents.ts'
import { clientSettings } from '../../api/client-settings/operations.ts'
import { CA_FILE, readClientSettings, type Settings } from '../../api/client-settings/settings.ts'
import type { OutputOf } from '../../api/operation-types.ts'
import { makeFolder } from '../../core/files/folders.ts'
import { type ApiOptions, callApi, hasLab, withApi } from '../shared/api-client.ts'
import { readStore } from '../shared/certificate-store.ts'
import { configOption, loadConfiguration } from '../shared/configuration.ts'
import { ApiError, UsageError } from '../shared/failure.ts'
import { writeOutput } from '../shared/files.ts'
import { print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface ClientSettingsOptions extends ApiOptions {
  readonly account?: string
  readonly password: boolean
  readonly write?: string
  readonly signed: boolean
  readonly program?: string
}

/** Adds `sealpost client-settings`. */
export function addClientSettings(program: Command): void {
  withApi(program.command('client-settings'))
    .option('--account <user>', 'account (default: the first)')
    .option('--no-password', 'leave out the password')
    .option('--program <name>', 'only this program, such as thunderbird')
    .option('--write <dir>', 'write Thunderbird autoconfig, Outlook autodiscover and an Apple profile to this folder')
    .option('--no-signed', 'write the profile without the signature of the lab')
    .addOption(sharedOptions.json)
    .action(withPager(run))
}

/** Where the settings come from: a configuration, or a running lab. */
interface Source {
  settings(): Promise<OutputOf<'clientSettings.get'>>
  document(name: DocumentName): Promise<Buffer>
}

async function run(options: ClientSettingsOptions): Promise<void> {
  // A running lab knows its ports, also those of the options that it was started with.
  const source = (await hasLab(options)) ? running(options) : await readConfigured(options)
  if (options.write !== undefined) return writeDocuments(options.write, source, options.json ?? false)
  const settings = await source.settings()
  const programs = programsNamed(settings.programs, options.program)
  if (options.json) return print(JSON.stringify({ ...settings, programs }))
  const fromUrl = `client-settings --url ${options.url} --write .`
  print(
    `Root certificate for clients: sealpost ${options.url === undefined ? `ca export --out ${CA_FILE}${configOption(options)}` : fromUrl}`,
  )
  for (const { name, text } of programs) print(`\n${name}\n${text.replaceAll(/^(?=.)/gm, '  ')}`)
}

/** The settings of a configuration whose lab does not run. @throws ConfigError; PkiError */
async function readConfigured(options: ClientSettingsOptions): Promise<Source> {
  if (options.token !== undefined || options.tokenFile !== undefined)
    throw new UsageError('--token works only with --url; leave it out')
  const { lab } = await loadConfiguration(options)
  const found = readClientSettings(lab, options.account)
  const settings: Settings = options.password ? found : { ...found, password: '' }
  return {
    settings: async () => clientSettings(settings, (await readStore(lab, ({ rootPem }) => rootPem)) ?? ''),
    document: async (name) =>
      (await readStore(lab, (store) => documentOf(name, settings, store, options.signed))) ??
      (await documentOf(name, settings, undefined, false)),
  }
}

/** The settings of a running lab, by its API. */
function running(options: ClientSettingsOptions): Source {
  const { account, password, signed } = options
  const explain = (error: unknown): never => {
    const isSecret = password && error instanceof ApiError && error.problem.status === 403
    throw isSecret ? new Error('the token may not see passwords; use --no-password', { cause: error }) : error
  }
  return {
    settings: () => callApi(options, 'clientSettings.get', { account, password }).catch(explain),
    document: (document) =>
      callApi(options, 'clientSettings.document', { account, password, document, signed }).catch(explain),
  }
}

function programsNamed<Program extends { readonly id: string }>(
  all: readonly Program[],
  wanted: string | undefined,
): readonly Program[] {
  if (wanted === undefined) return all
  const found = all.filter(({ id }) => id === wanted.toLowerCase())
  if (found.length > 0) return found
  throw new UsageError(`there is no program ${wanted}; there are: ${all.map(({ id }) => id).join(', ')}`)
}

async function writeDocuments(folder: string, source: Source, json: boolean): Promise<void> {
  const written: string[] = []
  const write = async (path: string, content: Buffer | string): Promise<void> => {
    const file = join(folder, path)
    // Secret because the profile contains the password.
    makeFolder(dirname(file), 0o700)
    await writeOutput(file, content, true)
    written.push(file)
  }
  for (const [name, path] of Object.entries(documentPaths))
    await write(path, await source.document(name as DocumentName))
  const { rootPem } = await source.settings()
  if (rootPem !== '') await write(CA_FILE, rootPem)
  if (json) print(JSON.stringify({ written }))
  else for (const file of written) print(file)
}
