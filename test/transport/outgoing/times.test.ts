import { expect, it } from 'vitest'
import { connector as connectorSchema } from '../../../src/core/config/schema/connector.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { Item } from '../../../src/transport/outgoing/queue/item.ts'
import { nextAttempt } from '../../../src/transport/outgoing/queue/times.ts'

const MINUTE_MS = 60_000
const { schedule } = connectorSchema.parse({
  name: 'Out',
  smartHost: { host: 'host.test' },
  schedule: { retry: ['10m', '1h'], giveUpAfter: '4h' },
})

/** Returns the pause in minutes after an attempt that ended `now` after the message was queued. */
function pause(attempts: number, random: number, now = 0): number {
  const entry = { uid: 1, savedAt: 0 } as MessageEntry
  const transport = { connector: 'Out', destination: 'host.test:25', recipients: [] }
  const item = new Item(entry, transport, { attempts, recipients: [] })
  return (nextAttempt(item, schedule, now * MINUTE_MS, () => random) - now * MINUTE_MS) / MINUTE_MS
}

it('pauses are varied by a tenth, and the last one is repeated', () => {
  expect([0, 0.5, 1].map((random) => pause(1, random))).toEqual([9, 10, 11])
  expect([2, 3, 9].map((attempts) => pause(attempts, 0.5))).toEqual([60, 60, 60])
})

it('the last attempt is when the message is given up', () => {
  expect(pause(4, 1, 200)).toBe(40)
  expect(pause(4, 1, 300)).toBeCloseTo(1 / MINUTE_MS)
})
