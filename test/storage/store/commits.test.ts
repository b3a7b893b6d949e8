import type { RootDatabase } from 'lmdb'
import { expect, test } from 'vitest'
import { Arrivals } from '../../../src/core/time/arrivals.ts'
import { Commits } from '../../../src/storage/store/engines/lmdb/commits.ts'
import type { Space } from '../../../src/storage/store/engines/lmdb/space.ts'
import { Writes } from '../../../src/storage/store/engines/lmdb/writes.ts'

/** The part of an environment that commits use. Every write succeeds. */
const env = {
  childTransaction: async (work: () => unknown) => work(),
  transactionSync: (work: () => unknown) => work(),
  getWriteTxnId: () => 1,
} as unknown as RootDatabase
const space = { prepare: async () => 0, admit: () => {}, explain: (error: Error) => error } as unknown as Space

interface Steps {
  durable?: () => void
  apply?: () => void
  lost?: () => void
}

function commitsWith(
  { durable = () => {}, apply = () => {}, lost = () => {} }: Steps,
  arrivals = new Arrivals(),
  wait?: { readonly least: number; readonly most: number },
): Commits<string, Draft> {
  return new Commits<string, Draft>(
    { env, writes: new Writes() },
    space,
    arrivals,
    {
      changeSet: () => new Draft(),
      durable,
      apply,
      reopen: () => {},
      lost,
    },
    wait,
  )
}

class Draft {
  writes = 0
  #effects = ['written']
  takeEffects(): readonly string[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
  finish(): void {}
}

const write = (draft: Draft): string => {
  draft.writes++
  return 'done'
}

test.each(['durable', 'apply'] as const)(
  'an operation is rejected if its effects cannot be applied (%s)',
  async (step) => {
    let broken = true
    let reloads = 0
    const commits = commitsWith({
      [step]: () => {
        if (broken) throw new Error('too many read transactions')
      },
      lost: () => reloads++,
    })
    await expect(commits.run(write)).rejects.toThrow('too many read transactions')
    expect(reloads).toBe(1)
    broken = false
    expect(await commits.run(write)).toBe('done')
    expect(reloads).toBe(1)
    await commits.end()
  },
)

test('nothing is written until the state in memory could be read again', async () => {
  let broken = true
  let written = 0
  const fail = (): void => {
    if (broken) throw new Error('the tables cannot be read')
  }
  const commits = commitsWith({ durable: fail, lost: fail })
  const count = (draft: Draft): string => {
    written++
    return write(draft)
  }
  await expect(commits.run(count)).rejects.toThrow('the tables cannot be read')
  await expect(commits.run(count)).rejects.toThrow('the tables cannot be read')
  expect(written).toBe(1)
  broken = false
  expect(await commits.run(count)).toBe('done')
  expect(written).toBe(2)
  await commits.end()
})

/** Longer than any test runs. */
const FOREVER = { least: 3_600_000, most: 3_600_000 }

test('a message that is arriving joins the transaction of the earlier ones', async () => {
  let transactions = 0
  const arrivals = new Arrivals()
  const commits = commitsWith({ durable: () => transactions++ }, arrivals, FOREVER)
  const [second, third] = [arrivals.begin(), arrivals.begin()]
  const stored = [commits.run(write)]
  await turns()
  arrivals.end(second)
  stored.push(commits.run(write))
  await turns()
  arrivals.end(third)
  stored.push(commits.run(write))
  expect(await Promise.all(stored)).toEqual(['done', 'done', 'done'])
  expect(transactions).toBe(1)
  await commits.end()
})

test('a message that begins when another one ends is waited for, too', async () => {
  let transactions = 0
  const arrivals = new Arrivals()
  const commits = commitsWith({ durable: () => transactions++ }, arrivals, FOREVER)
  const second = arrivals.begin()
  const stored = [commits.run(write)]
  await turns()
  arrivals.end(second)
  const third = arrivals.begin()
  await turns()
  expect(transactions).toBe(0)
  arrivals.end(third)
  await Promise.all(stored)
  expect(transactions).toBe(1)
  await commits.end()
})

test('a message that does not arrive is waited for once', async () => {
  const arrivals = new Arrivals()
  const commits = commitsWith({}, arrivals)
  const stopped = arrivals.begin()
  expect(arrivals.waitsFor(stopped)).toBe(true)
  expect(await commits.run(write)).toBe('done')
  expect(arrivals.waitsFor(stopped)).toBe(false)
  // Nothing is left to wait for, and its end does not count as the end of another message.
  expect(arrivals.wait(FOREVER.most)).toBeUndefined()
  const next = arrivals.begin()
  arrivals.end(stopped)
  expect(arrivals.waitsFor(next)).toBe(true)
  expect(arrivals.wait(FOREVER.most)).toBeInstanceOf(Promise)
  arrivals.end(next)
  expect(arrivals.wait(FOREVER.most)).toBeUndefined()
  await commits.end()
})

/** Lets everything run that needs no time. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}
