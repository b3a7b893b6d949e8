import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command as `npm run build` made it. */
export const mainFile = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A folder of its own for a test: `lab.yaml` in it, control sockets and temporary files too. Removed by `remove`. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealpost-test-'))

  write(name: string, text: string): string {
    const file = join(this.folder, name)
    writeFileSync(file, text)
    return file
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs `sealpost ARGS` to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
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

  /** What a command prints up to the line `ready`; then it is told to end. */
  async untilReady(args: readonly string[], options: RunOptions = {}): Promise<string[]> {
    const child = this.#spawn(args, options)
    const exited = once(child, 'exit')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      lines.push(line)
      if (line === 'ready') child.kill('SIGTERM')
    }
    await exited
    return lines
  }

  #spawn(args: readonly string[], { cwd = this.folder, env = {} }: RunOptions): ChildProcess {
    if (!existsSync(mainFile)) throw new Error('npm run build first')
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SEALPOST_')))
    // The folder keeps runs of tests apart, and the user's own labs out.
    const places = { TMPDIR: this.folder, XDG_RUNTIME_DIR: '', XDG_DATA_HOME: join(this.folder, 'data') }
    return spawn(process.execPath, [mainFile, ...args], { cwd, env: { ...clean, ...places, ...env } })
  }
}

export interface ReadyEndpoint {
  readonly virtualServer: string
  readonly protocol: string
  readonly address: string
  readonly port?: number
  readonly tlsPort?: number
}

/** A lab that runs as a process of its own. */
export class StartedLab implements AsyncDisposable {
  readonly process: ChildProcess
  readonly ready: Promise<void>
  readonly stderr: string[]
  endpoints: readonly ReadyEndpoint[] = []

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

  /** Waits for a line of the log. */
  async logged(text: string): Promise<void> {
    while (!this.stderr.join('').includes(text)) await once(this.process.stderr as NodeJS.EventEmitter, 'data')
  }

  /** Sends a signal; resolves with the exit status. */
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
      const event = JSON.parse(line) as { event: string; endpoints: ReadyEndpoint[] }
      if (event.event !== 'ready') continue
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
