import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LineClient } from './line-client.ts'

const BIN = '/usr/lib/news/bin'

/** Returns whether Debian's inn2 is installed. @throws if it is missing in CI */
export function hasInn(): boolean {
  const found = existsSync(`${BIN}/innd`)
  if (!found && process.env.SEALPOST_CI === '1') throw new Error('inn2 is not installed')
  if (!found) console.warn('skipped, not installed: inn2')
  return found
}

/** A site that INN sends articles to, in clear text at a local port (a tunnel adds TLS). */
interface InnPeer {
  readonly name: string
  /** Its name in the Path field. */
  readonly identity: string
  readonly port: number
}

interface InnOptions {
  readonly pathHost: string
  readonly port: number
  readonly groups: readonly string[]
  readonly peers: readonly InnPeer[]
}

/** INN refuses to run as root; under root it runs as `news`. */
const user = process.getuid?.() === 0 ? 'news' : execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
const idOf = (option: '-u' | '-g'): number => Number(execFileSync('id', [option, user], { encoding: 'utf8' }))

/** Debian's news server in a temporary folder on a high port. Accepts articles from all local peers. */
export class Inn implements AsyncDisposable {
  readonly folder: string
  readonly #options: InnOptions
  readonly #ids = { uid: idOf('-u'), gid: idOf('-g') }
  #child: ChildProcess | undefined

  private constructor(options: InnOptions) {
    this.#options = options
    this.folder = mkdtempSync(join(tmpdir(), 'sealpost-inn-'))
    this.#prepare()
  }

  static async start(options: InnOptions): Promise<Inn> {
    const inn = new Inn(options)
    await inn.restart()
    return inn
  }

  get port(): number {
    return this.#options.port
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async restart(): Promise<void> {
    const args = ['-d', '-P', String(this.port)]
    // Its own process group, so that innfeed and the readers end with it.
    this.#child = spawn(`${BIN}/innd`, args, { ...this.#process(), stdio: 'ignore', detached: true })
    for (let tries = 0; ; tries++) {
      const client = await LineClient.open(this.port).catch(() => undefined)
      const greeting = await client?.line()
      client?.destroy()
      if (greeting?.startsWith('200')) return
      if (tries > 600) throw new Error(`innd did not start: ${greeting}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await closed
  }

  /** Opens a connection to INN's reader program. */
  async reader(): Promise<LineClient> {
    const client = await LineClient.greeted(this.port)
    client.send('MODE READER\r\n')
    const greeting = await client.line()
    if (!greeting?.startsWith('200')) throw new Error(`nnrpd: ${greeting}`)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }

  #process() {
    const env = { PATH: process.env.PATH, INNCONF: join(this.folder, 'etc/inn.conf') }
    return { ...(process.getuid?.() === 0 ? this.#ids : {}), env, cwd: this.folder }
  }

  #prepare(): void {
    const { folder } = this
    cpSync('/etc/news', join(folder, 'etc'), { recursive: true })
    for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true })
    for (const [name, text] of Object.entries(files(folder, this.#options))) writeFileSync(join(folder, name), text)
    if (process.getuid?.() === 0) this.#chown()
    execFileSync(`${BIN}/makedbz`, ['-i', '-o', '-f', join(folder, 'db/history')], this.#process())
  }

  #chown(): void {
    const { uid, gid } = this.#ids
    chownSync(this.folder, uid, gid)
    for (const name of readdirSync(this.folder, { recursive: true, encoding: 'utf8' })) {
      chownSync(join(this.folder, name), uid, gid)
    }
  }
}

const FOLDERS = ['db', 'log', 'run', 'tmp', 'http', 'spool/articles', 'spool/overview', 'spool/incoming/tmp'].concat([
  'spool/incoming/bad',
  'spool/outgoing',
  'spool/innfeed',
  'spool/archive',
])

function files(folder: string, { pathHost, port, groups, peers }: InnOptions): Record<string, string> {
  const active = ['control', 'control.cancel', 'junk'].map((name) => `${name} 0000000000 0000000001 n\n`)
  return {
    'etc/inn.conf': innConf(folder, pathHost, port),
    'etc/storage.conf': 'method tradspool {\n  newsgroups: *\n  class: 0\n}\n',
    'etc/incoming.conf':
      'streaming: true\nmax-connections: 50\npeer here {\n  hostname: "127.0.0.1"\n  patterns: "*"\n}\n',
    'etc/readers.conf':
      'auth all { hosts: "*" default: "<any>" }\naccess all { users: "*" newsgroups: "*" access: RPAN }\n',
    'etc/newsfeeds': [
      'ME:*::',
      ...peers.map(({ name, identity }) => `${name}/${identity}:*,!junk:Tm:innfeed!`),
      `innfeed!:!*:Tc,Wnm*:${BIN}/innfeed`,
      '',
    ].join('\n'),
    'etc/innfeed.conf': innfeedConf(folder, peers),
    'db/active': [...active, ...groups.map((name) => `${name} 0000000000 0000000001 y\n`)].join(''),
    'db/active.times': '',
    'db/newsgroups': '',
    'db/history': '',
  }
}

const innConf = (folder: string, pathHost: string, port: number): string => `mta: "/bin/true %s"
domain: ${pathHost}
pathhost: ${pathHost}
organization: Test
runasuser: ${user}
runasgroup: ${user}
ovmethod: tradindexed
hismethod: hisv6
artcutoff: 0
docancels: all
wipcheck: 1
wipexpire: 2
port: ${port}
nnrpdpostport: ${port}
maxartsize: 0
nnrpdloadlimit: 0
localmaxartsize: 0
doinnwatch: false
enableoverview: true
wireformat: true
pathnews: ${folder}
pathbin: ${BIN}
pathcontrol: ${BIN}/control
pathetc: ${folder}/etc
pathfilter: ${folder}/etc/filter
pathdb: ${folder}/db
pathlog: ${folder}/log
pathrun: ${folder}/run
pathtmp: ${folder}/tmp
pathhttp: ${folder}/http
pathspool: ${folder}/spool
patharticles: ${folder}/spool/articles
patharchive: ${folder}/spool/archive
pathoverview: ${folder}/spool/overview
pathincoming: ${folder}/spool/incoming
pathoutgoing: ${folder}/spool/outgoing
`

const innfeedConf = (folder: string, peers: readonly InnPeer[]): string => `news-spool: ${folder}/spool/articles
pid-file: innfeed.pid
log-file: innfeed.log
backlog-directory: innfeed
status-file: innfeed.status
initial-reconnect-time: 1
max-reconnect-time: 1
host-queue-highwater: 2000
backlog-highwater: 100
backlog-rotate-period: 2
backlog-ckpt-period: 2
backlog-newfile-period: 10
${peers
  .map(({ name, port }) => `peer ${name} {\n  ip-name: 127.0.0.1\n  port-number: ${port}\n  max-connections: 1\n}\n`)
  .join('')}`
