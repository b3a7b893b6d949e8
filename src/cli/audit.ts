import { spawn } from 'node:child_process'
import { type Command, Option } from 'commander'
import { auditClient, type Client } from '../audit/audit.ts'
import { badPorts } from '../audit/lab.ts'
import { auditHeading, auditJunit, auditRows, counts } from '../audit/report.ts'
import { type AuditTarget, type Form, forms } from '../audit/types.ts'
import { type Protocol, protocols } from '../config/schema/protocol.ts'
import { exitStatus, UsageError } from './failure.ts'
import { checkOutput, writeOutput } from './files.ts'
import { positiveNumber, secondsAsMs } from './options.ts'
import { print } from './output.ts'
import { table } from './table.ts'

interface AuditCommandOptions {
  readonly protocol?: readonly Protocol[]
  readonly form?: Form
  readonly only?: readonly string[]
  /** Milliseconds. */
  readonly timeout?: number
  readonly jobs?: number
  readonly strict?: boolean
  readonly junit?: string
  readonly list?: boolean
  readonly json?: boolean
}

/** Values that the command line of the client can contain in braces. */
const placeholders = [
  'host',
  'port',
  'address',
  'hostname',
  'protocol',
  'form',
  'name',
  'user',
  'password',
  'caFile',
] as const

const placeholderList = placeholders.map((name) => `{${name}}`).join(' ')

/** Adds `sealpost audit -- COMMAND {host} {port} …`. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .argument('[command...]', `command of the client, after --; it can contain ${placeholderList}`)
    .description('run a mail or news client against bad servers and report which ones it accepts (exit status 0)')
    .addOption(new Option('--protocol <name...>', 'only these protocols').choices(protocols))
    .addOption(new Option('--form <form>', 'only STARTTLS or only implicit TLS').choices(forms))
    .option('--only <name...>', 'only the bad servers with these names')
    .option('--timeout <seconds>', 'time after which a client counts as having refused (default: 10)', secondsAsMs)
    .option('--jobs <n>', 'number of clients that run at the same time (default: 4)', positiveNumber)
    .option('--strict', 'also fail for servers that only a careful client refuses')
    .option('--junit <file>', 'also write JUnit XML')
    .option('--list', 'print the bad servers of config/badmail.yaml and run nothing')
    .option('--json', 'print JSON')
    .action(audit)
}

async function audit(command: readonly string[], options: AuditCommandOptions): Promise<void> {
  if (options.list) return list(options.json ?? false)
  if (command.length === 0)
    throw new UsageError('no client given; write its command after --: sealpost audit -- COMMAND {host} {port}')
  const unknown = unknownPlaceholder(command)
  if (unknown !== undefined) throw new UsageError(`unknown placeholder {${unknown}}; known: ${placeholderList}`)
  if (options.junit !== undefined) await checkOutput(options.junit)
  const results = await auditClient(commandClient(command), {
    ...(options.protocol ? { protocols: options.protocol } : {}),
    ...(options.form ? { forms: [options.form] } : {}),
    ...(options.only ? { names: options.only } : {}),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
    byAddress: command.some((word) => word.includes('{hostname}')),
  })
  const found = counts(results)
  if (options.junit !== undefined) await writeOutput(options.junit, auditJunit(results))
  if (options.json) print(JSON.stringify({ counts: found, results }))
  else {
    print(table(auditHeading, auditRows(results)))
    print(
      Object.entries(found)
        .map(([verdict, count]) => `${count} ${verdict}`)
        .join(', '),
    )
  }
  const bad = found.unsafe + found.unable + (options.strict ? found.lax : 0)
  if (bad > 0) process.exitCode = exitStatus.failed
}

function list(json: boolean): void {
  if (json) return print(JSON.stringify(badPorts))
  const rows = badPorts.map(({ name, protocol, form, hostname, port, expectation, meaning }) => [
    ...[name, protocol, form, hostname, String(port), expectation, meaning],
  ])
  print(table(['NAME', 'PROTOCOL', 'TLS', 'HOST', 'PORT', 'A SAFE CLIENT', 'MEANING'], rows))
}

const unknownPlaceholder = (words: readonly string[]): string | undefined =>
  words
    .flatMap((word) => [...word.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = '']) => name))
    .find((name) => !placeholders.some((known) => known === name))

/** Creates a client that runs a program. Exit status 0 means that the program accepted the server. */
const commandClient =
  (words: readonly string[]): Client =>
  (target, signal) =>
    runProgram(
      words.map((word) => filledIn(word, target)),
      target,
      signal,
    )

const filledIn = (word: string, target: AuditTarget): string =>
  placeholders.reduce((text, name) => text.replaceAll(`{${name}}`, String(target[name])), word)

/** Characters kept of a program's output. Its last line usually gives the reason for a refusal. */
const MAX_OUTPUT = 4_000

function runProgram(
  [program = '', ...args]: readonly string[],
  target: AuditTarget,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // In its own process group, so that the processes it starts end with it.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment(target) })
    let output = ''
    const append = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT)
    }
    child.stdout.on('data', append)
    child.stderr.on('data', append)
    const kill = (): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch (error) {
        // ESRCH: the group has ended. A process that left the group can still hold the pipes open.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') reject(error as Error)
      }
      child.stdout.destroy()
      child.stderr.destroy()
    }
    signal.addEventListener('abort', kill)
    child.on('error', (error) => reject(new Error(`${program}: ${error.message}`)))
    child.on('close', (status) => {
      signal.removeEventListener('abort', kill)
      if (status === 0) resolve()
      else reject(new Error(`exit status ${status ?? 'none'}: ${lastLine(output)}`))
    })
  })
}

/** Returns the placeholders as environment variables for scripts: AUDIT_HOST, AUDIT_PORT, AUDIT_CA_FILE … */
const environment = (target: AuditTarget): NodeJS.ProcessEnv => ({
  ...process.env,
  ...Object.fromEntries(
    placeholders.map((name) => [`AUDIT_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`, String(target[name])]),
  ),
})

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''
