import type { Command } from 'commander'
import { type ApiOptions, hasLab, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'
import { note, print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { callConfiguration } from './target.ts'

interface ShowOptions extends ApiOptions {
  readonly text?: boolean
  readonly secrets?: boolean
}

/** Adds `sealpost config show`. */
export function addShow(config: Command): void {
  withApi(config.command('show'))
    .argument('[path]', 'only this part, such as virtualServers.smtp.limits')
    .description('show the configuration that the lab uses, with all defaults; secrets are masked')
    .option('--text', 'print the text of the file with its comments instead')
    .option(
      '--secrets',
      'with --text: print the file for the next start with its secrets, instead of the configuration of a running lab',
    )
    .addOption(sharedOptions.json)
    .action(withPager(show))
}

async function show(path: string | undefined, options: ShowOptions): Promise<void> {
  const { text, json, secrets } = options
  if (secrets && !text) throw new UsageError('--secrets works only with --text; add it')
  if (text) {
    if (path !== undefined || json) throw new UsageError('--text prints the whole text; leave out the path and --json')
    process.stdout.write(await configurationText(options))
    return
  }
  const found = await partOf(await effective(options), path)
  const { yamlText } = await import('../../core/config/yaml.ts')
  print(json ? JSON.stringify(found) : yamlText(found).trimEnd())
}

async function partOf(configuration: unknown, path: string | undefined): Promise<unknown> {
  if (path === undefined) return configuration
  const [{ locatePath, stepsOf }, { valueAt }] = await Promise.all([
    import('../../core/config/edit/config-path.ts'),
    import('../../core/config/mistakes.ts'),
  ])
  const found = valueAt(configuration, locatePath(stepsOf(path), configuration))
  if (found === undefined) throw new Error(`${path} is not set, and has no default`)
  return found
}

async function configurationText(options: ShowOptions): Promise<string> {
  if (!options.secrets && (await hasLab(options)))
    return (await callConfiguration(options, 'configuration.yaml', {})).toString()
  const [{ textWithoutSecrets }, { configurationSource }] = await Promise.all([
    import('../../core/config/secrets.ts'),
    import('../shared/configuration.ts'),
  ])
  const source = await configurationSource(options)
  const text = await source.read()
  return options.secrets ? text : textWithoutSecrets(text, source.name)
}

async function effective(options: ShowOptions): Promise<unknown> {
  if (await hasLab(options)) return (await callConfiguration(options, 'configuration.get', {})).configuration
  const [{ effectiveInput }, { withoutSecrets }, { loadConfiguration }] = await Promise.all([
    import('../../core/config/effective.ts'),
    import('../../core/config/secrets.ts'),
    import('../shared/configuration.ts'),
  ])
  const { input, config } = await loadConfiguration(options)
  return withoutSecrets(effectiveInput(input, config))
}

/** Adds `sealpost config diff`. */
export function addDiff(config: Command): void {
  withApi(config.command('diff'))
    .description('compare the file with what the running lab uses: what `sealpost reload` would change')
    .addOption(sharedOptions.json)
    .action(async (options: ApiOptions) => {
      const answer = await callConfiguration(options, 'configuration.diff', {})
      if (options.json) return print(JSON.stringify(answer))
      if (answer.diff === '') return note('No difference: the lab uses the current content of the file.')
      process.stdout.write(answer.diff)
    })
}
