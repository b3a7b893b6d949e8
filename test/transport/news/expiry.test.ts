import { expect, test } from 'vitest'
import { applyRetention } from '../../../src/storage/store/retention.ts'
import { startLab } from '../../../src/testing/index.ts'
import { startNewsLab } from '../../support/news-lab.ts'

const HOUR_MS = 3_600_000

test('deletes articles by age and by count, keeps their Message-IDs known, and never reuses numbers', async () => {
  await using lab = await startNewsLab({
    newsgroups: [
      { name: 'lab.old', keep: { age: '2h' } },
      { name: 'lab.many', keep: { count: 3 } },
      { name: 'lab.all' },
    ],
  })
  for (let n = 1; n <= 5; n++) {
    await lab.post(`Message-ID: <${n}@a>\nNewsgroups: lab.old,lab.many,lab.all`)
    lab.clock.ms += HOUR_MS / 2
  }
  lab.clock.ms += 1
  expect(await applyRetention(lab.store, [], lab.clock.now())).toBe(4)
  await lab.play(`
    C: GROUP lab.old
    S: 211 3 3 5 *
    C: GROUP lab.many
    S: 211 3 3 5 *
    C: GROUP lab.all
    S: 211 5 1 5 *
  `)
  lab.clock.ms += 10 * HOUR_MS
  expect(await applyRetention(lab.store, [], lab.clock.now())).toBe(3)
  await lab.play('C: GROUP lab.old\nS: 211 0 6 5 *')
  await expect(lab.post('Message-ID: <1@a>\nNewsgroups: lab.old')).rejects.toThrow(/known/)
  await lab.post('Message-ID: <6@a>\nNewsgroups: lab.old')
  await lab.play('C: GROUP lab.old\nS: 211 1 6 6 *')
})

test('a group with keep.count is trimmed soon after articles arrive', async () => {
  await using lab = await startLab({
    news: { groups: [{ name: 'lab.many', keep: { count: 3 }, addresses: ['many@lab.test'] }] },
  })
  for (let n = 1; n <= 5; n++) {
    await lab.deliver({ from: 'alice@lab.test', subject: `article ${n}`, text: 'x' }, { to: 'many@lab.test' })
  }
  const numbers = async (): Promise<number[]> => (await lab.articles('lab.many')).map(({ number }) => number)
  await expect.poll(numbers, { timeout: 10_000 }).toEqual([3, 4, 5])
})
