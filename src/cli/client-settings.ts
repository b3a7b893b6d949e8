import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { documents } from '../api/client-settings/documents.ts'
import { CA_FILE, type ProgramText, programTexts } from '../api/client-settings/programs.ts'
import { type Settings, settingsOf } from '../api/client-settings/settings.ts'
import { makeFolder } from '../common/folders.ts'
import { storedRoots } from './certificate-store.ts'
import { type Configuration, type ConfigurationOptions, loadConfiguration, withConfig } from './configuration.ts'
import { UsageError } from './failure.ts'
import { writeOutput } from './files.ts'
import { print } from './output.ts'

interface ClientSettingsOptions extends ConfigurationOptions {
  readonly user?: string
  readonly write?: string
  readonly program?: string
  readonly json?: boolean
}

/** Adds `sealpost client-settings`. */
export function addClientSettings(program: Command): void {
  withConfig(program.command('client-settings'))
    .description('show what to enter in mail and news programs, or write files for their automatic configuration')
    .option('--user <name>', 'account (default: the first)')
    .option('--program <name>', 'only this program, such as thunderbird')
    .option('--write <dir>', 'write Thunderbird autoconfig, Outlook autodiscover and an iOS profile to this folder')
    .option('--json', 'print JSON')
    .action(clientSettings)
}

async function clientSettings(options: ClientSettingsOptions): Promise<void> {
  const configuration = await loadConfiguration(options)
  const settings = settingsOf(configuration.lab, options.user)
  if (options.write !== undefined) return writeDocuments(options.write, settings, configuration, options.json ?? false)
  const programs = programsNamed(settings, options.program)
  if (options.json) return print(JSON.stringify({ ...settings, programs }))
  print(`Root certificate for clients: sealpost ca export --format pem --out ${CA_FILE}`)
  for (const { name, text } of programs) print(`\n${name}\n${text.replaceAll(/^(?=.)/gm, '  ')}`)
}

function programsNamed(settings: Settings, wanted: string | undefined): ProgramText[] {
  const all = programTexts(settings)
  if (wanted === undefined) return all
  const found = all.filter(({ id }) => id === wanted.toLowerCase())
  if (found.length > 0) return found
  throw new UsageError(`there is no program ${wanted}; there are: ${all.map(({ id }) => id).join(', ')}`)
}

async function writeDocuments(
  folder: string,
  settings: Settings,
  configuration: Configuration,
  json: boolean,
): Promise<void> {
  const [root = ''] = await storedRoots(configuration)
  const written: string[] = []
  for (const { path, text } of documents(settings, root)) {
    const file = join(folder, path)
    // Secret because the profile contains the password.
    makeFolder(dirname(file), 0o700)
    await writeOutput(file, text, true)
    written.push(file)
  }
  if (json) print(JSON.stringify({ written }))
  else for (const file of written) print(file)
}
