import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Postgres } from '../../test/support/postgres.ts'
import type { NodeSettings } from '../programs/cluster-node.ts'
import { ProcessTree } from './proc.ts'
import { forkServer } from './processes.ts'
import type { Target } from './types.ts'

/** What a lab holds at the beginning. */
export type Content = Pick<NodeSettings, 'accounts' | 'messages' | 'folders'>

/** CPU seconds that a lab has used so far. */
export interface UsedCpu {
  readonly nodes: number
  readonly database: number
}

/** The nodes of a lab on one database, or one node on LMDB. */
export interface RunningLab extends AsyncDisposable {
  readonly nodes: readonly Target[]
  used(): UsedCpu
}

let schemas = 0

/** Starts PostgreSQL, whose commits reach the disk. The nodes of all labs of a suite use it. */
export async function startDatabase() {
  const server = await Postgres.start({ fsync: true, settings: { shared_buffers: '512MB', max_wal_size: '4GB' } })
  const tree = new ProcessTree(server.pid)
  return {
    /** Starts nodes that share the database. The first one fills it. */
    async lab(count: number, content: Content): Promise<RunningLab> {
      const schema = `bench_${++schemas}`
      const nodes: Target[] = []
      for (let i = 0; i < count; i++) {
        const postgres = { url: server.url, schema, node: `node${i}` }
        const more = i === 0 ? {} : { messages: 0, folders: 0 }
        nodes.push(await forkServer('cluster-node', { postgres, ...content, ...more } satisfies NodeSettings))
      }
      return running(nodes, () => tree.cpuSeconds())
    },
    async [Symbol.asyncDispose]() {
      tree.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}

export type BenchDatabase = Awaited<ReturnType<typeof startDatabase>>

/** Starts one node on LMDB, in a temporary folder. */
export async function startAlone(content: Content): Promise<RunningLab> {
  const lmdb = join(mkdtempSync(join(tmpdir(), 'sealpost-cluster-')), 'data')
  return running([await forkServer('cluster-node', { lmdb, ...content } satisfies NodeSettings)], () => 0)
}

const running = (nodes: readonly Target[], database: () => number): RunningLab => ({
  nodes,
  used: () => ({ nodes: nodes.reduce((sum, node) => sum + node.cpuSeconds(), 0), database: database() }),
  async [Symbol.asyncDispose]() {
    for (const node of nodes) await node.stop()
  },
})
