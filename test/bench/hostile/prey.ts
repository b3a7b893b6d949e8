import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../frame/processes.ts'
import type { Latencies } from '../programs/noop-client.ts'

/** The ports of a lab: `smtp`, and `smtps` for the TLS port, and so on. */
type Ports = Readonly<Record<string, number>>

const program = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** The name of the file to which `busy-turns` writes. */
const TURNS = 'turns'

/** Lines of standard error that are kept. */
const LOG_LINES = 60

interface Endpoint {
  readonly protocol: string
  readonly port: number
  readonly tlsPort: number
}

export interface PreyOptions {
  /** Whether the lab accepts every name (`directory.mode: open`). */
  readonly isOpen?: boolean
  /** The limit of open files of the lab (`ulimit -n`). Default: this process's limit. */
  readonly openFiles?: number
  /** The limit of the heap (`node --max-old-space-size`). */
  readonly heapMiB?: number
  /** Whether the messages are in files. Default: in memory. */
  readonly isOnDisk?: boolean
}

/** A lab that is attacked: `sealpost start` with the default limits. */
export class Prey {
  readonly folder: string
  readonly ports: Ports
  /** The path of the authority's ACME resources. */
  readonly acmePath: string
  readonly #child: ChildProcess
  readonly #log: readonly string[]

  private constructor(
    child: ChildProcess,
    { folder, ports, authority, log }: { folder: string; ports: Ports; authority: string; log: readonly string[] },
  ) {
    this.#child = child
    this.#log = log
    this.folder = folder
    this.ports = ports
    this.acmePath = `/acme/${authority.toLowerCase().replaceAll(' ', '-')}`
  }

  static async start({ isOpen = false, openFiles, heapMiB, isOnDisk = false }: PreyOptions): Promise<Prey> {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    const acme = await freePort()
    writeFileSync(
      join(folder, 'lab.yaml'),
      configuration(isOpen ? 'open' : 'listed', acme, isOnDisk ? 'lmdb: mail' : 'memory: 256MiB'),
    )
    const command = [
      process.execPath,
      ...(heapMiB === undefined ? [] : [`--max-old-space-size=${heapMiB}`]),
      '--import',
      program('test/bench/programs/busy-turns.js'),
      program('src/cli/main.js'),
      'start',
      '--json',
      '--config',
      join(folder, 'lab.yaml'),
    ]
    const limited =
      openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, ...command]
    const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: '', BENCH_TURNS: join(folder, TURNS) }
    const child = spawn(limited[0] as string, limited.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let authority = ''
    const log: string[] = []
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      log.push(line)
      if (log.length > LOG_LINES) log.shift()
      authority ||= /"authority":"([^"]+)"/.exec(line)?.[1] ?? ''
    })
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const { endpoints } = JSON.parse(line) as { endpoints: readonly Endpoint[] }
      const ports = endpoints.flatMap(({ protocol, port, tlsPort }) => [
        [protocol, port],
        [`${protocol}s`, tlsPort],
      ])
      const found = Object.fromEntries([...ports, ['acme', acme]]) as Ports
      return new Prey(child, { folder, ports: found, authority, log })
    }
    throw new Error(`the lab ended before it was ready:\n${log.join('\n')}`)
  }

  /** The last lines of its standard error: why it ended, if it did. */
  get lastWords(): string {
    return this.#log.join('\n')
  }

  /** The exit status or the signal if the lab has ended. */
  get ended(): string | undefined {
    const { exitCode, signalCode } = this.#child
    return exitCode === null && signalCode === null ? undefined : `ended: ${exitCode ?? signalCode}`
  }

  /** Returns the highest resident memory so far, in octets. proc_pid_status(5). */
  peakOctets(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1')
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
    } catch {
      return Number.NaN
    }
  }

  /** Forgets the highest resident memory so far. proc_pid_clear_refs(5). */
  resetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5')
  }

  /** Returns the CPU time of the longest turn of the event loop since `sinceMs` (time of day), in milliseconds; 0 if all were short. */
  longestTurnMs(sinceMs: number): number {
    const file = join(this.folder, TURNS)
    const turns = existsSync(file) ? readFileSync(file, 'latin1').trimEnd().split('\n') : []
    const since = turns.map((line) => line.split(' ').map(Number)).filter(([at = 0]) => at >= sinceMs)
    return Math.max(0, ...since.map(([, ms = 0]) => ms))
  }

  /** Kills the lab: after some attacks an orderly end would take its time. */
  async kill(): Promise<void> {
    if (this.ended === undefined) {
      const exited = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exited
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The innocent client, in its own process, so that the attacker's work does not delay it. */
export class NoopClient {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(port: number): Promise<NoopClient> {
    const client = new NoopClient(
      fork(program('test/bench/programs/noop-client.js'), [String(port)], { stdio: 'inherit' }),
    )
    await once(client.#child, 'message')
    return client
  }

  /** Starts to send NOOPs. */
  begin(): void {
    this.#child.send('begin')
  }

  /** Returns the longest latency since the last call, in milliseconds, with those of NOOPs that are not answered yet. */
  async lap(): Promise<number> {
    this.#child.send('lap')
    const [longest] = (await once(this.#child, 'message')) as [number]
    return longest
  }

  /** Stops to send NOOPs. Returns the latencies once the last one is answered, or not answered for a long time. */
  async end(): Promise<Latencies> {
    this.#child.send('end')
    const [latencies] = (await once(this.#child, 'message')) as [Latencies]
    this.#child.kill()
    return latencies
  }
}

const configuration = (mode: string, acme: number, store: string): string => `
hostname: localhost
certificates: certs
store: { ${store} }
authorityService: { port: ${acme} }
directory:
  mode: ${mode}
  accounts: [{ user: alice, password: secret }, { user: bob, password: secret }]
newsgroups: [{ name: lab.general }]
virtualServers:
${['smtp', 'pop3', 'imap4', 'nntp'].map((protocol) => `  - { protocol: ${protocol}, port: 0, tlsPort: 0 }`).join('\n')}
  - { protocol: http, port: 0, tlsPort: off, providers: [graph, gmail] }
`
