import { spawn } from 'node:child_process'
import { type AuditTarget, CannotStart, type Client } from '../../checks/audit/index.ts'
import { lastMessage } from './last-message.ts'

/** Values that the command line of the client can contain in braces. */
const placeholders: Readonly<Record<string, (target: AuditTarget) => string>> = {
  host: ({ host }) => host,
  port: ({ port }) => String(port),
  address: ({ address }) => address,
  hostname: ({ hostname }) => hostname,
  protocol: ({ protocol }) => protocol,
  form: ({ form }) => form,
  name: ({ name }) => name,
  user: ({ user }) => user,
  password: ({ password }) => password,
  caFile: ({ caFile }) => caFile,
  hostsFile: ({ hostsFile }) => hostsFile,
  // As curl's option --resolve takes it.
  resolve: ({ hostname, port, address }) => `${hostname}:${port}:${address}`,
}

export const placeholderList = Object.keys(placeholders)
  .map((name) => `{${name}}`)
  .join(' ')

/** Returns the first word in braces that is not a placeholder. */
export const unknownPlaceholder = (words: readonly string[]): string | undefined =>
  words
    .flatMap((word) => [...word.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = '']) => name))
    .find((name) => !Object.hasOwn(placeholders, name))

/** Returns whether the command finds servers by their address, so that no host name needs to resolve. */
export const findsByAddress = (words: readonly string[]): boolean =>
  words.some((word) => /\{(?:hostname|resolve|hostsFile)\}/.test(word))

/** Creates a client that runs a program. Exit status 0 means that the program accepted the server. */
export const commandClient =
  (words: readonly string[]): Client =>
  (target, signal) =>
    runProgram(
      words.map((word) => filledIn(word, target)),
      target,
      signal,
    )

const filledIn = (word: string, target: AuditTarget): string =>
  Object.entries(placeholders).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value(target)), word)

/** Returns the placeholders as environment variables for scripts: AUDIT_HOST, AUDIT_PORT, AUDIT_CA_FILE … */
const environment = (target: AuditTarget): NodeJS.ProcessEnv => ({
  ...process.env,
  ...Object.fromEntries(
    Object.entries(placeholders).map(([name, value]) => [
      `AUDIT_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`,
      value(target),
    ]),
  ),
})

/** Characters kept of each of a program's outputs. Its last lines usually give the reason for a refusal. */
const MAX_OUTPUT = 8_000

function runProgram(
  [program = '', ...args]: readonly string[],
  target: AuditTarget,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // In its own process group, so that the processes it starts end with it.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment(target) })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] = (output[name] + chunk).slice(-MAX_OUTPUT)
      })
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
    child.on('error', (error: NodeJS.ErrnoException) => reject(new CannotStart(cannotStart(program, error))))
    child.on('close', (status, ended) => {
      signal.removeEventListener('abort', kill)
      if (status === 0) resolve()
      else
        reject(
          new Error(`${status === null ? `ended by ${ended}` : `exit status ${status}`}: ${outputMessage(output)}`),
        )
    })
  })
}

const outputMessage = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string =>
  lastMessage(stderr) ?? lastMessage(stdout) ?? 'no message'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program; check its name and PATH',
  EACCES: 'it is not executable',
}

const cannotStart = (program: string, { code = '', message }: NodeJS.ErrnoException): string =>
  `cannot start the client "${program}": ${reasons[code] ?? message}`
