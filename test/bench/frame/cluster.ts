import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Postgres } from '../../support/postgres.ts'
import type { NodeSettings } from '../programs/cluster-node.ts'
import { type Content, fill, numberText } from './cluster-content.ts'
import { ProcessTree } from './proc.ts'
import { forkServer } from './processes.ts'
import { deliver, END, greeted } from './smtp.ts'
import type { Target } from './types.ts'

/** CPU seconds that a lab has used so far. */
interface UsedCpu {
  readonly nodes: number
  readonly database: number
}

/** The nodes of a lab on one database, or one node on LMDB. */
export interface RunningLab extends AsyncDisposable {
  readonly nodes: readonly Target[]
  /** The cost of the last node's start, until it was ready. */
  readonly started: UsedCpu & { readonly seconds: number }
  used(): UsedCpu
}

let schemas = 0

/** Starts PostgreSQL, whose commits reach the disk. The nodes of all labs of a suite use it. */
export async function startDatabase() {
  const server = await Postgres.start({ fsync: true, settings: { shared_buffers: '512MB', max_wal_size: '4GB' } })
  const tree = new ProcessTree(server.pid)
  return {
    /** Fills the tables of a new lab, then starts its nodes. */
    async lab(count: number, content: Content): Promise<RunningLab> {
      const schema = `bench_${++schemas}`
      const start = (node: string): Promise<Target> => {
        const postgres = { url: server.url, schema, node }
        return forkServer('cluster-node', { postgres, accounts: content.accounts } satisfies NodeSettings)
      }
      const first = await start('first')
      await deliverFirst(first)
      await first.stop()
      await fill(server, schema, content)
      return startAll(count, start, () => tree.cpuSeconds())
    },
    /** Fills the tables of a new lab. Returns the function that starts a node with the API. */
    async filledLab(content: Content): Promise<() => Promise<Target>> {
      const schema = `bench_${++schemas}`
      let nodes = 0
      const start = (): Promise<Target> => {
        const postgres = { url: server.url, schema, node: `node${++nodes}` }
        return forkServer('cluster-node', { postgres, accounts: content.accounts, hasApi: true } satisfies NodeSettings)
      }
      const first = await start()
      await deliverFirst(first)
      await first.stop()
      await fill(server, schema, content)
      return start
    },
    async [Symbol.asyncDispose]() {
      tree.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}

export type BenchDatabase = Awaited<ReturnType<typeof startDatabase>>

/** Starts one node on LMDB, in a temporary folder. */
export async function startAlone({ accounts, messages, folders }: Content): Promise<RunningLab> {
  const lmdb = join(mkdtempSync(join(tmpdir(), 'sealpost-cluster-')), 'data')
  const filled = { messages, folders }
  const start = () => forkServer('cluster-node', { lmdb, accounts, filled } satisfies NodeSettings)
  return startAll(1, start, () => 0)
}

async function startAll(
  count: number,
  start: (node: string) => Promise<Target>,
  database: () => number,
): Promise<RunningLab> {
  const nodes: Target[] = []
  let started = { nodes: 0, database: 0, seconds: 0 }
  for (let i = 0; i < count; i++) {
    const [before, begun] = [database(), performance.now()]
    const node = await start(`node${i}`)
    const seconds = (performance.now() - begun) / 1000
    started = { nodes: node.cpuSeconds(), database: database() - before, seconds }
    nodes.push(node)
  }
  return {
    nodes,
    started,
    used: () => ({ nodes: nodes.reduce((sum, node) => sum + node.cpuSeconds(), 0), database: database() }),
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.stop()
    },
  }
}

/** Sends the message that all others of `user0` are copies of. */
async function deliverFirst({ host, smtpPort = 0 }: Target): Promise<void> {
  const wire = await greeted({ host, port: smtpPort })
  await deliver(wire, 'user0', mailNumbered(1))
  wire.close()
}

const mailNumbered = (number: number): Buffer =>
  Buffer.from(
    `${[
      'From: Alice <alice@lab.test>',
      'To: Bob <bob@lab.test>',
      `Subject: Message ${numberText(number)}`,
      'Date: Thu, 01 Jan 2026 00:00:00 +0000',
      `Message-ID: <${numberText(number)}@lab.test>`,
      '',
      ...Array.from(
        { length: 4 },
        () => 'The quick brown fox jumps over the lazy dog and runs on and on and on again.',
      ),
    ].join('\r\n')}\r\n${END}`,
    'latin1',
  )
