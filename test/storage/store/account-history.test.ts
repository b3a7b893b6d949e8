import { expect, it } from 'vitest'
import { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { openFolder } from '../../../src/storage/store/mailboxes.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { AccountHistory } from '../../../src/storage/store/views/account-history.ts'

const [alice, bob] = [accountOwner('alice'), accountOwner('bob')]

it('counts the memory of histories, drops the one that was used first, and reads its account again', async () => {
  const store = new MemoryStore({ clock: systemClock })
  const put = async (owner: typeof alice, count: number): Promise<void> => {
    const { id: folderId } = await openFolder(store, owner, 'INBOX')
    for (let index = 0; index < count; index++) {
      const raw = Buffer.from(`Subject: ${owner} ${index} ${Math.random()}\r\n\r\nx\r\n`)
      await store.append([{ raw, internalDate: 0, targets: [{ folderId, flags: [] }] }])
    }
  }
  const memory = new MemoryBudget()
  await put(alice, 20)
  await put(bob, 30)
  const first = await AccountHistory.of(store, alice, memory)
  const ofAlice = memory.usage.caches
  await AccountHistory.of(store, bob, memory)
  const ofBob = memory.usage.caches - ofAlice
  expect([ofAlice > 0, ofBob / ofAlice]).toEqual([true, 1.5])
  await put(bob, 10)
  expect(memory.usage.caches).toBe(3 * ofAlice)
  memory.limits = { totalOctets: Number.POSITIVE_INFINITY, heapOctets: 2.5 * ofAlice }
  expect(memory.usage.caches).toBe(2 * ofAlice)
  // Whoever still has it sees new mail; it is counted no more.
  await put(alice, 1)
  expect([first.mails.size, memory.usage.caches]).toEqual([21, 2 * ofAlice])
  memory.limits = { totalOctets: Number.POSITIVE_INFINITY, heapOctets: Number.POSITIVE_INFINITY }
  const second = await AccountHistory.of(store, alice, memory)
  expect([second === first, second.mails.size, second.last]).toEqual([false, 21, first.last])
  await put(alice, 1)
  const again = await AccountHistory.of(store, alice, memory)
  const steps: unknown[] = []
  for await (const step of again.stepsAfter(second.last - 1)) steps.push(step)
  expect(steps).toMatchObject([[second.last, { changes: [{ after: { flags: [] }, threadId: expect.any(String) }] }]])
})

it('records all changes of a folder that a store tells of in another order: new messages first', async () => {
  const inner = new MemoryStore({ clock: systemClock })
  const { id: folderId } = await openFolder(inner, alice, 'INBOX')
  const put = (text: string) => inner.append([{ raw: Buffer.from(`\r\n${text}\r\n`), targets: [{ folderId }] }])
  const [old] = await put('old')
  const events: StoreEvent[] = []
  inner.watch((event) => events.push(event))
  let tell: (event: StoreEvent) => void = () => undefined
  // As a node on a database hears of what another node has changed.
  const store = new Proxy<MessageStore>(inner, {
    get: (target, name) => {
      if (name === 'watch') return (listener: typeof tell) => (tell = listener) && (() => undefined)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const history = await AccountHistory.of(store, alice, new MemoryBudget())
  const before = history.last
  await inner.expunge(folderId, [old?.entry.uid ?? 0])
  await put('new')
  for (const event of events.splice(0).reverse()) tell(event)
  await AccountHistory.of(store, alice, new MemoryBudget())
  const kinds: unknown[] = []
  for await (const [, step] of history.stepsAfter(before))
    kinds.push(...(step?.changes ?? []).map(({ after }) => (after ? 'created' : 'destroyed')))
  expect(kinds).toEqual(['destroyed', 'created'])
})

it('records a command that changes many messages in parts, so that clients need not begin again', async () => {
  const store = new MemoryStore({ clock: systemClock })
  const folder = await openFolder(store, alice, 'INBOX')
  const targets = [{ folderId: folder.id }]
  const stored = await store.append(
    Array.from({ length: 2_500 }, (_, index) => ({ raw: Buffer.from(`\r\n${index}\r\n`), targets })),
  )
  const history = await AccountHistory.of(store, alice, new MemoryBudget())
  const before = history.last
  const told: number[] = []
  history.listeners.set('test', (_, number) => told.push(number))
  await store.setFlags(
    folder.id,
    stored.map(({ entry }) => entry.uid),
    { mode: 'add', flags: ['\\Seen'] },
  )
  await store.deleteFolder(folder.id)
  await history.settled()
  const steps: unknown[] = []
  const ids = new Set<string>()
  for await (const [, step] of history.stepsAfter(before)) {
    steps.push([step?.changes.length, step?.folder?.type])
    for (const { id } of step?.changes ?? []) ids.add(id)
  }
  const parts = [1_000, 1_000, 500]
  expect(steps).toEqual([
    ...parts.map((count) => [count, undefined]),
    ...[
      [1_000, undefined],
      [1_000, undefined],
      [500, 'destroyed'],
    ],
  ])
  expect(ids.size).toBe(2_500)
  expect(told).toEqual(steps.map((_, index) => before + 1 + index))
  expect(history.mails.size).toBe(0)
})
