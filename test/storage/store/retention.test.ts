import { expect, it } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { applyRetention } from '../../../src/storage/store/retention.ts'
import { startLab } from '../../../src/testing/index.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message } from '../contract/store-context.ts'

const newsgroup = { description: '', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const

it.each([
  ['by age', { folders: 'lab.*', keep: { age: 35_000 } }, [4, 5, 6]],
  ['by count', { folders: 'lab.*', keep: { count: 2 } }, [5, 6]],
  ['by size', { folders: 'lab.*', keep: { size: 35 } }, [4, 5, 6]],
  ['by all limits together', { folders: '*.general', keep: { age: 45_000, count: 3, size: 15 } }, [6]],
  ['not in other folders', { folders: 'lab', keep: { count: 1 } }, [1, 2, 3, 4, 5, 6]],
  ['nothing if no limit is exceeded', { folders: '*', keep: { age: 90_000, count: 9, size: 900 } }, [1, 2, 3, 4, 5, 6]],
  ['even the last message', { folders: '*', keep: { size: 5 } }, []],
])('deletes %s', async (_, rule, kept) => {
  const clock = new TestClock()
  const store = new MemoryStore({ clock })
  const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
  for (let i = 0; i < 6; i++) {
    await store.append([message('ten octets', group)])
    clock.ms += 10_000
  }
  expect(await applyRetention(store, [rule], clock.ms)).toBe(6 - kept.length)
  expect((await store.list(group.id)).map(({ uid }) => uid)).toEqual(kept)
})

it('is accepted in the configuration of a lab', async () => {
  await using lab = await startLab({ retention: [{ folders: 'INBOX', keep: { age: '1h' } }] })
  expect(lab.server('smtp').port).toBeGreaterThan(0)
  await expect(startLab({ retention: [{ folders: 'INBOX', keep: {} }] })).rejects.toThrow(
    /write an age, a count or a size/,
  )
})

it('applies a rule only to folders with a matching name', async () => {
  const clock = new TestClock()
  const store = new MemoryStore({ clock })
  const [inbox, archive] = [
    await store.createFolder(accountOwner('alice'), 'INBOX'),
    await store.createFolder(accountOwner('alice'), 'Archive/2025'),
  ]
  await store.append([message('a', inbox, archive), message('b', inbox, archive)])
  await applyRetention(store, [{ folders: 'Archive/*', keep: { count: 1 } }], clock.ms)
  expect([(await store.list(inbox.id)).length, (await store.list(archive.id)).length]).toEqual([2, 1])
})
