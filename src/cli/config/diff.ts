import type { Command } from 'commander'
import { withApi } from '../api-client.ts'
import { note, print } from '../output.ts'
import { type ConfigOptions, callConfiguration } from './target.ts'

/** Adds `sealpost config diff`. */
export function addDiff(config: Command): void {
  withApi(config.command('diff'))
    .description('compare the file with what the running lab uses: what `sealpost reload` would change')
    .option('--json', 'print JSON')
    .action(async (options: ConfigOptions) => {
      const answer = await callConfiguration(options, 'configuration.diff', {})
      if (options.json) return print(JSON.stringify(answer))
      if (answer.diff === '') return note('No difference: the lab uses the current content of the file.')
      process.stdout.write(answer.diff)
    })
}
