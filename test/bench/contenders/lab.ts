import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LabInput, ServerProtocol, VirtualServerInput } from '../../../src/core/config/schema.ts'
import { forkServer } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

/** Store limit, large enough for the messages that a workload keeps on a fast machine. */
const ROOM = '8GiB'

interface LabSettings {
  readonly protocol: ServerProtocol | 'all'
  /** Use the port of implicit TLS instead of the clear-text port. */
  readonly tls?: boolean
  /** Messages in the INBOX of `alice` (password `secret`), from uid 1. */
  readonly messages?: readonly Buffer[]
  /** The value of `store:`. Default: `memory`. `lmdb` uses a temporary folder. */
  readonly store?: 'memory' | 'lmdb'
  readonly newsgroups?: LabInput['newsgroups']
  /** Further keys of the virtual servers. */
  readonly server?: Partial<VirtualServerInput>
  readonly feeds?: NonNullable<VirtualServerInput['feeds']>
}

/** Sealpost as `startLab()` creates it, in its own process. */
export const lab = ({ messages = [], store = 'memory', ...settings }: LabSettings): Contender => ({
  name: store === 'memory' ? 'Sealpost' : `Sealpost, ${store}`,
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    for (const [i, raw] of messages.entries()) writeFileSync(join(folder, `${i}.eml`), raw)
    const target = await forkServer('lab', {
      ...settings,
      seed: { folder, count: messages.length },
      store: store === 'memory' ? { memory: ROOM } : { lmdb: join(folder, 'data') },
    })
    const { reset, ...kept } = target
    return {
      ...kept,
      ...(settings.protocol === 'http' && { api: 'sealpost' }),
      // Seeded messages stay. Messages of a workload are removed, so that all rounds start alike.
      ...(messages.length === 0 && reset && { reset }),
      async stop() {
        await target.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})
