import type { Command } from 'commander'
import type { ConfigurationChange } from '../../api/configuration/change.ts'
import type { ConfigChange } from '../../core/config/edit/edit-yaml.ts'
import { pointerText } from '../../core/config/mistakes.ts'
import { askLab } from '../../lab/control/client.ts'
import { type ApiOptions, hasLab, withApi } from '../shared/api-client.ts'
import { configurationIdentity } from '../shared/configuration.ts'
import { note, noteWarning, print } from '../shared/output.ts'
import { controlSockets } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { callConfiguration } from './target.ts'

export interface ChangeOptions extends ApiOptions {
  readonly dryRun?: boolean
}

const PATHS = 'virtualServers.smtp.port or /directory/accounts/alice/password'

/** Adds `sealpost config set`. */
export function addSet(config: Command): void {
  withChangeOptions(config.command('set'))
    .argument('<path>', `such as ${PATHS}; directory.accounts[-] adds an item`)
    .argument('<value>', 'as in the YAML: 2525, off, { connections: 10 }')
    .description('set a value in the file; comments and formatting stay, and a running lab uses it immediately')
    .action(async (path: string, text: string, options: ChangeOptions) => {
      const { parseYamlValue } = await import('../../core/config/yaml.ts')
      await change([{ op: 'set', path, value: parseYamlValue(text) }], options)
    })
}

/** Adds `sealpost config remove`. */
export function addRemove(config: Command): void {
  withChangeOptions(config.command('remove'))
    .argument('<path...>', `such as ${PATHS}`)
    .description('remove values from the file, so that they have their defaults')
    .action((paths: readonly string[], options: ChangeOptions) =>
      // From the last to the first: a removed item of a list moves those behind it.
      change(
        paths.toReversed().map((path) => ({ op: 'remove', path })),
        options,
      ),
    )
}

export const withChangeOptions = (command: Command): Command =>
  withApi(command).option('--dry-run', 'only show what would change').addOption(sharedOptions.json)

async function change(changes: readonly ConfigChange[], options: ChangeOptions): Promise<void> {
  const isRunning = await hasLab(options)
  const answer = isRunning
    ? await callConfiguration(options, 'configuration.change', { changes, dryRun: options.dryRun ?? false })
    : await changeFile(changes, options)
  await report(answer, isRunning, options)
}

/** Prints what a change did, after the other labs of the file use it. */
export async function report(answer: ConfigurationChange, isRunning: boolean, options: ChangeOptions): Promise<void> {
  const { dryRun = false } = options
  if (isRunning && answer.applied) await reloadOthers(options)
  if (options.json) return print(JSON.stringify(answer))
  for (const warning of answer.warnings) noteWarning(warning)
  if (answer.diff !== '') process.stdout.write(answer.diff)
  for (const { pointer, message } of answer.afterRestart) noteWarning(`${pointerText(pointer)}: ${message}`)
  note(summary(answer, isRunning, dryRun))
}

function summary({ applied, durable, diff }: ConfigurationChange, isRunning: boolean, dryRun: boolean): string {
  if (diff === '') return 'The value is already set. Nothing was changed.'
  if (dryRun || !applied) return 'Nothing was changed (--dry-run).'
  if (!isRunning) return 'Changed. No lab runs this configuration.'
  return durable
    ? 'Changed. The lab uses it.'
    : 'Changed until the lab stops, because its configuration is not in a file. To save it: sealpost config show --text'
}

/** Changes the file of a configuration that no lab runs. */
async function changeFile(changes: readonly ConfigChange[], options: ChangeOptions): Promise<ConfigurationChange> {
  const [{ changeConfiguration }, { FileConfiguration }] = await Promise.all([
    import('../../api/configuration/change.ts'),
    import('./file-configuration.ts'),
  ])
  const configuration = await FileConfiguration.open(options)
  const lab = { config: configuration.loaded.lab, configuration }
  const owner = { role: 'administrator', name: 'owner' } as const
  return changeConfiguration({ lab }, owner, () => changes, { dryRun: options.dryRun ?? false })
}

/** Several labs can run one file. The first has made the change. */
async function reloadOthers(options: ChangeOptions): Promise<void> {
  if (options.url !== undefined) return
  const [, ...others] = await controlSockets(configurationIdentity(options).identity)
  for (const socket of others) await askLab(socket, { verb: 'reload' })
}
