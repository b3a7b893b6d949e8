import type { RootDatabase } from 'lmdb'
import { expect, test } from 'vitest'
import { Commits } from '../../src/store/lmdb/commits.ts'
import type { Space } from '../../src/store/lmdb/space.ts'
import { Writes } from '../../src/store/lmdb/writes.ts'

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

function commitsWith({ durable = () => {}, apply = () => {}, lost = () => {} }: Steps): Commits<string, Draft> {
  return new Commits<string, Draft>({ env, writes: new Writes() }, space, {
    draft: () => new Draft(),
    durable,
    apply,
    reopen: () => {},
    lost,
  })
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
