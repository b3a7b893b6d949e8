import { Command, Help, type Option } from 'commander'
import { nearest } from '../core/config/nearest.ts'
import { version } from '../core/text/version.ts'
import { examples } from './examples.ts'
import { withPresentNames } from './old-names.ts'
import { exitStatus, explain, UsageError } from './shared/failure.ts'
import { noteError, print } from './shared/output.ts'
import { isShared, sharedOptions } from './shared/shared-options.ts'
import { usageText } from './shared/usage-text.ts'

export { fileErrorText } from '../core/files/file-errors.ts'

type AddCommand = (program: Command, run: typeof runCommandLine) => void

/** The commands in the groups of `--help`. Each is loaded on demand: a running lab keeps no other command in memory. */
const groups: Readonly<Record<string, Readonly<Record<string, () => Promise<AddCommand>>>>> = {
  Run: {
    start: async () => (await import('./start/start.ts')).addStart,
    check: async () => (await import('./check/check.ts')).addCheck,
    doctor: async () => (await import('./check/doctor.ts')).addDoctor,
    stop: async () => (await import('./lab/stop.ts')).addStop,
    reload: async () => (await import('./lab/reload.ts')).addReload,
    healthcheck: async () => (await import('./check/healthcheck.ts')).addHealthcheck,
    config: async () => (await import('./config/index.ts')).addConfig,
    store: async () => (await import('./store/index.ts')).addStore,
    cluster: async () => (await import('./lab/cluster.ts')).addCluster,
  },
  Certificates: {
    cert: async () => (await import('./cert/index.ts')).addCert,
    ca: async () => (await import('./ca/index.ts')).addCa,
    trust: async () => (await import('./trust/index.ts')).addTrust,
  },
  Mail: {
    mail: async () => (await import('./mail/index.ts')).addMail,
    queue: async () => (await import('./queue/index.ts')).addQueue,
    sendmail: async () => (await import('./sendmail/command.ts')).addSendmail,
    dns: async () => (await import('./lab/dns.ts')).addDns,
    dkim: async () => (await import('./mail/dkim.ts')).addDkim,
    'dmarc-report': async () => (await import('./mail/dmarc-report.ts')).addDmarcReport,
    'tls-report': async () => (await import('./mail/tls-report.ts')).addTlsReport,
  },
  Observe: {
    sessions: async () => (await import('./lab/sessions.ts')).addSessions,
    log: async () => (await import('./lab/log.ts')).addLog,
    clock: async () => (await import('./lab/clock.ts')).addClock,
  },
  Test: {
    verify: async () => (await import('./verify/index.ts')).addVerify,
    audit: async () => (await import('./audit/index.ts')).addAudit,
  },
  Connect: {
    'client-settings': async () => (await import('./mail/client-settings.ts')).addClientSettings,
    'access-token': async () => (await import('./lab/access-token.ts')).addAccessToken,
    mcp: async () => (await import('./lab/mcp.ts')).addMcp,
  },
  Help: {
    completion: async () => (await import('./completion.ts')).addCompletion,
    licenses: async () => (await import('./licenses.ts')).addLicenses,
  },
}

/** The command that needs all others to be loaded, because it describes them. */
const NEEDS_ALL = 'completion'

/** Runs `sealpost ARGS` to its end. Returns the exit status. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  process.exitCode = exitStatus.done
  const present = withPresentNames(args)
  let program: Command | undefined
  try {
    if (isVersionAsJson(args)) {
      const { installation } = await import('./check/installation.ts')
      print(JSON.stringify(installation()))
      return exitStatus.done
    }
    program = await createProgram(present)
    await program.parseAsync(present, { from: 'user' })
    return Number(process.exitCode)
  } catch (error) {
    const { lines, status } = explain(error, program && commandOf(program, present))
    for (const line of lines) noteError(line)
    return status
  }
}

const isVersion = (arg: string): boolean => arg === '--version' || arg === '-V'

const isVersionAsJson = (args: readonly string[]): boolean => args.includes('--json') && args.some(isVersion)

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
    .configureHelp({ visibleOptions: ownOptions, optionDescription, formatHelp })
    .configureOutput({
      outputError: (text) => {
        const path = pathOf(commandOf(program, args))
        const usage = misplaced(path, args) ?? `${usageText(text, `sealpost ${path}`.trim())}${nameOfFile(text, args)}`
        noteError(`sealpost: ${usage}`)
      },
    })
    .exitOverride()
  const [first = ''] = args
  const isKnown = isVersion(first) || Object.values(groups).some((group) => Object.hasOwn(group, first))
  const needsOne = isKnown && first !== NEEDS_ALL
  for (const [heading, group] of Object.entries(groups)) {
    program.commandsGroup(`${heading}:`)
    for (const [name, load] of Object.entries(group)) {
      if (!needsOne || name === first) (await load())(program, runCommandLine)
    }
  }
  addHelp(program)
  return program
}

/** Returns the command that the first words name. */
function commandOf(command: Command, [first = '', ...others]: readonly string[]): Command {
  const found = command.commands.find((one) => one.name() === first)
  return found ? commandOf(found, others) : command
}

/** Returns where an option of many commands belongs that stands before the command. */
function misplaced(path: string, [first = '']: readonly string[]): string | undefined {
  const [flag = ''] = first.split('=')
  const found = Object.values(sharedOptions).find(({ short, long }) => flag === short || flag === long)
  if (path !== '' || !found) return undefined
  const [, value = ''] = / (<.*>)$/.exec(found.flags) ?? []
  return `${flag} belongs after the command, such as: sealpost mail list ${`${found.long} ${value}`.trim()}`
}

/** Returns how to name a configuration file that stands among the arguments. */
function nameOfFile(text: string, args: readonly string[]): string {
  const isGiven = (index: number): boolean => /^(?:-c|--config)$/.test(args[index - 1] ?? '')
  const file =
    text.startsWith('error: too many arguments') &&
    args.find((arg, index) => /\.ya?ml$/.test(arg) && !arg.startsWith('-') && !isGiven(index))
  return file ? `; name the configuration with --config ${file}` : ''
}

function ownOptions(this: Help, command: Command): Option[] {
  return Help.prototype.visibleOptions.call(this, command).filter((option) => !isShared(option))
}

function optionDescription(this: Help, option: Option): string {
  const text = Help.prototype.optionDescription.call(this, option)
  return option.mandatory ? `${text} (required)` : text
}

/** Returns the help of a command. Shared options and examples follow its own options. */
function formatHelp(this: Help, command: Command, helper: Help): string {
  const shared = command.options.filter(isShared).map(({ flags }) => flags)
  const lines = examples[pathOf(command)] ?? []
  const sections = [
    Help.prototype.formatHelp.call(this, command, helper),
    ...(command.parent === null ? [explained(Object.values(sharedOptions), helper)] : []),
    ...(shared.length === 0
      ? []
      : [`${helper.boxWrap(`Also (see sealpost --help): ${shared.join(', ')}`, helper.helpWidth ?? 80)}\n`]),
    ...(lines.length === 0 ? [] : [`Examples:\n${lines.map((line) => `  sealpost ${line}\n`).join('')}`]),
  ]
  return sections.join('\n')
}

function explained(options: readonly Option[], helper: Help): string {
  const width = Math.max(...options.map(({ flags }) => flags.length))
  const items = options.map(({ flags, description }) => helper.formatItem(flags, width, description, helper))
  return `${helper.formatItemList('Options of many commands:', items, helper).join('\n').trimEnd()}\n`
}

/** Returns the words of a command without the program: `cert list`. */
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()

/** Adds `help [command…]` to a command and its groups. Commander's own shows the general help for an unknown command. */
function addHelp(parent: Command): void {
  if (parent.commands.length === 0) return
  for (const command of parent.commands) addHelp(command)
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
  throw new UsageError(
    `unknown command ${`${pathOf(parent)} ${name}`.trim()}; ${near ? `did you mean ${near}?` : `known: ${names.join(', ')}`}`,
  )
}
