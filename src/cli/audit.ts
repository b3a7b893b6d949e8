import { spawn } from 'node:child_process'
import { type Command, Option } from 'commander'
import { auditClient, type Client } from '../audit/audit.ts'
import { badPorts } from '../audit/lab.ts'
import { auditHeading, auditRows, counts, junit } from '../audit/report.ts'
import { type AuditTarget, type Form, forms } from '../audit/types.ts'
import { type Protocol, protocols } from '../config/schema/protocol.ts'
import { exitStatus, UsageError } from './failure.ts'
import { checkOutput, writeOutput } from './files.ts'
import { count, secondsAsMs } from './options.ts'
import { print, table } from './output.ts'

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

/** `sealpost audit -- COMMAND {host} {port} …`: which bad servers a client takes. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .argument('[command...]', `the client, after --; it may hold ${placeholders.map((name) => `{${name}}`).join(' ')}`)
    .description('run a mail or news client against bad servers and report which ones it takes (exit status 0)')
    .addOption(new Option('--protocol <name...>', 'only these protocols').choices(protocols))
    .addOption(new Option('--form <form>', 'only STARTTLS or only implicit TLS').choices(forms))
    .option('--only <name...>', 'only the bad servers of these names')
    .option('--timeout <seconds>', 'a client that takes longer has refused (default: 10)', secondsAsMs)
    .option('--jobs <n>', 'clients that run at one time (default: 4)', count)
    .option('--strict', 'what only a careful client refuses counts as well')
    .option('--junit <file>', 'write JUnit XML as well')
    .option('--list', 'print the index of bad servers as config/badmail.yaml has them, and run nothing')
    .option('--json', 'print JSON')
    .action(audit)
}

async function audit(command: readonly string[], options: AuditCommandOptions): Promise<void> {
  if (options.list) return list(options.json ?? false)
  if (command.length === 0)
    throw new UsageError('no client given; write it after --, as: sealpost audit -- COMMAND {host} {port}')
  const unknown = unknownPlaceholder(command)
  if (unknown !== undefined) {
    throw new UsageError(`{${unknown}} is not known; there are ${placeholders.map((name) => `{${name}}`).join(' ')}`)
  }
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
  if (options.junit !== undefined) await writeOutput(options.junit, junit(results))
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
  print(table(['NAME', 'PROTOCOL', 'TLS', 'HOST', 'PORT', 'A SAFE CLIENT WOULD', 'MEANING'], rows))
}

/** What a command line may hold in braces. */
export const placeholders = [
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

/** A placeholder that is not known; undefined: all are. */
export const unknownPlaceholder = (words: readonly string[]): string | undefined =>
  words
    .flatMap((word) => [...word.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = '']) => name))
    .find((name) => !placeholders.some((known) => known === name))

/** A program as a client: exit status 0 says that it took the server. */
export const commandClient =
  (words: readonly string[]): Client =>
  (target, signal) =>
    runToEnd(
      words.map((word) => filled(word, target)),
      target,
      signal,
    )

const filled = (word: string, target: AuditTarget): string =>
  placeholders.reduce((text, name) => text.replaceAll(`{${name}}`, String(target[name])), word)

/** The tail of what a program said is enough to tell why it refused. */
const MAX_SAID = 4_000

function runToEnd([program = '', ...args]: readonly string[], target: AuditTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what the program starts ends with it.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: surroundings(target) })
    let said = ''
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-MAX_SAID)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const kill = (): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch (error) {
        // ESRCH: the group has ended already, and what left it keeps the pipes open.
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
      else reject(new Error(`exit status ${status ?? 'none'}: ${lastLine(said)}`))
    })
  })
}

/** The same in the environment, for scripts: AUDIT_HOST, AUDIT_PORT, AUDIT_CA_FILE … */
const surroundings = (target: AuditTarget): NodeJS.ProcessEnv => ({
  ...process.env,
  ...Object.fromEntries(
    placeholders.map((name) => [`AUDIT_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`, String(target[name])]),
  ),
})

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''
