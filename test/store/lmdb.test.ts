import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect } from 'vitest'
import { checkStore, openLmdbStore } from '../../src/store/lmdb/open.ts'
import { storeContract } from '../contract/store.ts'

const log = pino({ level: 'silent' })

storeContract('LmdbStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-store-'))
  return {
    open: (clock) => openLmdbStore(folder, { clock, log }),
    cleanUp: async () => {
      // After every test the tables must agree with each other.
      const { faults } = await checkStore(folder, log)
      rmSync(folder, { recursive: true, force: true })
      expect(faults).toEqual([])
    },
  }
})
