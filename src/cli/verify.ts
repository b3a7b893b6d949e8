import { type Command, Option } from 'commander'
import { type Protocol, protocols } from '../config/schema/protocol.ts'
import { delivery } from '../verify/exchange.ts'
import { describe, junit, row, summarize, table } from '../verify/report.ts'
import { checks, verifyEndpoints } from '../verify/run.ts'
import { hostEndpoints } from '../verify/targets.ts'
import { splitPem } from '../verify/tls/trust.ts'
import type { Endpoint, EndpointReport, Finding, VerifyOptions } from '../verify/types.ts'
import { type ConfigurationOptions, withConfig } from './configuration.ts'
import { exitStatus, UsageError } from './failure.ts'
import { checkOutput, passwordOf, readInput, writeOutput } from './files.ts'
import { portNumber, secondsAsMs } from './options.ts'
import { note, print } from './output.ts'
import { labTarget } from './verify-target.ts'

export interface VerifyCommandOptions extends ConfigurationOptions {
  readonly protocol?: readonly Protocol[]
  readonly port?: number
  /** True: `--tls`; false: `--starttls`. */
  readonly tls?: boolean
  readonly starttls?: boolean
  readonly serverName?: string
  readonly ca?: string
  readonly requireSecureChannel?: boolean
  readonly user?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly mailbox?: string
  readonly newsgroup?: string
  readonly only?: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  readonly json?: boolean
  readonly junit?: string
}

/** `sealpost verify`: whether a lab, or any server, keeps its promises. */
export function addVerify(program: Command): void {
  withConfig(program.command('verify'))
    .argument('[host]', 'any server; without it, every endpoint of the configuration')
    .description('connect as a client and report what was proved of TLS, certificate and log-on')
    .addOption(new Option('--protocol <protocol...>', 'what the host speaks (default: all four)').choices(protocols))
    .option('--port <number>', 'one port of the host (default: the registered ones)', portNumber)
    .option('--tls', 'TLS from the first octet on that port')
    .option('--starttls', 'clear text with STARTTLS on that port')
    .option('--server-name <name>', 'the name the certificate must be issued to (default: the host)')
    .option('--ca <file>', 'PEM roots to verify against (default: the system’s; for a lab, its own)')
    .option('--require-secure-channel', 'hold the host to refusing everything but STARTTLS in clear')
    .option('--user <name>', 'log on, send a message and an article, read them back')
    .option('--password <text>', 'its password (default: the one in the configuration)')
    .option('--password-file <file>', 'the password, in the first line of a file')
    .option('--mailbox <address>', 'the address of that user (default: the user name, at the lab’s domain)')
    .option('--newsgroup <name>', 'where to post (default: the first group that takes posts)')
    .addOption(new Option('--only <check...>', 'only these checks').choices(checkNames))
    .option('--timeout <seconds>', 'how long an answer may take (default: 10)', secondsAsMs)
    .option('--json', 'print JSON')
    .option('--junit <file>', 'write JUnit XML too')
    .action(verify)
}

const TIMEOUT_MS = 10_000

const checkNames = [...checks, delivery].map(({ name }) => name)

async function verify(host: string | undefined, options: VerifyCommandOptions): Promise<void> {
  if (options.junit !== undefined) await checkOutput(options.junit)
  const target = host === undefined ? await labTarget(options) : await hostTarget(host, options)
  const ca = options.ca === undefined ? target.ca : await readRoots(options.ca)
  const settings: VerifyOptions = {
    timeoutMs: options.timeout ?? TIMEOUT_MS,
    now: () => Date.now(),
    ...(ca ? { ca } : {}),
    ...(options.only ? { only: options.only } : {}),
    ...(target.credentials ? { credentials: target.credentials } : {}),
    ...(target.mailbox === undefined ? {} : { mailbox: target.mailbox }),
    ...(target.newsgroup === undefined ? {} : { newsgroup: target.newsgroup }),
  }
  const reports = await verifyEndpoints(target.endpoints, settings, progress(options))
  const summary = summarize(reports)
  if (options.junit !== undefined) await writeOutput(options.junit, junit(reports))
  if (options.json) print(JSON.stringify({ ...summary, endpoints: reports.map(asJson) }))
  else print([summary.verdict, ...reports.map((report) => `\n${table(report)}`)].join('\n'))
  if (!summary.ok) process.exitCode = exitStatus.failed
}

/** What is to be verified, and by which roots and log-on. */
export interface Target extends Pick<VerifyOptions, 'credentials' | 'mailbox' | 'newsgroup' | 'ca'> {
  readonly endpoints: readonly Endpoint[]
}

/** @throws UsageError */
async function hostTarget(host: string, options: VerifyCommandOptions): Promise<Target> {
  const { protocol, port, tls, starttls, serverName, user, mailbox, newsgroup } = options
  if (tls && starttls) throw new UsageError('--tls and --starttls exclude each other')
  if (port !== undefined && protocol?.length !== 1) throw new UsageError('--port needs one --protocol')
  const implicitTls = tls ? true : starttls ? false : undefined
  const endpoints = hostEndpoints({
    host,
    protocols: protocol ?? protocols,
    requireSecureChannel: options.requireSecureChannel ?? false,
    ...(port === undefined ? {} : { port }),
    ...(implicitTls === undefined ? {} : { implicitTls }),
    ...(serverName === undefined ? {} : { serverName }),
  })
  const password = await passwordOf(options)
  if (user !== undefined && password === undefined) throw new UsageError('--user needs --password or --password-file')
  return {
    endpoints,
    ...(user !== undefined && password !== undefined ? { credentials: { user, password } } : {}),
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(newsgroup === undefined ? {} : { newsgroup }),
  }
}

/** @throws UsageError */
async function readRoots(file: string): Promise<string[]> {
  const roots = splitPem((await readInput(file)).toString('utf8'))
  if (roots.length === 0) throw new UsageError(`${file} holds no certificate in PEM`)
  return roots
}

/** A line a check, while a person waits for the table. */
function progress({ json }: VerifyCommandOptions): (endpoint: Endpoint, finding: Finding) => void {
  if (json || !process.stderr.isTTY) return () => {}
  return (endpoint, finding) => note(`${describe(endpoint)}: ${row(finding)}`)
}

const asJson = ({ endpoint, findings }: EndpointReport): object => {
  const { title, protocol, host, port, implicitTls, serverName } = endpoint
  return { name: title, protocol, host, port, implicitTls, serverName, checks: findings }
}
