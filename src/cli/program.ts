import { Command, Help, type Option } from 'commander'
import { nearestWord } from '../core/config/nearest.ts'
import { version } from '../core/text/version.ts'
import { examples } from './examples.ts'
import { withPresentNames } from './old-names.ts'
import { exitStatus, explain, UsageError } from './shared/failure.ts'
import { noteError, print } from './shared/output.ts'
import { isShared, sharedOptions } from './shared/shared-options.ts'
import { usageText } from './shared/usage-text.ts'

export { fileErrorText } from '../core/files/file-errors.ts'

type AddCommand = (program: Command, run: typeof runCommandLine) => void

interface Row {
  readonly text: string
  readonly load: () => Promise<AddCommand>
}

/** The commands in the groups of `--help`. Each is loaded on demand: a running lab keeps no other command in memory. */
const groups: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  Run: {
    start: {
      text: 'run the lab until Ctrl-C, SIGTERM or sealpost stop; SIGHUP reloads the file',
      load: async () => (await import('./start/start.ts')).addStart,
    },
    check: {
      text: 'validate the file, the certificates, folders and ports without listening',
      load: async () => (await import('./check/check.ts')).addCheck,
    },
    doctor: {
      text: 'check the installation: packages, limits, clock, names, configuration, ports, trust; with store.bodies, write a small test object to the bucket and delete it',
      load: async () => (await import('./check/doctor.ts')).addDoctor,
    },
    stop: {
      text: 'stop the running lab, also if it runs in the background, and wait until it has ended',
      load: async () => (await import('./lab/stop.ts')).addStop,
    },
    reload: {
      text: 'make the running lab read its file again; an invalid file changes nothing',
      load: async () => (await import('./lab/reload.ts')).addReload,
    },
    healthcheck: {
      text: 'check that the lab is ready, every port sends a greeting, and every certificate is served; verifies TLS with the roots of the lab',
      load: async () => (await import('./check/healthcheck.ts')).addHealthcheck,
    },
    config: {
      text: 'show and change the configuration, also of a running lab',
      load: async () => (await import('./config/index.ts')).addConfig,
    },
    store: {
      text: 'check, compact, export and import the messages on disk; back up and restore them with the certificates; copy everything to another store',
      load: async () => (await import('./store/index.ts')).addStore,
    },
    cluster: {
      text: 'show the processes that serve the lab together',
      load: async () => (await import('./lab/cluster.ts')).addCluster,
    },
  },
  Certificates: {
    cert: {
      text: 'request, install, replace and remove certificates of virtual servers',
      load: async () => (await import('./cert/index.ts')).addCert,
    },
    ca: {
      text: 'manage the certificate authorities of the lab',
      load: async () => (await import('./ca/index.ts')).addCa,
    },
    trust: {
      text: 'make the programs of this machine trust the roots of the lab',
      load: async () => (await import('./trust/index.ts')).addTrust,
    },
  },
  Mail: {
    mail: {
      text: 'browse, list, search, show, wait for, check, release and delete the mail of the running lab, and send bounces and complaints to senders',
      load: async () => (await import('./mail/index.ts')).addMail,
    },
    queue: {
      text: 'list the mail that waits to be sent to other hosts; try now, hold, delete or return it',
      load: async () => (await import('./queue/index.ts')).addQueue,
    },
    sendmail: {
      text: 'submit a message to the running lab, as /usr/sbin/sendmail does',
      load: async () => (await import('./sendmail/command.ts')).addSendmail,
    },
    dns: {
      text: 'show and change the zones of the DNS server of the running lab',
      load: async () => (await import('./lab/dns.ts')).addDns,
    },
    dkim: {
      text: 'print the TXT records with the public keys that verify the DKIM signatures and ARC seals of the lab',
      load: async () => (await import('./mail/dkim.ts')).addDkim,
    },
    'dmarc-report': {
      text: 'show the DMARC results of received mail, or send them as aggregate reports (RFC 9990)',
      load: async () => (await import('./mail/dmarc-report.ts')).addDmarcReport,
    },
    'tls-report': {
      text: 'show the results of TLS sessions with other mail hosts, or send them as TLS reports (RFC 8460)',
      load: async () => (await import('./mail/tls-report.ts')).addTlsReport,
    },
  },
  Observe: {
    sessions: {
      text: 'show who connected to the running lab, how, and why something was refused',
      load: async () => (await import('./lab/sessions.ts')).addSessions,
    },
    log: {
      text: 'show the latest lines of the log of the running lab, the newest last',
      load: async () => (await import('./lab/log.ts')).addLog,
    },
    clock: {
      text: 'show and change the clock of the running lab',
      load: async () => (await import('./lab/clock.ts')).addClock,
    },
  },
  Test: {
    verify: {
      text: 'connect as a client and report which checks of TLS, certificates and log-on passed',
      load: async () => (await import('./verify/index.ts')).addVerify,
    },
    audit: {
      text: 'run a mail or news client against bad servers and report which ones it accepts',
      load: async () => (await import('./audit/index.ts')).addAudit,
    },
  },
  Connect: {
    'client-settings': {
      text: 'show what to enter in mail and news programs, or write files for their automatic configuration',
      load: async () => (await import('./mail/client-settings.ts')).addClientSettings,
    },
    'access-token': {
      text: 'issue and print an access token, for log-ons by XOAUTH2, OAUTHBEARER and over HTTP',
      load: async () => (await import('./lab/access-token.ts')).addAccessToken,
    },
    mcp: {
      text: 'run an MCP server on standard input and output, through which an agent uses the lab',
      load: async () => (await import('./lab/mcp.ts')).addMcp,
    },
  },
  Help: {
    completion: {
      text: 'print a script that completes commands, options and values in a shell',
      load: async () => (await import('./completion.ts')).addCompletion,
    },
    licenses: {
      text: 'print the licences of Sealpost and of everything that the executable file contains',
      load: async () => (await import('./licenses.ts')).addLicenses,
    },
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

const isVersionAsJson = (args: readonly string[]): boolean =>
  args.includes('--json') && args.some((arg) => arg === '--version' || arg === '-V')

/** Creates the command line. It loads only the command that `args` name; the others have their names and texts, for help and suggestions. */
async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('sealpost')
    .description('A mock mail and news server stack (SMTP, POP3, IMAP4, NNTP) that serves any certificate you install.')
    .version(
      version,
      '-V, --version',
      'print the version; with --json also those of Node.js, OpenSSL and optional packages',
    )
    .showHelpAfterError(false)
    .configureHelp({ visibleOptions: ownOptions, optionDescription, subcommandTerm, formatHelp })
    .configureOutput({
      outputError: (text) => {
        const path = pathOf(commandOf(program, args))
        const usage =
          misplacedOption(path, args) ?? `${usageText(text, `sealpost ${path}`.trim())}${nameOfFile(text, args)}`
        noteError(`sealpost: ${usage}`)
      },
    })
    .exitOverride()
  const words = args.filter((arg) => !arg.startsWith('-'))
  const wanted = words[0] === 'help' ? words[1] : words[0]
  for (const [heading, group] of Object.entries(groups)) {
    program.commandsGroup(`${heading}:`)
    for (const [name, { text, load }] of Object.entries(group)) {
      if (name === wanted || wanted === NEEDS_ALL) (await load())(program, runCommandLine)
      else program.command(name)
      program.commands.find((one) => one.name() === name)?.description(text)
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
function misplacedOption(path: string, [first = '']: readonly string[]): string | undefined {
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

/** Returns the name alone for the commands of `sealpost --help`, which are not loaded. */
function subcommandTerm(this: Help, command: Command): string {
  return command.parent?.parent === null ? command.name() : Help.prototype.subcommandTerm.call(this, command)
}

/** Returns the help of a command. Shared options and examples follow its own options. */
function formatHelp(this: Help, command: Command, helper: Help): string {
  const shared = command.options.filter(isShared).map(({ flags }) => flags)
  const lines = examples[pathOf(command)] ?? []
  const sections = [
    Help.prototype.formatHelp.call(this, command, helper),
    ...(command.parent === null ? [optionHelp(Object.values(sharedOptions), helper)] : []),
    ...(shared.length === 0
      ? []
      : [`${helper.boxWrap(`Also (see sealpost --help): ${shared.join(', ')}`, helper.helpWidth ?? 80)}\n`]),
    ...(lines.length === 0 ? [] : [`Examples:\n${lines.map((line) => `  sealpost ${line}\n`).join('')}`]),
  ]
  return sections.join('\n')
}

function optionHelp(options: readonly Option[], helper: Help): string {
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
  const near = nearestWord(name, names)
  throw new UsageError(
    `unknown command ${`${pathOf(parent)} ${name}`.trim()}; ${near ? `did you mean ${near}?` : `known: ${names.join(', ')}`}`,
  )
}
