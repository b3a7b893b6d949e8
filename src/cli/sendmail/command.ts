import type { Command } from 'commander'
import type { RunCommandLine } from './run.ts'

/** Adds `sealpost sendmail`, whose options are not those of commander. `main.ts` runs it without the other commands. */
export function addSendmail(program: Command, runCommandLine: RunCommandLine): void {
  program
    .command('sendmail')
    .argument('[args...]', 'options and recipients, as for /usr/sbin/sendmail')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: readonly string[]) => {
      const { runSendmail } = await import('./run.ts')
      process.exitCode = await runSendmail(args, runCommandLine)
    })
}
