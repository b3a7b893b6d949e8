import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-ports.ts'
import { needs } from './programs.ts'
import { runProgram } from './run-program.ts'

const DEBIAN = '/usr/lib/postgresql'

/** The programs of the newest PostgreSQL that Debian's package installed. */
const bin = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'postgres')))
  : undefined

/** Returns whether PostgreSQL is installed, as `needs` does for programs. */
export const needsPostgres = (): boolean => bin !== undefined || needs('postgresql')

/** PostgreSQL refuses to run as root; under root it runs as `nobody`. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Read once: some tests change the variable while they run. */
const temporary = tmpdir()

const program = (name: string): string => join(bin ?? DEBIAN, name)

async function runAs(name: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program(name), args, { ...user, cwd: '/', env: environment(), stdio: ['pipe', 'pipe', 'pipe'] })
  const parts: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => parts.push(chunk))
  // A program that has failed reads nothing; its exit status tells.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [status] = (await once(child, 'close')) as [number | null]
  const output = Buffer.concat(parts).toString('utf8')
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${output}`)
  return output
}

/** Without the caller's PGHOST and the like. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TMPDIR: temporary })

/** A role without administrator rights, as managed services give their users, and its database. */
const FIRST_STATEMENTS = 'CREATE ROLE lab LOGIN;\nCREATE DATABASE lab OWNER lab;\n'

/** Returns a folder of `initdb`, made on first use: later instances are copies of it. */
async function pristine(walSegmentMebibytes: number): Promise<string> {
  const args = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions']
  args.push(`--wal-segsize=${walSegmentMebibytes}`)
  const key = createHash('sha256')
    .update(JSON.stringify([bin, user, args, FIRST_STATEMENTS]))
    .digest('hex')
  const caches = fileURLToPath(new URL('../../node_modules/.cache/sealpost-postgres', import.meta.url))
  const cache = join(caches, key.slice(0, 16))
  if (existsSync(cache)) return cache
  mkdirSync(caches, { recursive: true })
  const [folder, copy] = [newFolder(), mkdtempSync(join(caches, 'new-'))]
  try {
    await runAs('initdb', ['-D', join(folder, 'data'), ...args])
    await runAs('postgres', ['--single', '-D', join(folder, 'data'), 'postgres'], FIRST_STATEMENTS)
    await runProgram('cp', ['-a', join(folder, 'data'), copy])
    renameSync(join(copy, 'data'), cache)
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(cache)) throw error
  } finally {
    for (const one of [copy, folder]) rmSync(one, { recursive: true, force: true })
  }
  return cache
}

function newFolder(): string {
  const folder = mkdtempSync(join(temporary, 'sealpost-postgres-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  return folder
}

/**
 * Ends the server and removes its folder when the process of the tests is gone, however it ended. Reads the server's process
 * id from its standard input, whose end is the signal.
 */
const GUARD = `while read -r line; do pid=$line; done
if [ -n "$pid" ] && [ "$pid" != 0 ]; then
  kill -CONT "$pid"; kill -QUIT "$pid"
  while kill -0 "$pid"; do sleep 0.05; done
fi 2>/dev/null
[ -d "$0/disk" ] && umount --lazy "$0/disk" 2>/dev/null
rm -rf "$0"`

interface PostgresOptions {
  /** Whether commits reach the disk. Default: false, which survives everything except a crash of the machine. */
  readonly fsync?: boolean
  /** More settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Keeps files on a file system of this size in memory. Only root can mount it; see `canMount`. */
  readonly smallDisk?: {
    readonly mebibytes: number
    /** The tables of the database `lab`, or everything with the write-ahead log. At least 32 and 80 MiB. */
    readonly holds: 'tables' | 'everything'
  }
}

/** Debian's PostgreSQL in a temporary folder on a high port of loopback, with the database `lab` of the role `lab`. */
export class Postgres implements AsyncDisposable {
  readonly port: number
  readonly folder: string
  readonly #settings: Readonly<Record<string, string | number>>
  readonly #guard: ChildProcess
  #server: ChildProcess | undefined

  private constructor(folder: string, port: number, settings: Readonly<Record<string, string | number>>) {
    this.folder = folder
    this.port = port
    this.#settings = settings
    this.#guard = spawn('sh', ['-c', GUARD, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    this.#guard.unref()
    ;(this.#guard.stdin as Socket).unref()
  }

  static async start({ fsync = false, settings = {}, smallDisk }: PostgresOptions = {}): Promise<Postgres> {
    const template = await pristine(smallDisk ? 1 : 16)
    const durability = fsync ? {} : { fsync: 'off', full_page_writes: 'off' }
    const sizes = smallDisk?.holds === 'everything' ? { min_wal_size: '2MB', max_wal_size: '16MB' } : {}
    const folder = newFolder()
    const all = { ...durability, ...sizes, ...settings }
    const server = new Postgres(folder, await freePort(), all)
    try {
      if (smallDisk) await mount(server.disk, smallDisk.mebibytes)
      const data = smallDisk?.holds === 'everything' ? join(server.disk, 'data') : server.data
      await runProgram('cp', ['-a', template, data])
      if (data !== server.data) await runProgram('ln', ['-s', data, server.data])
      await server.restart()
      if (smallDisk?.holds === 'tables') {
        await server.sql(`CREATE TABLESPACE small LOCATION '${server.disk}'`, 'postgres')
        await server.sql('ALTER DATABASE lab SET TABLESPACE small', 'postgres')
        await server.sql('GRANT CREATE ON TABLESPACE small TO lab', 'postgres')
      }
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  /** The folder of the small file system. */
  get disk(): string {
    return join(this.folder, 'disk')
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  get url(): string {
    return this.urlAt(this.port)
  }

  /** Returns the URL of the database through a port that leads to it. */
  urlAt(port: number): string {
    return `postgres://lab@127.0.0.1:${port}/lab`
  }

  /** Process id of the postmaster; 0 if it is stopped. */
  get pid(): number {
    return this.#isRunning ? (this.#server?.pid ?? 0) : 0
  }

  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8')
  }

  /**
   * Ends the server: `fast` ends every connection in order, `immediate` is a crash that the next start recovers from.
   * Resolves when it has ended.
   */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (!this.#isRunning) return
    const ended = once(this.#server as ChildProcess, 'exit')
    // Nothing else may keep this process until then.
    this.#server?.ref()
    this.#server?.kill('SIGCONT')
    this.#server?.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
    this.#guardPid(0)
  }

  /** Starts the server again, after `stop('fast')` if it runs. Resolves when it accepts connections. */
  async restart(): Promise<void> {
    await this.stop()
    rmSync(join(this.data, 'postmaster.pid'), { force: true })
    const log = openSync(join(this.folder, 'log'), 'a')
    const settings = Object.entries({ ...this.#fixed(), ...this.#settings })
    const args = ['-D', this.data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const options = { ...user, cwd: '/', env: environment(), detached: true }
    this.#server = spawn(program('postgres'), args, { ...options, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#server.unref()
    this.#guardPid(this.#server.pid ?? 0)
    await this.#untilReady()
  }

  /** Stops the postmaster and its processes from running, as a machine that hangs: connections stay open and silent. */
  async pause(): Promise<void> {
    for (const pid of await this.#processes()) process.kill(pid, 'SIGSTOP')
  }

  async resume(): Promise<void> {
    for (const pid of await this.#processes()) process.kill(pid, 'SIGCONT')
  }

  /** Runs statements with psql, in the database of the role's name. Returns the rows, one a line, with `|` between columns. @throws on an error of SQL */
  async sql(statements: string, role: 'lab' | 'postgres' = 'lab'): Promise<string> {
    const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', statements, ...this.#connection(role)]
    return (await runAs('psql', args)).trimEnd()
  }

  /** Opens a connection that stays open, for transactions that compete with those of a lab. */
  session(role: 'lab' | 'postgres' = 'lab'): PsqlSession {
    return new PsqlSession(['-XAtq', ...this.#connection(role)])
  }

  /**
   * Starts a streaming replica. With `synchronous`, commits of this server wait for it, so that a failover loses nothing
   * that was acknowledged.
   */
  async replica({ synchronous = true } = {}): Promise<Postgres> {
    const replica = new Postgres(newFolder(), await freePort(), this.#settings)
    try {
      const source = `host=127.0.0.1 port=${this.port} user=postgres application_name=replica`
      await runAs('pg_basebackup', ['-D', replica.data, '-R', '-X', 'stream', '-c', 'fast', '-d', source, '--no-sync'])
      await replica.restart()
      if (synchronous) {
        await this.sql("ALTER SYSTEM SET synchronous_standby_names = 'replica'", 'postgres')
        await this.sql('SELECT pg_reload_conf()', 'postgres')
      }
    } catch (error) {
      await replica[Symbol.asyncDispose]()
      throw error
    }
    return replica
  }

  /** Makes a replica the primary. */
  async promote(): Promise<void> {
    await this.sql("ALTER SYSTEM SET synchronous_standby_names = ''", 'postgres')
    await this.sql('SELECT pg_reload_conf(), pg_promote()', 'postgres')
  }

  /** Fills the small file system to the last octet. */
  fillDisk(): void {
    const file = openSync(join(this.disk, 'ballast'), 'a')
    try {
      for (let size = 1 << 20; size >= 1; ) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          size >>= 1
        }
      }
    } finally {
      closeSync(file)
    }
  }

  /** Gives the space of `fillDisk` back. */
  freeDisk(): void {
    rmSync(join(this.disk, 'ballast'), { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resume().catch(() => {})
    await this.stop('immediate')
    const removed = once(this.#guard, 'exit')
    this.#guard.ref()
    this.#guard.stdin?.end()
    await removed
  }

  get #isRunning(): boolean {
    return this.#server !== undefined && this.#server.exitCode === null && this.#server.signalCode === null
  }

  #fixed(): Record<string, string | number> {
    return {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.folder,
      max_connections: 200,
      log_line_prefix: '%m [%p] ',
    }
  }

  #connection(role: string): string[] {
    return ['-h', '127.0.0.1', '-p', String(this.port), '-U', role, '-d', role]
  }

  #guardPid(pid: number): void {
    this.#guard.stdin?.write(`${pid}\n`)
  }

  async #processes(): Promise<number[]> {
    if (this.pid === 0) return []
    const { stdout } = await runProgram('ps', ['-o', 'pid=', '--ppid', String(this.pid)])
    return [this.pid, ...stdout.split('\n').map(Number)].filter((pid) => pid > 0)
  }

  async #untilReady(): Promise<void> {
    const file = join(this.data, 'postmaster.pid')
    for (let tries = 0; tries < 6_000; tries++) {
      if (!this.#isRunning) throw new Error(`postgres did not start: ${this.log}`)
      // The eighth line is the state.
      const state = existsSync(file) ? readFileSync(file, 'utf8').split('\n')[7]?.trim() : undefined
      if (state === 'ready' || state === 'standby') return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`postgres was not ready in time: ${this.log}`)
  }
}

/** A connection of psql that stays open. */
class PsqlSession implements AsyncDisposable {
  readonly #psql: ChildProcess
  #output = ''
  #count = 0
  #wake: () => void = () => {}

  constructor(args: readonly string[]) {
    const command = ['-c', 'exec "$0" "$@" 2>&1', program('psql'), ...args]
    this.#psql = spawn('sh', command, { ...user, cwd: '/', env: environment(), stdio: ['pipe', 'pipe', 'ignore'] })
    this.#psql.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#wake()
    })
    this.#psql.stdin?.on('error', () => {})
    this.#psql.on('exit', () => this.#wake())
  }

  /** Runs statements. Returns rows and errors as psql prints them. */
  async run(statements: string): Promise<string> {
    const mark = `done-${++this.#count}\n`
    this.#psql.stdin?.write(`${statements};\n\\echo ${mark}`)
    while (!this.#output.includes(mark)) {
      if (this.#psql.exitCode !== null) throw new Error(`psql ended: ${this.#output}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const [before = '', after = ''] = this.#output.split(mark)
    this.#output = after
    return before.trimEnd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#psql.exitCode !== null) return
    const ended = once(this.#psql, 'exit')
    this.#psql.stdin?.end()
    this.#psql.kill('SIGTERM')
    await ended
  }
}

async function mount(folder: string, mebibytes: number): Promise<void> {
  mkdirSync(folder)
  const owner = user.uid === undefined ? [] : [`uid=${user.uid}`, `gid=${user.gid}`]
  const options = [`size=${mebibytes}m`, 'mode=700', ...owner].join(',')
  const { status, stderr } = await runProgram('mount', ['-t', 'tmpfs', '-o', options, 'sealpost-test', folder])
  if (status !== 0) throw new Error(`mount: ${stderr}`)
}

/** Returns whether this process can mount the small file system of `smallDisk`; prints a word if not. */
export async function canMount(): Promise<boolean> {
  const parent = mkdtempSync(join(temporary, 'sealpost-mount-'))
  const folder = join(parent, 'disk')
  try {
    if (process.getuid?.() !== 0) throw new Error('not root')
    await mount(folder, 1)
    await runProgram('umount', [folder])
    return true
  } catch {
    console.warn('skipped, this process cannot mount a file system')
    return false
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

let shared: Promise<Postgres> | undefined

/** Returns the server that all tests of this worker share. It ends with the worker. Tests that break it start their own. */
export function sharedPostgres(): Promise<Postgres> {
  shared ??= Postgres.start()
  return shared
}

let schemas = 0

/** Returns the name of a schema that no other test uses. The lab creates it. */
export const freshSchema = (): string => `test_${process.pid}_${++schemas}`

/** Returns the URL of a server (default: the shared one) and a schema that no other test uses. */
export async function freshDatabase(url?: string): Promise<{ readonly url: string; readonly schema: string }> {
  return { url: url ?? (await sharedPostgres()).url, schema: freshSchema() }
}
