import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CutLink } from './cut-link.ts'
import { HttpCaller } from './http-caller.ts'
import { ImapClient } from './imap-client.ts'
import { LineClient } from './line-client.ts'
import { freshDatabase } from './postgres.ts'
import { type StartedLab, Workplace } from './sealpost.ts'
import { SmtpSender } from './smtp-sender.ts'

/** The part of the YAML after `store` and `cluster`. */
export const CLUSTER_LAB = `certificates: { key: p256 }
directory:
  accounts: [{ user: alice, password: secret }, { user: bob, password: geheim }]
access:
  administrators: [alice]
news:
  groups: [{ name: lab.general }, { name: lab.test }]
virtualServers:
  - { name: mail, protocol: smtp, port: 0 }
  - { name: imap, protocol: imap4, port: 0, tlsPort: 0 }
  - { name: pop, protocol: pop3, port: 0, tlsPort: off }
  - { name: news, protocol: nntp, port: 0, tlsPort: off }
  - { name: api, protocol: http, port: 0, tlsPort: off }
`

interface ClusterOptions {
  /** Default: 2. */
  readonly nodes?: number
  /** The rest of the YAML. Default: `CLUSTER_LAB`. */
  readonly config?: string
  /** Default: the server that the tests of this worker share. */
  readonly url?: string
  /** The URL of a node that does not reach the database at `url`. */
  readonly urlOf?: (node: number) => string | undefined
  /** More environment variables of a node. */
  readonly envOf?: (node: number) => Readonly<Record<string, string>>
  /** More words after `sealpost start`. */
  readonly args?: readonly string[]
}

/** Ports that clients connect to. */
export abstract class Entrance {
  abstract port(protocol: string): number

  imap(user = 'alice', password = user === 'alice' ? 'secret' : 'geheim'): Promise<ImapClient> {
    return ImapClient.open(this.port('imap4'), user, password)
  }

  smtp(): Promise<SmtpSender> {
    return SmtpSender.open(this.port('smtp'))
  }

  /** Connects a client and reads the greeting. */
  client(protocol: 'pop3' | 'nntp' | 'smtp'): Promise<LineClient> {
    return LineClient.greeted(this.port(protocol))
  }
}

/** A node: a process of `sealpost start` in a folder of its own, as on a machine of its own. */
export class ClusterNode extends Entrance implements AsyncDisposable {
  readonly place = new Workplace()
  readonly #start: () => Promise<StartedLab>
  #lab: StartedLab | undefined

  constructor(name: string, yaml: string, env: Readonly<Record<string, string>>, args: readonly string[]) {
    super()
    const folder = join(this.place.folder, name)
    mkdirSync(folder)
    this.place.write(join(name, 'lab.yaml'), yaml)
    const words = ['--config', 'lab.yaml', '--log-level', 'info', ...args]
    this.#start = () => this.place.start(words, { cwd: folder, env })
  }

  get lab(): StartedLab {
    if (!this.#lab) throw new Error('the node is not started')
    return this.#lab
  }

  get pid(): number {
    return this.lab.process.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#lab !== undefined && this.#lab.process.exitCode === null && this.#lab.process.signalCode === null
  }

  get log(): string {
    return this.#lab?.stderr.join('') ?? ''
  }

  /** Starts its process, also again after `kill` or `end`: then on other ports. */
  async start(): Promise<void> {
    this.#lab = await this.#start()
  }

  port(protocol: string): number {
    return this.lab.endpoint(protocol).port ?? 0
  }

  /** The HTTP API, called by an administrator. */
  get http(): HttpCaller {
    return new HttpCaller(this.port('http'))
  }

  /** Delivers a message by SMTP. */
  async deliver(raw: string, to = 'alice@lab.test'): Promise<void> {
    const sender = await this.smtp()
    const reply = await sender.send(raw, { to: [to] })
    sender.close()
    if (!reply.startsWith('250 ')) throw new Error(reply)
  }

  /** Ends the process as a crash does. */
  kill(): Promise<number | null> {
    return this.lab.end('SIGKILL')
  }

  /** Ends the process in order. */
  end(): Promise<number | null> {
    return this.lab.end('SIGTERM')
  }

  /** Stops the process from running, as a machine that hangs. */
  pause(): void {
    this.lab.process.kill('SIGSTOP')
  }

  resume(): void {
    this.lab.process.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lab) {
      this.resume()
      const killed = setTimeout(() => this.#lab?.process.kill('SIGKILL'), 30_000)
      await this.end()
      clearTimeout(killed)
    }
    this.place.remove()
  }
}

/** Nodes that serve one lab from one PostgreSQL schema. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[]
  readonly url: string
  readonly schema: string

  private constructor(url: string, schema: string, nodes: readonly ClusterNode[]) {
    this.url = url
    this.schema = schema
    this.nodes = nodes
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { url, schema } = { ...(await freshDatabase(options.url)) }
    const yaml = (at: string): string =>
      `store: { postgres: '${at}' }\ncluster: { name: ${schema} }\n${options.config ?? CLUSTER_LAB}`
    const nodes = Array.from({ length: options.nodes ?? 2 }, (_, i) => {
      const env = options.envOf?.(i) ?? {}
      return new ClusterNode(`node${i}`, yaml(options.urlOf?.(i) ?? url), env, options.args ?? [])
    })
    const cluster = new Cluster(url, schema, nodes)
    try {
      // At the same time: the first one makes the tables, and the others wait for it.
      await Promise.all(nodes.map((node) => node.start()))
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  get a(): ClusterNode {
    return this.#node(0)
  }

  get b(): ClusterNode {
    return this.#node(1)
  }

  get c(): ClusterNode {
    return this.#node(2)
  }

  /** The log of every node, for the message of a failed test. */
  get logs(): string {
    return this.nodes.map((node, i) => `node ${i}:\n${node.log}`).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
  }

  #node(index: number): ClusterNode {
    const node = this.nodes[index]
    if (!node) throw new Error(`the cluster has ${this.nodes.length} nodes`)
    return node
  }
}

/** Leads each connection to the next node that runs, as a balancer with health checks does. */
export class Balancer extends Entrance implements AsyncDisposable {
  readonly #links = new Map<string, CutLink>()

  static async open({ nodes }: Cluster, protocols: readonly string[]): Promise<Balancer> {
    const balancer = new Balancer()
    let turn = 0
    for (const protocol of protocols) {
      const next = (): number => {
        const running = nodes.filter(({ isRunning }) => isRunning)
        return running[turn++ % running.length]?.port(protocol) ?? 0
      }
      balancer.#links.set(protocol, await CutLink.open(next))
    }
    return balancer
  }

  port(protocol: string): number {
    return this.#links.get(protocol)?.port ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links.values()) await link[Symbol.asyncDispose]()
  }
}

/** Runs a test with a cluster, and prints the logs of its nodes if it fails. */
export async function withCluster(options: ClusterOptions, test: (cluster: Cluster) => Promise<void>): Promise<void> {
  await using cluster = await Cluster.start(options)
  try {
    await test(cluster)
  } catch (error) {
    console.error(cluster.logs.slice(-20_000))
    throw error
  }
}
