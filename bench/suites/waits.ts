import { startLab } from '../../src/testing/index.ts'
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

const deliverAll = async (lab: Awaited<ReturnType<typeof startLab>>, count: number, isOne: boolean): Promise<void> => {
  for (let n = 0; n < count; n++) await lab.deliver({ subject: `number ${n}.` }, isOne ? 'user' : `user${n}@lab.test`)
}

/** Returns the CPU time of one wait in microseconds, with as many messages as waits. */
async function costOf({ filter, isEarly }: Way, count: number, isOne: boolean): Promise<number> {
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
  const options = { timeout: 600_000 }
  const waitAll = () => Array.from({ length: count }, (_, n) => lab.waitForMessage(filter(n), options))
  if (!isEarly) await deliverAll(lab, count, isOne)
  const before = process.cpuUsage()
  const waits = isEarly ? waitAll() : []
  if (isEarly) await deliverAll(lab, count, isOne)
  if (isEarly) await Promise.all(waits)
  else for (let n = 0; n < count; n++) await lab.waitForMessage(filter(n), options)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Measures whether a wait costs the same with many messages as with few. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'Waits of the test library: CPU time of one wait, in microseconds',
  async measure() {
    const rows = []
    for (const [name, way] of Object.entries(ways)) {
      const costs: Record<string, string> = {}
      for (const count of [10, 100, 1_000, 10_000]) {
        costs[`${count} waits`] = (await costOf(way, count, name === 'all to one recipient')).toFixed(0)
      }
      rows.push({ way: name, ...costs })
    }
    return rows
  },
}
