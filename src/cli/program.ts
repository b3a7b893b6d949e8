import { Command } from 'commander'
import { addAudit } from './audit.ts'
import { addCa } from './ca.ts'
import { addCert } from './cert.ts'
import { addCheck } from './check.ts'
import { addClientSettings } from './client-settings.ts'
import { addHealthcheck } from './healthcheck.ts'
import { version } from './package.ts'
import { addReload } from './reload.ts'
import { addSessions } from './sessions.ts'
import { addStart } from './start.ts'
import { addStore } from './store.ts'
import { addVerify } from './verify.ts'

/** Every command, in the order of `--help`; one file each. */
const commands: readonly ((program: Command) => void)[] = [
  addStart,
  addCheck,
  addCert,
  addCa,
  addReload,
  addSessions,
  addStore,
  addHealthcheck,
  addVerify,
  addClientSettings,
  addAudit,
]

/** The command line `sealpost`. Wrong usage throws a CommanderError after one line on standard error. */
export function createProgram(): Command {
  const program = new Command('sealpost')
    .description(
      'A mock mail and news server stack (SMTP, POP3, IMAP4, NNTP) that wears whatever certificate you install.',
    )
    .version(version)
    .showHelpAfterError(false)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `sealpost: ${text
            .trim()
            .replace(/^error: /, '')
            .replaceAll(/\s*\n\s*/g, ' ')}\n`,
        ),
    })
    .exitOverride()
  for (const add of commands) add(program)
  return program
}
