import { type Command, Option } from 'commander'
import {
  type Audit,
  AuditError,
  auditHeading,
  auditJunit,
  auditRows,
  auditSarif,
  badPorts,
  chosenPorts,
  counts,
  countsText,
  type Form,
  failedControls,
  forms,
  nothingTested,
  runAudit,
} from '../../checks/audit/index.ts'
import { type ServerProtocol, serverProtocols } from '../../core/config/schema/protocol.ts'
import { version } from '../../core/text/version.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { openQuietLab } from '../../lab/create-lab.ts'
import { checkTyped, exitStatus, UsageError } from '../shared/failure.ts'
import { checkOutput, writeOutput } from '../shared/files.ts'
import { positiveNumber, timeLimit } from '../shared/options.ts'
import { print } from '../shared/output.ts'
import { withProgress } from '../shared/progress-line.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { commandClient, findsByAddress, placeholderList, unknownPlaceholder } from './client-program.ts'

interface AuditCommandOptions {
  readonly protocol?: readonly ServerProtocol[]
  readonly form?: Form
  readonly server?: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  readonly jobs?: number
  readonly byAddress?: boolean
  readonly strict?: boolean
  readonly junit?: string
  readonly sarif?: string
  readonly list?: boolean
  readonly json?: boolean
}

/** Adds `sealpost audit -- COMMAND {host} {port} …`. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .argument('[command...]', `command of the client, after --; it can contain ${placeholderList}`)
    .addOption(
      new Option(
        '--protocol <name...>',
        'only these protocols (default: those of mail and news that the client speaks)',
      ).choices(serverProtocols),
    )
    .addOption(new Option('--form <form>', 'only STARTTLS or only implicit TLS').choices(forms))
    .option('--server <name...>', 'only the bad servers with these names')
    .option('--timeout <time>', 'time after which a client counts as having refused (default: 10s)', timeLimit)
    .option('--jobs <n>', 'number of clients that run at the same time (default: 4)', positiveNumber)
    .option(
      '--by-address',
      'the client connects to {address} or resolves {hostname} itself, so no name needs to resolve',
    )
    .option('--strict', 'also fail for servers that only a careful client refuses')
    .option('--junit <file>', 'also write JUnit XML')
    .option('--sarif <file>', 'also write SARIF 2.1.0, for code scanners')
    .option('--list', 'print the bad servers of config/badmail.yaml and run nothing')
    .addOption(sharedOptions.json)
    .action(audit)
}

async function audit(command: readonly string[], options: AuditCommandOptions): Promise<void> {
  if (options.list) return list(options.json ?? false)
  if (command.length === 0)
    throw new UsageError('no client given; write its command after --: sealpost audit -- COMMAND {host} {port}')
  const unknown = unknownPlaceholder(command)
  if (unknown !== undefined) throw new UsageError(`unknown placeholder {${unknown}}; known: ${placeholderList}`)
  for (const file of [options.junit, options.sarif]) if (file !== undefined) await checkOutput(file)
  const { protocol: protocols, form, server: names, timeout: timeoutMs, jobs } = options
  const byAddress = options.byAddress ?? findsByAddress(command)
  const choice = omitUndefined({ protocols, forms: form && [form], names, timeoutMs, jobs, byAddress })
  checkTyped(() => chosenPorts(choice))
  const startedAt = Date.now()
  const audit = await withProgress('Running the client against good servers', (show) => {
    const onResult = (done: number, all: number): void => show(`${done} of ${all} bad servers done`)
    return runAudit(commandClient(command), { ...choice, onResult }, openQuietLab)
  })
  if (options.sarif !== undefined) {
    await writeOutput(options.sarif, auditSarif(audit.results, { version, startedAt, endedAt: Date.now() }))
  }
  await report(audit, options)
}

async function report({ controls, results }: Audit, { json, junit, strict }: AuditCommandOptions): Promise<void> {
  const found = counts(results)
  if (junit !== undefined) await writeOutput(junit, auditJunit(results))
  if (json) print(JSON.stringify({ counts: found, controls, results }))
  else {
    printTable(auditHeading, auditRows(results))
    for (const line of failedControls(controls)) print(line)
    print(countsText(results))
  }
  const [first] = results
  if (first && found.untested === results.length) throw new AuditError(nothingTested(first))
  const bad = found.unsafe + found.unable + (strict ? found.lax : 0)
  if (bad > 0) process.exitCode = exitStatus.failed
}

function list(json: boolean): void {
  if (json) return print(JSON.stringify(badPorts))
  const rows = badPorts.map(({ name, protocol, form, hostname, port, expectation, meaning }) => [
    ...[name, protocol, form, hostname, String(port), expectation, meaning],
  ])
  printTable(['NAME', 'PROTOCOL', 'TLS', 'HOST', 'PORT', 'A SAFE CLIENT', 'MEANING'], rows)
}
