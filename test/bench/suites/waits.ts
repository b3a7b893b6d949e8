import { startLab } from '../../../src/testing/index.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import type { TableSuite } from '../frame/types.ts'

/** Each way of waiting: which message the nth wait waits for, and whether it begins before the message arrives. */
const ways = {
  'each to its own recipient': { filter: (n: number) => ({ to: `user${n}@lab.test` }), isEarly: false },
  'all to one recipient': { filter: () => ({ to: 'user' }), isEarly: false },
  'any message': { filter: () => ({}), isEarly: false },
  'by subject': { filter: (n: number) => ({ subject: `number ${n}.` }), isEarly: false },
  'each to its own recipient, before it arrives': {
    filter: (n: number) => ({ to: `user${n}@lab.test` }),
    isEarly: true,
  },
} as const

type Way = (typeof ways)[keyof typeof ways]
type Wait = (filter: object) => Promise<unknown>

/** The callers that wait: tests in the process of the lab, and clients of the HTTP API, whose requests count. */
const callers: Readonly<Record<string, { readonly atOnce: number; readonly waitOf: (lab: TestLab) => Wait }>> = {
  library: {
    atOnce: Number.POSITIVE_INFINITY,
    waitOf: (lab) => (filter) => lab.waitForMessage(filter, { timeout: 600_000 }),
  },
  HTTP: {
    // Each early wait has a connection.
    atOnce: 200,
    waitOf: (lab) => async (filter) => {
      const answer = await fetch(`http://127.0.0.1:${lab.server('http').port}/api/v1/wait`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...filter, timeout: '300s' }),
      })
      if (!answer.ok) throw new Error(await answer.text())
      await answer.json()
    },
  },
}

async function deliver(lab: TestLab, from: number, to: number, isOne: boolean): Promise<void> {
  for (let n = from; n < to; n++) await lab.deliver({ subject: `number ${n}.` }, isOne ? 'user' : `user${n}@lab.test`)
}

/** Returns the CPU time of one wait in microseconds, with as many messages as waits. */
async function costOf(caller: string, { filter, isEarly }: Way, count: number, isOne: boolean): Promise<number> {
  const { atOnce, waitOf } = callers[caller] as (typeof callers)[string]
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }] })
  const waitFor = waitOf(lab)
  if (!isEarly) await deliver(lab, 0, count, isOne)
  const before = process.cpuUsage()
  if (!isEarly) for (let n = 0; n < count; n++) await waitFor(filter(n))
  else
    for (let from = 0; from < count; from += atOnce) {
      const to = Math.min(count, from + atOnce)
      const waits = Array.from({ length: to - from }, (_, n) => waitFor(filter(from + n)))
      await deliver(lab, from, to, isOne)
      await Promise.all(waits)
    }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Measures whether a wait costs the same with many messages as with few. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'Waits of the test library and the HTTP API: CPU time of one wait, in microseconds',
  async measure() {
    const rows = []
    for (const caller of Object.keys(callers))
      for (const [name, way] of Object.entries(ways)) {
        const costs: Record<string, string> = {}
        for (const count of [10, 100, 1_000, 10_000]) {
          costs[`${count} waits`] = (await costOf(caller, way, count, name === 'all to one recipient')).toFixed(0)
        }
        rows.push({ caller, way: name, ...costs })
      }
    return rows
  },
}
