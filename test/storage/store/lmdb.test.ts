import { rmSync } from 'node:fs'
import { expect } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { checkStore, openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { newFolder } from '../../support/folder.ts'
import { log } from '../../support/log.ts'
import { storeContract } from '../contract/store.ts'

storeContract(
  'LmdbStore',
  () => {
    const folder = newFolder()
    return { open: (clock) => openLmdbStore(folder, { clock, log }), cleanUp: () => checkAndRemove(folder) }
  },
  {
    async openAnother() {
      const folder = newFolder()
      const store = await openLmdbStore(folder, { clock: systemClock, log })
      const close = store[Symbol.asyncDispose].bind(store)
      return Object.assign(store, {
        async [Symbol.asyncDispose]() {
          await close()
          await checkAndRemove(folder)
        },
      })
    },
  },
)

/** After every test the tables must agree with each other. */
async function checkAndRemove(folder: string): Promise<void> {
  const { faults } = await checkStore(folder, log)
  rmSync(folder, { recursive: true, force: true })
  expect(faults).toEqual([])
}
