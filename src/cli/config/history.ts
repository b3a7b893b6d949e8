import type { Command } from 'commander'
import { type ApiOptions, withApi } from '../shared/api-client.ts'
import { note, print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { type ChangeOptions, report, withChangeOptions } from './change.ts'
import { callConfiguration } from './target.ts'

interface HistoryOptions extends ApiOptions {
  readonly diff?: boolean
}

/** Adds `sealpost config history`. */
export function addHistory(config: Command): void {
  withApi(config.command('history'))
    .description('list the changes that were made over HTTP and the command line while the lab ran, newest first')
    .option('--diff', 'also print the difference of each change; secrets are masked')
    .addOption(sharedOptions.json)
    .action(
      withPager(async (options: HistoryOptions) => {
        const { items } = await callConfiguration(options, 'configuration.history', {})
        if (options.json) return print(JSON.stringify(items))
        if (items.length === 0) return note('No changes.')
        for (const { id, at, by, via, undoes, undoneBy, hunks, diff } of items) {
          const changed = hunks.flatMap(({ lines }) => lines).filter(({ kind }) => kind !== 'same')
          const notes = [undoes && `undoes ${undoes}`, undoneBy && `undone by ${undoneBy}`].filter(Boolean)
          const place = via === 'http' ? 'HTTP' : 'command line'
          print(
            [id, at, `${by} (${place})`, `${changed.length} ${changed.length === 1 ? 'line' : 'lines'}`, ...notes].join(
              '  ',
            ),
          )
          if (options.diff) process.stdout.write(diff)
        }
      }),
    )
}

/** Adds `sealpost config undo`. */
export function addUndo(config: Command): void {
  withChangeOptions(config.command('undo'))
    .argument('<id>', 'id of the change, from `sealpost config history`')
    .description('undo a change of the running lab; later changes of other lines stay')
    .action(async (id: string, options: ChangeOptions) => {
      const input = { id, dryRun: options.dryRun ?? false }
      await report(await callConfiguration(options, 'configuration.undo', input), true, options)
    })
}
