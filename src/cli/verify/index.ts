import { type Command, Option } from 'commander'
import {
  type DnsServer,
  type EndpointReport,
  type LocalConnection,
  reportedChecks,
  summarize,
  type VerifyOptions,
  verifyEndpoints,
  verifyJunit,
  verifySarif,
} from '../../checks/verify/index.ts'
import { faultProtocols } from '../../core/config/schema/protocol.ts'
import { version } from '../../core/text/version.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { askLab } from '../../lab/control/client.ts'
import { ControlError } from '../../lab/control/messages.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { configOption, withConfig } from '../shared/configuration.ts'
import { exitStatus, UsageError } from '../shared/failure.ts'
import { checkOutput, readRoots, writeOutput } from '../shared/files.ts'
import { dnsServer, hostOrAddress, portNumber, timeLimit } from '../shared/options.ts'
import { noteError } from '../shared/output.ts'
import { withProgress } from '../shared/progress-line.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printJson, printReport } from './output.ts'
import { hostTarget, labTarget, type Target, type TargetOptions } from './target.ts'

interface VerifyCommandOptions extends TargetOptions {
  readonly ca?: string
  readonly check?: readonly string[]
  readonly resolver?: DnsServer
  readonly mailDomain?: string
  /** Milliseconds. */
  readonly timeout?: number
  readonly verbose?: boolean
  readonly junit?: string
  readonly sarif?: string
  readonly watch?: boolean
  /** Milliseconds. */
  readonly interval?: number
}

const TIMEOUT_MS = 10_000

/** Adds `sealpost verify`. */
export function addVerify(program: Command): void {
  withConfig(program.command('verify'))
    .argument('[host]', 'any server (default: every port of the configuration)', hostOrAddress)
    .addOption(
      new Option('--protocol <protocol...>', 'protocols of the host (default: those of mail and news)').choices(
        faultProtocols,
      ),
    )
    .option('--port <number>', 'one port of the host (default: the registered ports)', portNumber)
    .option('--tls', 'the port uses implicit TLS')
    .option('--starttls', 'the port uses clear text with STARTTLS')
    .option('--server-name <name>', 'host name that the certificate must have (default: the host)', hostOrAddress)
    .option('--ca <file>', 'PEM roots to verify against (default: those of the system; for a lab, its own root)')
    .option('--require-secure-channel', 'check that the host accepts only STARTTLS before TLS')
    .option('--user <name>', 'log on as this user, send a message and an article, and read them back')
    .option('--password <text>', 'password of the user (default: the one in the configuration)')
    .option('--password-file <file>', 'file with the password in its first line')
    .option('--mailbox <address>', 'mail address of the user (default: the user name at the domain of the lab)')
    .option('--newsgroup <name>', 'newsgroup to post to (default: the first that allows posting)')
    .addOption(
      new Option('--check <check...>', 'run only these checks').choices(reportedChecks.map(({ name }) => name)),
    )
    .option(
      '--resolver <address>',
      'DNS server for the checks of TLSA records and MTA-STS, such as 127.0.0.1:53',
      dnsServer,
    )
    .option(
      '--mail-domain <name>',
      'mail domain whose MTA-STS policy is checked (default: that of the lab)',
      hostOrAddress,
    )
    .option('--timeout <time>', 'longest wait for an answer (default: 10s)', timeLimit)
    .option('--watch', 'repeat until interrupted, and print what changes')
    .option('--interval <time>', 'pause between two runs of --watch (default: 60s)', timeLimit)
    .option('-v, --verbose', 'print every check, not only warnings and failures')
    .addOption(sharedOptions.json)
    .option('--junit <file>', 'also write JUnit XML')
    .option('--sarif <file>', 'also write SARIF 2.1.0, for code scanners')
    .action(verify)
}

async function verify(host: string | undefined, options: VerifyCommandOptions): Promise<void> {
  if (options.interval !== undefined && !options.watch)
    throw new UsageError('--interval works only with --watch; add it')
  for (const file of [options.junit, options.sarif]) if (file !== undefined) await checkOutput(file)
  if (options.watch) {
    const { watch } = await import('./watch.ts')
    return watch(async () => (await runOnce(host, options)).reports, options)
  }
  const { reports, isRunning } = await runOnce(host, options)
  if (options.json) printJson(reports)
  else printReport(reports, options)
  if (host === undefined && !isRunning && !summarize(reports).ok) {
    noteError(`no lab of this configuration is running; start it with: sealpost start${configOption(options)}`)
  }
  if (!summarize(reports).ok) process.exitCode = exitStatus.failed
}

interface Run {
  readonly reports: readonly EndpointReport[]
  /** A lab of the configuration is running. */
  readonly isRunning: boolean
}

/** Verifies every endpoint once, with progress on a terminal, and writes the report files. */
async function runOnce(host: string | undefined, options: VerifyCommandOptions): Promise<Run> {
  const target = host === undefined ? await labTarget(options) : await hostTarget(host, options)
  const settings = await settingsOf(target, options)
  const startedAt = Date.now()
  let done = 0
  const reports = await withProgress('Connecting', (show) =>
    verifyEndpoints(target.endpoints, settings, ({ title, port }, finding) => {
      show(`${++done} checks done; last: ${title}, port ${port}: ${finding.title}`)
    }),
  )
  await writeReports(reports, startedAt, options)
  return { reports, isRunning: target.control !== undefined }
}

/** Reads root certificates. @throws UsageError if the file has none, because status 1 means that a check failed */
async function rootsIn(file: string): Promise<string[]> {
  try {
    return await readRoots(file)
  } catch (error) {
    throw error instanceof PkiError ? new UsageError(error.message, { cause: error }) : error
  }
}

async function settingsOf(target: Target, options: VerifyCommandOptions): Promise<VerifyOptions> {
  const ca = options.ca === undefined ? target.ca : await rootsIn(options.ca)
  const { control, lists, credentials, mailbox, newsgroup } = target
  const { check: only, resolver, timeout: timeoutMs = TIMEOUT_MS, mailDomain = target.mailDomain } = options
  const onConnection =
    control === undefined ? undefined : (connection: LocalConnection) => keepOutOfLog(control, connection)
  const account = { credentials, mailbox, newsgroup }
  return omitUndefined({ timeoutMs, now: Date.now, ca, lists, only, ...account, resolver, mailDomain, onConnection })
}

/** Asks a running lab not to record a connection: one run would displace a third of the recorded sessions. */
async function keepOutOfLog(control: string, { localAddress, localPort, remotePort }: LocalConnection): Promise<void> {
  const session = { remoteAddress: localAddress, remotePort: localPort, localPort: remotePort }
  try {
    await askLab(control, { verb: 'forget', args: { sessions: [session] } })
  } catch (error) {
    // The lab has stopped, which the checks report.
    if (!(error instanceof ControlError)) throw error
  }
}

async function writeReports(
  reports: readonly EndpointReport[],
  startedAt: number,
  { junit, sarif }: VerifyCommandOptions,
): Promise<void> {
  if (junit !== undefined) await writeOutput(junit, verifyJunit(reports))
  if (sarif === undefined) return
  await writeOutput(sarif, verifySarif(reports, { version, checks: reportedChecks, startedAt, endedAt: Date.now() }))
}
