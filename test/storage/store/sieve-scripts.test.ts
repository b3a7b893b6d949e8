import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { newFolder } from '../../support/folder.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { openNode } from '../../support/store-nodes.ts'
import { TestClock } from '../../support/test-clock.ts'

const limits = { scripts: 32, scriptSize: 1000 }
const openIn = (folder: string) => openLmdbStore(folder, { clock: new TestClock(), log: pino({ level: 'silent' }) })
const scriptsIn = (store: MessageStore, user = 'alice') => new SieveScripts(store, { user }, limits)
const activeIn = async (store: MessageStore, user?: string): Promise<string | undefined> =>
  (await scriptsIn(store, user).active())?.content.toString()

async function fill(store: MessageStore): Promise<void> {
  const scripts = scriptsIn(store)
  await scripts.put('first', Buffer.from('keep;'))
  await scripts.put('second', Buffer.from('stop;'))
  await scripts.activate('second')
}

describe('Sieve scripts in a store on disk', () => {
  test('survive a restart, and are in a copy of the store', async () => {
    const [folder, other] = [join(newFolder(), 'data'), join(newFolder(), 'copy')]
    {
      await using store = await openIn(folder)
      await fill(store)
    }
    await using again = await openIn(folder)
    expect(await activeIn(again)).toBe('stop;')
    expect(await activeIn(again, 'bob')).toBeUndefined()
    await using copy = await openIn(other)
    await copy.restore(again.dump())
    expect(await activeIn(copy)).toBe('stop;')
    expect((await scriptsIn(copy).list()).map(({ name }) => name)).toEqual(['first', 'second'])
  })
})

describe.runIf(needsPostgres())('Sieve scripts in PostgreSQL', () => {
  test('run on another node once they are activated, survive a restart, and are in a copy', async () => {
    const place = await freshDatabase()
    await using copy = await openIn(join(newFolder(), 'copy'))
    {
      await using a = await openNode(place, 'a')
      await using b = await openNode(place, 'b')
      // The other node has looked before there was a script.
      expect(await activeIn(b.store)).toBeUndefined()
      await fill(a.store)
      // A node hears that an account has its first script.
      await expect.poll(() => activeIn(b.store)).toBe('stop;')
      await scriptsIn(b.store).activate('first')
      expect(await activeIn(a.store)).toBe('keep;')
      await scriptsIn(b.store).activate('')
      expect(await activeIn(a.store)).toBeUndefined()
      await scriptsIn(a.store).activate('second')
    }
    await using again = await openNode(place, 'a')
    expect(await activeIn(again.store)).toBe('stop;')
    await copy.restore(again.store.dump())
    expect(await activeIn(copy)).toBe('stop;')
  })
})
