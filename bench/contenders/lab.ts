import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LabInput, Protocol } from '../../src/config/schema.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** For what a round brings in, however fast the machine is. */
const ROOM = '8GiB'

export interface LabSettings {
  readonly protocol: Protocol | 'all'
  /** The port of implicit TLS instead of the clear one. */
  readonly tls?: boolean
  /** What lies in the INBOX of `alice` (password `secret`), from uid 1. */
  readonly messages?: readonly Buffer[]
  /** What `store:` says; default `memory`. `lmdb` is a temporary folder. */
  readonly store?: 'memory' | 'lmdb'
  readonly newsgroups?: LabInput['newsgroups']
  /** More keys of the virtual server. */
  readonly server?: Partial<NonNullable<LabInput['virtualServers']>[number]>
}

/** Sealpost as `startLab()` gives it, in a process of its own. */
export const lab = ({ messages = [], store = 'memory', ...settings }: LabSettings): Contender => ({
  name: store === 'memory' ? 'Sealpost' : `Sealpost, ${store}`,
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    const seed = messages.map((raw, i) => {
      const file = join(folder, `${i}.eml`)
      writeFileSync(file, raw)
      return file
    })
    const target = await forkServer('lab', {
      ...settings,
      seed,
      store: store === 'memory' ? { memory: ROOM } : { lmdb: join(folder, 'data') },
    })
    const { reset, ...kept } = target
    return {
      ...kept,
      // What was seeded has to stay; what a workload brings has to go, or the last round would not be like the first.
      ...(messages.length === 0 && reset && { reset }),
      async stop() {
        await target.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})
