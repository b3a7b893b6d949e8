import type { RootDatabase } from 'lmdb'
import { expect, test } from 'vitest'
import { Commits } from '../../src/store/lmdb/commits.ts'

/** As much of an environment as commits use; what is written is always kept. */
const env = {
  childTransaction: async (work: () => unknown) => work(),
  getWriteTxnId: () => 1,
  getStats: () => ({ lastTxnId: 0 }),
} as unknown as RootDatabase

interface Steps {
  durable?: () => void
  apply?: () => void
  lost?: () => void
}

function commitsWith({ durable = () => {}, apply = () => {}, lost = () => {} }: Steps): Commits<string, Draft> {
  return new Commits<string, Draft>(env, { draft: () => new Draft(), durable, apply, lost })
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
  'where what was written cannot be shown (%s), nobody waits for ever',
  async (step) => {
    let broken = true
    let readAnew = 0
    const commits = commitsWith({
      [step]: () => {
        if (broken) throw new Error('no view of the tables is left')
      },
      lost: () => readAnew++,
    })
    await expect(commits.run(write)).rejects.toThrow('no view of the tables is left')
    expect(readAnew).toBe(1)
    broken = false
    expect(await commits.run(write)).toBe('done')
    expect(readAnew).toBe(1)
    await commits.end()
  },
)

test('nothing is written before what is in memory could be read anew', async () => {
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
