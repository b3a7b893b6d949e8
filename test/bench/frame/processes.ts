import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ProcessTree } from './proc.ts'
import type { Target } from './types.ts'

const START_LIMIT_MS = 30_000

/** The report of a server program of `test/bench/programs/` when it listens. */
interface ServerNews {
  readonly port: number
  readonly smtpPort?: number
  readonly pop3Port?: number
  readonly nntpPort?: number
  readonly httpPort?: number
  readonly ca?: string
  readonly note?: string
}

/** Runs `test/bench/programs/NAME.ts` in its own process. `settings` is its only argument, as JSON. */
export async function forkServer(name: string, settings: object = {}): Promise<Target> {
  const program = fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url))
  const child = fork(program, [JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--expose-gc'],
  })
  const news = (await nextMessage(child)) as ServerNews
  return {
    ...observed(child, news.port),
    ...news,
    async reset() {
      await ask(child, 'reset')
    },
    async collect() {
      await ask(child, 'collect')
    },
    heapOctets: () => ask(child, 'heap') as Promise<number>,
  }
}

function ask(child: ChildProcess, what: 'reset' | 'collect' | 'heap'): Promise<unknown> {
  const done = nextMessage(child)
  child.send(what)
  return done
}

/** Runs a program that listens on `port`. Resolves when it does. */
export async function spawnServer(
  command: string,
  args: readonly string[],
  port: number,
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Target> {
  const child = spawn(command, args, { ...options, stdio: 'ignore' })
  await listening(child, port)
  return observed(child, port)
}

/** Returns the first thing like a version that a command prints. */
export function versionOf(command: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(findProgram(command) ?? command, args, { encoding: 'utf8' })
  return /\d+(\.\d+)+[\w.-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'version unknown'
}

/** Returns the version of an installed npm package. */
export function packageVersion(name: string): string {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Returns the path of a Debian program, which can be outside the PATH of a user who is not root. */
export const findProgram = (name: string): string | undefined =>
  ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/usr/lib/news/bin'].map((at) => `${at}/${name}`).find(existsSync)

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0))
    })
  })
}

function observed(child: ChildProcess, port: number): Target {
  const tree = new ProcessTree(child.pid as number)
  child.once('exit', () => tree.stop())
  return {
    host: '127.0.0.1',
    port,
    pid: child.pid as number,
    cpuSeconds: () => tree.cpuSeconds(),
    memoryOctets: () => tree.memoryOctets(),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the server ended before it was ready: ${child.spawnargs.join(' ')}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (const limit = Date.now() + START_LIMIT_MS; Date.now() < limit; ) {
    if (child.exitCode !== null) break
    if (await answers(port)) return
    await wait(20)
  }
  child.kill('SIGKILL')
  throw new Error(`the server does not listen on port ${port}: ${child.spawnargs.join(' ')}`)
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
