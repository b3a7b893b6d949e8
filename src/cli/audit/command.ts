import { spawn } from 'node:child_process'
import type { Client } from '../../audit/audit.ts'
import type { AuditTarget } from '../../audit/types.ts'

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
