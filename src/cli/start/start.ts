import { type Command, Option } from 'commander'
import { serverProtocols } from '../../core/config/schema/protocol.ts'
import { withConfig } from '../shared/configuration.ts'
import { withOverrideOptions } from '../shared/options.ts'
import type { StartOptions } from './run-lab.ts'

/** Adds `sealpost start`. */
export function addStart(program: Command): void {
  const command = withConfig(program.command('start'))
    .addOption(
      new Option('--protocol <protocol...>', 'start only the virtual servers of these protocols').choices(
        serverProtocols,
      ),
    )
    .option('--pcap <file>', 'capture the traffic to a pcapng file for Wireshark')
    .option('--no-secrets', 'leave TLS secrets out of the capture, so that it shows only ciphertext')
    .option('-q, --quiet', 'on a terminal, print no line for each message, refusal and session')
    .option('--json', 'print events and the log as JSON lines')
    .option(
      '--for-tests',
      'start a lab for automated tests: free ports, nothing on disk, any password; print the URL and the token as JSON; stop at the end of standard input',
    )
    .argument('[flags...]', 'flags of the tool that --like names, after --')
  // Loaded on demand, so that the other commands start faster.
  withOverrideOptions(command).action(async (likeFlags: readonly string[], options: StartOptions) => {
    if (likeFlags.length > 0 && options.like === undefined && !process.env.SEALPOST_LIKE)
      rejectArguments(command, likeFlags)
    await (await import('./run-lab.ts')).runLab({ ...options, ...(options.forTests ? { json: true } : {}), likeFlags })
  })
}

/** Only the flags of a tool are arguments. */
function rejectArguments(command: Command, [first = '', ...more]: readonly string[]): never {
  const message = first.startsWith('-')
    ? `${first} is a flag of another tool; name the tool with --like, such as --like mailpit`
    : `too many arguments for 'start'. Expected 0 arguments but got ${more.length + 1}.`
  return command.error(`error: ${message}`, { exitCode: 1, code: 'commander.excessArguments' })
}
