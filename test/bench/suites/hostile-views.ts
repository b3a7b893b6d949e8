import { hostileBodies } from '../../hostile/bodies.ts'
import { Walker } from '../../hostile/walker.ts'
import type { BenchOptions, TableSuite } from '../frame/types.ts'
import { NoopClient, Prey } from '../hostile/prey.ts'

const HEAPS_MIB = [128, 256, 512]
const LARGE_OCTETS = 24 << 20

interface Look {
  readonly body: string
  readonly view: string
  readonly peakMiB: number
  readonly waitMs: number
  readonly turnMs: number
}

/** Opens every view of every body in a lab with a small heap, while another session sends NOOPs. */
async function looksOf(heapMiB: number, { only = '' }: BenchOptions): Promise<Look[]> {
  const looks: Look[] = []
  let body = ''
  const prey = await Prey.start({ heapMiB, isOnDisk: true })
  try {
    const client = await NoopClient.start(prey.ports.imap4 ?? 0)
    client.begin()
    const walker = new Walker(
      (protocol) => prey.ports[protocol],
      async (view, work) => {
        prey.resetPeak()
        await client.lap()
        const startedAt = Date.now()
        const done = await work()
        const waitMs = await client.lap()
        const turnMs = prey.longestTurnMs(startedAt)
        looks.push({ body, view, peakMiB: prey.peakOctets() / (1 << 20), waitMs, turnMs })
        return done
      },
    )
    for (const [name, raw] of Object.entries(hostileBodies(LARGE_OCTETS))) {
      if (!name.includes(only)) continue
      body = name
      const failed = await walker.walk(await walker.deliver(raw))
      const ofBody = looks.filter((look) => look.body === body)
      console.error(
        `  ${heapMiB} MiB: ${Object.values(worst(body, ofBody, 'view'))
          .slice(1)
          .join(', ')}, ${failed}`,
      )
    }
    await client.end()
  } catch (error) {
    console.error(`  ${heapMiB} MiB: ${body}: the lab ${prey.ended ?? 'runs'}\n${prey.lastWords}`)
    throw error
  } finally {
    await prey.kill()
  }
  return looks
}

/** Returns a row with the worst figures of some looks, and where they were. */
function worst(name: string, looks: readonly Look[], where: 'body' | 'view'): Record<string, string> {
  const most = (figure: 'peakMiB' | 'waitMs' | 'turnMs'): string => {
    const found = looks.reduce((a, b) => (b[figure] > a[figure] ? b : a))
    return `${found[figure].toFixed(0)}: ${found[where]}`
  }
  return {
    name,
    'peak memory (MiB)': most('peakMiB'),
    'longest wait (ms)': most('waitMs'),
    'longest turn (CPU ms)': most('turnMs'),
  }
}

const grouped = (looks: readonly Look[], by: 'body' | 'view'): [string, Look[]][] =>
  [...new Set(looks.map((look) => look[by]))].map((name) => [name, looks.filter((look) => look[by] === name)])

/** Measures memory, and what another session notices, while every view of each hostile message is opened. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'Views of hostile messages of 24 MiB, with a NOOP of another IMAP4 session every 5 ms',
  async measure(options) {
    const rows: Record<string, string>[] = []
    for (const heapMiB of HEAPS_MIB) {
      const looks = await looksOf(heapMiB, options)
      const heap = { 'heap (MiB)': String(heapMiB) }
      for (const [name, some] of grouped(looks, 'body')) rows.push({ ...heap, ...worst(name, some, 'view') })
      for (const [name, some] of grouped(looks, 'view')) rows.push({ ...heap, ...worst(name, some, 'body') })
    }
    return rows
  },
}
