import { Command } from 'commander'
import { nearest } from '../core/config/nearest.ts'
import { version } from '../core/text/version.ts'
import { exitStatus, explain, UsageError } from './failure.ts'
import { noteError, print } from './output.ts'

type AddCommand = (program: Command) => void

/** The commands in the order of `--help`. Each is loaded on demand: a running lab keeps no other command in memory. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  start: async () => (await import('./start.ts')).addStart,
  check: async () => (await import('./check.ts')).addCheck,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  cert: async () => (await import('./cert.ts')).addCert,
  ca: async () => (await import('./ca.ts')).addCa,
  trust: async () => (await import('./trust.ts')).addTrust,
  token: async () => (await import('./token.ts')).addToken,
  clock: async () => (await import('./clock.ts')).addClock,
  dkim: async () => (await import('./dkim.ts')).addDkim,
  dns: async () => (await import('./dns.ts')).addDns,
  config: async () => (await import('./config.ts')).addConfig,
  reload: async () => (await import('./reload.ts')).addReload,
  cluster: async () => (await import('./cluster.ts')).addCluster,
  sessions: async () => (await import('./sessions.ts')).addSessions,
  log: async () => (await import('./show-log.ts')).addLog,
  mail: async () => (await import('./mail.ts')).addMail,
  sendmail: async () => (await import('./sendmail.ts')).addSendmail,
  queue: async () => (await import('./queue.ts')).addQueue,
  'tls-report': async () => (await import('./tls-report.ts')).addTlsReport,
  mcp: async () => (await import('./mcp.ts')).addMcp,
  store: async () => (await import('./store.ts')).addStore,
  healthcheck: async () => (await import('./healthcheck.ts')).addHealthcheck,
  verify: async () => (await import('./verify.ts')).addVerify,
  'client-settings': async () => (await import('./client-settings.ts')).addClientSettings,
  audit: async () => (await import('./audit.ts')).addAudit,
}

/** Runs `sealpost ARGS` to its end. Returns the exit status. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  process.exitCode = exitStatus.done
  try {
    if (isVersionAsJson(args)) {
      const { installation } = await import('./doctor/installation.ts')
      print(JSON.stringify(installation()))
      return exitStatus.done
    }
    await (await createProgram(args)).parseAsync(args, { from: 'user' })
    return Number(process.exitCode)
  } catch (error) {
    const { lines, status } = explain(error)
    for (const line of lines) noteError(line)
    return status
  }
}

const isVersion = (arg: string | undefined): boolean => arg === '--version' || arg === '-V'

const isVersionAsJson = (args: readonly string[]): boolean =>
  args.length === 2 && args.includes('--json') && args.some(isVersion)

/** Creates the command line with the command that `args` start with, or with all commands for help and suggestions. The version needs none. */
async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('sealpost')
    .description('A mock mail and news server stack (SMTP, POP3, IMAP4, NNTP) that serves any certificate you install.')
    .version(
      version,
      '-V, --version',
      'print the version; with --json also those of Node.js, OpenSSL and optional packages',
    )
    .showHelpAfterError(false)
    .configureOutput({
      outputError: (text) => {
        const lines = text.replace(/^error: /, '').split('\n')
        const reason = lines.map((line) => line.trim()).filter((line) => line !== '')
        const isGiven = (index: number): boolean => /^(?:-c|--config)$/.test(args[index - 1] ?? '')
        const file =
          text.startsWith('error: too many arguments') &&
          args.find((arg, index) => /\.ya?ml$/.test(arg) && !arg.startsWith('-') && !isGiven(index))
        noteError(`sealpost: ${reason.join(' ')}${file ? ` Name the configuration with: --config ${file}` : ''}`)
      },
    })
    .exitOverride()
  const all = Object.entries(commands)
  const named = all.filter(([name]) => name === args[0])
  const needed = named.length > 0 || isVersion(args[0]) ? named : all
  for (const [, load] of needed) (await load())(program)
  for (const command of [program, ...program.commands]) if (command.commands.length > 0) addHelp(command)
  return program
}

/** Adds `help [command…]`. Commander's own shows the general help for an unknown command. */
function addHelp(parent: Command): void {
  parent.helpCommand(false)
  parent
    .command('help')
    .argument('[command...]', 'the command')
    .description('show the help of a command')
    .action((names: readonly string[]) => {
      let found = parent
      for (const name of names) found = subcommand(found, name)
      found.help()
    })
}

function subcommand(parent: Command, name: string): Command {
  const found = parent.commands.find((command) => command.name() === name)
  if (found) return found
  const names = parent.commands.map((command) => command.name())
  const near = nearest(name, names)
  throw new UsageError(`unknown command '${name}' (${near ? `Did you mean ${near}?` : `known: ${names.join(', ')}`})`)
}
