import { Command } from 'commander'
import { version } from './configuration.ts'

type AddCommand = (program: Command) => void

/** Every command, in the order of `--help`; one file each, loaded when it is asked for: a lab keeps no other in memory. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  start: async () => (await import('./start.ts')).addStart,
  check: async () => (await import('./check.ts')).addCheck,
  cert: async () => (await import('./cert.ts')).addCert,
  ca: async () => (await import('./ca.ts')).addCa,
  reload: async () => (await import('./reload.ts')).addReload,
  sessions: async () => (await import('./sessions.ts')).addSessions,
  store: async () => (await import('./store.ts')).addStore,
  healthcheck: async () => (await import('./healthcheck.ts')).addHealthcheck,
  verify: async () => (await import('./verify.ts')).addVerify,
  'client-settings': async () => (await import('./client-settings.ts')).addClientSettings,
  audit: async () => (await import('./audit.ts')).addAudit,
}

/**
 * The command line `sealpost`, with the command that `args` begin with, or with all where they begin with none: help and
 * hints know every command. Wrong usage throws a CommanderError after one line on standard error.
 */
export async function createProgram(args: readonly string[]): Promise<Command> {
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
  const all = Object.entries(commands)
  const named = all.filter(([name]) => name === args[0])
  for (const [, load] of named.length > 0 ? named : all) (await load())(program)
  return program
}
