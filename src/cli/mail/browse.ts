import type { Command } from 'commander'
import { nearestWord } from '../../core/config/nearest.ts'
import { type ApiOptions, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'

/** Adds `sealpost mail browse`, which `sealpost mail` runs without a command. */
export function addBrowse(mail: Command): void {
  withApi(mail.command('browse', { isDefault: true }))
    .description(
      'show the messages as a list that keys control: arrows, Enter, / to search (the default on a terminal)',
    )
    .allowExcessArguments()
    .action(async (options: ApiOptions, { args }: Command) => {
      const [unknown] = args
      if (unknown !== undefined) throw new UsageError(`unknown command mail ${unknown}; ${cure(unknown, mail)}`)
      if (!process.stdin.isTTY || !process.stdout.isTTY) return mail.help({ error: true })
      await (await import('./mail-browser.ts')).browse(options)
    })
}

function cure(unknown: string, mail: Command): string {
  const names = mail.commands.map((command) => command.name())
  const found = nearestWord(unknown, names)
  return found === undefined ? 'see sealpost mail --help' : `did you mean ${found}?`
}
