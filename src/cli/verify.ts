import { type Command, Option } from 'commander'
import { protocols } from '../config/schema/protocol.ts'
import { delivery } from '../verify/exchange.ts'
import { describe, findingsTable, row, summarize, verifyJunit } from '../verify/report.ts'
import { checks, verifyEndpoints } from '../verify/run.ts'
import type { Endpoint, EndpointReport, Finding, VerifyOptions } from '../verify/types.ts'
import { withConfig } from './configuration.ts'
import { exitStatus } from './failure.ts'
import { checkOutput, writeOutput } from './files.ts'
import { portNumber, secondsAsMs } from './options.ts'
import { note, print } from './output.ts'
import { hostTarget, labTarget, readRoots, type TargetOptions } from './verify-target.ts'

interface VerifyCommandOptions extends TargetOptions {
  readonly ca?: string
  readonly only?: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  readonly json?: boolean
  readonly junit?: string
}

const TIMEOUT_MS = 10_000

const checkNames = [...checks, delivery].map(({ name }) => name)

/** Adds `sealpost verify`. */
export function addVerify(program: Command): void {
  withConfig(program.command('verify'))
    .argument('[host]', 'any server (default: every port of the configuration)')
    .description('connect as a client and report which checks of TLS, certificates and log-on passed')
    .addOption(new Option('--protocol <protocol...>', 'protocols of the host (default: all four)').choices(protocols))
    .option('--port <number>', 'one port of the host (default: the registered ports)', portNumber)
    .option('--tls', 'the port uses implicit TLS')
    .option('--starttls', 'the port uses clear text with STARTTLS')
    .option('--server-name <name>', 'name the certificate must be issued to (default: the host)')
    .option('--ca <file>', 'PEM roots to verify against (default: those of the system; for a lab, its own root)')
    .option('--require-secure-channel', 'check that the host refuses everything but STARTTLS in clear text')
    .option('--user <name>', 'log on, send a message and an article, and read them back')
    .option('--password <text>', 'password of the user (default: the one in the configuration)')
    .option('--password-file <file>', 'file with the password in its first line')
    .option('--mailbox <address>', 'mail address of the user (default: the user name at the domain of the lab)')
    .option('--newsgroup <name>', 'newsgroup to post to (default: the first that allows posting)')
    .addOption(new Option('--only <check...>', 'run only these checks').choices(checkNames))
    .option('--timeout <seconds>', 'longest wait for an answer (default: 10)', secondsAsMs)
    .option('--json', 'print JSON')
    .option('--junit <file>', 'also write JUnit XML')
    .action(verify)
}

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
  if (options.junit !== undefined) await writeOutput(options.junit, verifyJunit(reports))
  if (options.json) print(JSON.stringify({ ...summary, endpoints: reports.map(asJson) }))
  else print([summary.verdict, ...reports.map((report) => `\n${findingsTable(report)}`)].join('\n'))
  if (!summary.ok) process.exitCode = exitStatus.failed
}

/** Returns a function that prints each finding on a terminal. */
function progress({ json }: VerifyCommandOptions): (endpoint: Endpoint, finding: Finding) => void {
  if (json || !process.stderr.isTTY) return () => {}
  return (endpoint, finding) => note(`${describe(endpoint)}: ${row(finding)}`)
}

const asJson = ({ endpoint, findings }: EndpointReport): object => {
  const { title, protocol, host, port, implicitTls, serverName } = endpoint
  return { name: title, protocol, host, port, implicitTls, serverName, checks: findings }
}
