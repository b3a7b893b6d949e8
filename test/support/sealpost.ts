import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { beforeEach } from 'vitest'
import { newFolder } from './folder.ts'

/** The command that `npm run build` created. */
export const mainFile = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export interface SealpostResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Standard input, for commands in this process. Default: that of this process. */
  readonly input?: string
  /** The limit of open files, for commands in their own process. Default: that of this process. */
  readonly openFiles?: number
}

/**
 * A temporary folder in which `sealpost` commands run. Control sockets and temporary files are in it too. The end of the run
 * removes it (`run/run-folder.ts`).
 */
export class Workplace {
  #parent = ''
  #folder = ''

  constructor() {
    this.renew()
  }

  get folder(): string {
    return this.#folder
  }

  /** Begins with an empty folder. */
  renew(): void {
    this.#parent = newFolder()
    // Some tests open the folder for other users.
    chmodSync(this.#parent, 0o711)
    // Alone in its parent: a configuration also looks for certificates beside its folder.
    this.#folder = join(this.#parent, 'lab')
    mkdirSync(this.#folder)
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name)
    writeFileSync(file, text)
    return file
  }

  /** Removes the folder now: for tests that create very many. */
  remove(): void {
    rmSync(this.#parent, { recursive: true, force: true })
  }

  /**
   * Runs `sealpost ARGS` to its end: in this process, which saves most of the time, or in its own process if the command
   * runs until a signal or needs a terminal.
   */
  run(args: readonly string[], options: RunOptions = {}): Promise<SealpostResult> {
    return needsProcess(args) ? this.runProcess(args, options) : this.runHere(args, options)
  }

  /** Runs `sealpost ARGS` in this process. Also for `start` if it fails before it opens ports. */
  runHere(args: readonly string[], options: RunOptions = {}): Promise<SealpostResult> {
    const result = lastRun.then(() => this.#runHere(args, options))
    lastRun = result.catch(() => {})
    return result
  }

  /** Runs `sealpost ARGS` to its end in its own process. */
  async runProcess(args: readonly string[], options: RunOptions = {}): Promise<SealpostResult> {
    const child = this.#spawn(args, options)
    const [stdout, stderr] = [gathered(child.stdout), gathered(child.stderr)]
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, stdout: stdout.join(''), stderr: stderr.join('') }
  }

  /** Starts `sealpost start --json ARGS` and waits until it is ready. */
  async start(args: readonly string[], options: RunOptions = {}): Promise<StartedLab> {
    const child = this.#spawn(['start', '--json', ...args], options)
    const lab = new StartedLab(child)
    await lab.ready
    return lab
  }

  /** Runs a command until it prints the line `ready`, stops it and returns the lines of its standard output. */
  async untilReady(args: readonly string[], options: RunOptions = {}): Promise<string[]> {
    const { stdout } = await this.untilReadyWithLog(args, options)
    return stdout.trimEnd().split('\n')
  }

  /** Runs a command until it prints the line `ready`, and stops it. */
  async untilReadyWithLog(args: readonly string[], options: RunOptions = {}): Promise<SealpostResult> {
    const child = this.#spawn(args, options)
    const closed = once(child, 'close')
    const [stdout, stderr] = [gathered(child.stdout), gathered(child.stderr)]
    child.stdout?.on('data', () => {
      if (/^ready$/m.test(stdout.join(''))) child.kill('SIGTERM')
    })
    const [status] = (await closed) as [number | null]
    return { status, stdout: stdout.join(''), stderr: stderr.join('') }
  }

  async #runHere(args: readonly string[], { cwd = this.folder, env = {}, input }: RunOptions): Promise<SealpostResult> {
    const before = { cwd: process.cwd(), env: { ...process.env }, exitCode: process.exitCode }
    const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)]
    const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor
    if (input !== undefined) {
      const given = Readable.from(input === '' ? [] : [Buffer.from(input)])
      Object.defineProperty(process, 'stdin', { ...stdin, get: () => given })
    }
    process.chdir(cwd)
    setEnvironment(this.environment(env))
    try {
      return { status: await program().runCommandLine(args), stdout: stdout.text(), stderr: stderr.text() }
    } finally {
      process.chdir(before.cwd)
      setEnvironment(before.env)
      process.exitCode = before.exitCode
      Object.defineProperty(process, 'stdin', stdin)
      stdout.restore()
      stderr.restore()
    }
  }

  #spawn(args: readonly string[], { cwd = this.folder, env = {}, openFiles }: RunOptions): ChildProcess {
    assertBuilt()
    const command = [process.execPath, mainFile, ...args]
    const limited =
      openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, ...command]
    return spawn(limited[0] as string, limited.slice(1), { cwd, env: this.environment(env) })
  }

  /** Returns the environment of a command. The folder separates test runs from each other and from the labs of the user. */
  environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SEALPOST|npm)_/.test(name)))
    const folders = { TMPDIR: this.folder, XDG_RUNTIME_DIR: '', XDG_DATA_HOME: join(this.folder, 'data') }
    return { ...clean, ...folders, ...env }
  }
}

/** Returns a workplace that is empty at the beginning of each test of the file. */
export function workplaceOfEach(): Workplace {
  const place = new Workplace()
  beforeEach(() => place.renew())
  return place
}

const needsProcess = (args: readonly string[]): boolean =>
  ['start', 'serve', 'wizard', '-f', '--follow', '--watch'].some((word) => args.includes(word))

/** Commands in this process share its working directory and environment, so they run one after the other. */
let lastRun: Promise<unknown> = Promise.resolve()

/** Changes variables in place: the system reads some of them, such as TMPDIR, without `process.env`. */
function setEnvironment(wanted: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in wanted)) delete process.env[name]
  Object.assign(process.env, wanted)
}

export interface Program {
  runCommandLine(args: readonly string[]): Promise<number>
}

/** Loads the compiled program. `require` keeps it out of vitest's module loader. */
export function program(): Program {
  assertBuilt()
  return createRequire(import.meta.url)(join(mainFile, '../program.js')) as Program
}

function assertBuilt(): void {
  if (!existsSync(mainFile)) throw new Error('run `npm run build` first')
}

/** Collects what is written to a stream until it is restored. */
function captured(stream: NodeJS.WriteStream): { text: () => string; restore: () => void } {
  const { write, isTTY } = stream
  const parts: Buffer[] = []
  stream.isTTY = false
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    parts.push(Buffer.from(chunk as string))
    for (const done of rest) if (typeof done === 'function') done()
    return true
  }) as typeof stream.write
  return {
    text: () => Buffer.concat(parts).toString('utf8'),
    restore: () => Object.assign(stream, { write, isTTY }),
  }
}

export interface ReadyEndpoint {
  readonly virtualServer: string
  readonly protocol: string
  readonly address: string
  readonly port?: number
  readonly tlsPort?: number
}

/** The line that `start --json` prints when every port answers. */
interface ReadyEvent {
  readonly event: string
  readonly endpoints: readonly ReadyEndpoint[]
  readonly administratorToken?: string
}

/** A lab that runs in its own process. */
export class StartedLab implements AsyncDisposable {
  readonly process: ChildProcess
  readonly ready: Promise<void>
  readonly stderr: string[]
  endpoints: readonly ReadyEndpoint[] = []
  event: ReadyEvent = { event: 'starting', endpoints: [] }

  constructor(child: ChildProcess) {
    this.process = child
    this.stderr = gathered(child.stderr)
    this.ready = this.#untilReady()
  }

  endpoint(protocol: string): ReadyEndpoint {
    const found = this.endpoints.find((one) => one.protocol === protocol)
    if (!found) throw new Error(`no ${protocol} virtual server`)
    return found
  }

  /** Waits for a text in the log. */
  async logged(text: string): Promise<void> {
    while (!this.stderr.join('').includes(text)) await once(this.process.stderr as NodeJS.EventEmitter, 'data')
  }

  /** Sends a signal. Resolves with the exit status. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode
    const exited = once(this.process, 'exit')
    this.process.kill(signal)
    const [status] = (await exited) as [number | null]
    return status
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM')
  }

  async #untilReady(): Promise<void> {
    for await (const line of createInterface({ input: this.process.stdout as NodeJS.ReadableStream })) {
      const event = JSON.parse(line) as ReadyEvent
      if (event.event !== 'ready') continue
      this.event = event
      this.endpoints = event.endpoints
      return
    }
    throw new Error(`sealpost ended before it was ready: ${this.stderr.join('')}`)
  }
}

function gathered(stream: NodeJS.ReadableStream | null): string[] {
  const parts: string[] = []
  stream?.setEncoding('utf8').on('data', (text: string) => parts.push(text))
  return parts
}
