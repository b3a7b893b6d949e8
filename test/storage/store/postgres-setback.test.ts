import { describe, expect, test } from 'vitest'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { CutLink } from '../../support/cut-link.ts'
import { freshDatabase, needsPostgres, Postgres } from '../../support/postgres.ts'
import { openNode, type StoreNode, until } from '../../support/store-nodes.ts'
import { alice, message } from '../contract/store-context.ts'

/** Returns each message as a node shows it: `UIDVALIDITY/UID text`. */
async function shown({ store }: StoreNode, name: string): Promise<string[]> {
  await store.refresh()
  const folder = (await store.findFolder(alice, name)) as Folder
  const entries = await store.list(folder.id)
  const texts = await Promise.all(entries.map(({ uid }) => store.read(folder.id, uid)))
  return entries.map(({ uid }, i) => `${folder.uidValidity}/${uid} ${texts[i]}`)
}

const textsOf = (found: readonly string[]): string[] => found.map((one) => one.replace(/^\S+ /, ''))

/** Appends messages, each with the folder as it is then. Those that are refused because of the loss are sent again. */
async function append({ store }: StoreNode, name: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    for (let tries = 0; ; tries++) {
      const folder = (await store.findFolder(alice, name)) as Folder
      const error = await store.append([message(text, folder)]).then(
        () => undefined,
        (cause: unknown) => cause,
      )
      if (!error) break
      if (tries > 20) throw error
    }
  }
}

/** Checks that no uid that a client has seen means another message now. */
function expectNoReuse(before: readonly string[], after: readonly string[]): void {
  const known = new Map(before.map((one) => one.split(' ') as [string, string]))
  for (const one of after) {
    const [id = '', text] = one.split(' ')
    expect(known.get(id) ?? text).toBe(text)
  }
}

describe.runIf(needsPostgres())('nodes whose database has lost changes', () => {
  test('after a replica without the last ones has taken over, agree and use no uid again', async () => {
    await using primary = await Postgres.start()
    await using replica = await primary.replica({ synchronous: false })
    let port = primary.port
    await using link = await CutLink.open(() => port)
    const place = { url: primary.urlAt(link.port), schema: 'lab' }
    await using a = await openNode(place, 'a')
    await using b = await openNode(place, 'b')
    for (const name of ['INBOX', 'quiet']) await a.store.createFolder(alice, name)
    for (const name of ['INBOX', 'quiet']) await append(a, name, ['one', 'two', 'three'])
    const [quiet] = [await shown(a, 'quiet')]
    for (const node of [a, b]) expect(textsOf(await shown(node, 'INBOX'))).toEqual(['one', 'two', 'three'])
    const [lsn] = (await primary.sql('select pg_current_wal_flush_lsn()')).split('\n')
    await until(async () => (await replica.sql(`select pg_last_wal_replay_lsn() >= '${lsn}'`)) === 't')
    // The replica receives nothing more.
    await replica.sql("alter system set primary_conninfo = ''", 'postgres')
    await replica.sql('select pg_reload_conf()', 'postgres')
    await until(async () => (await replica.sql('select count(*) from pg_stat_wal_receiver', 'postgres')) === '0')
    await append(a, 'INBOX', ['lost1', 'lost2', 'lost3', 'lost4', 'lost5'])
    const lostFolder = await a.store.createFolder(alice, 'lost')
    const before = await shown(b, 'INBOX')
    expect(textsOf(before)).toHaveLength(8)

    link.cut()
    await primary.stop('immediate')
    await replica.promote()
    await until(async () => (await replica.sql('select pg_is_in_recovery()')) === 'f')
    port = replica.port
    link.mend()
    await until(() => a.database.state === 'connected' && b.database.state === 'connected')
    await append(b, 'INBOX', ['new1', 'new2', 'new3', 'new4', 'new5'])
    const after = await shown(a, 'INBOX')
    expect(await shown(b, 'INBOX')).toEqual(after)
    expect(textsOf(after)).toEqual(['one', 'two', 'three', 'new1', 'new2', 'new3', 'new4', 'new5'])
    expectNoReuse(before, after)
    expect(await shown(a, 'quiet')).toEqual(quiet)
    for (const { store } of [a, b]) expect(await store.findFolder(alice, 'lost')).toBeUndefined()
    const created = await a.store.createFolder(alice, 'lost')
    expect(created.id).not.toBe(lostFolder.id)
    expect(created.uidValidity).toBeGreaterThan(lostFolder.uidValidity)
    await until(async () => (await b.store.findFolder(alice, 'lost'))?.id === created.id)
    expect([a, b].map(({ store }) => store.setback?.folders ?? 0).reduce((x, y) => x + y)).toBeGreaterThan(0)
  })

  test('because a backup was restored under them, agree and use no uid again', { timeout: 300_000 }, async () => {
    const place = await freshDatabase()
    await using a = await openNode(place, 'a')
    await using b = await openNode(place, 'b')
    await using c = await openNode(place, 'c')
    const nodes = [a, b, c]
    await a.store.createFolder(alice, 'INBOX')
    await append(a, 'INBOX', ['one', 'two', 'three'])
    const state = ['changes', 'entries', 'folders', 'lab', 'state', 'vanished', 'value_changes', 'history']
    for (const table of state) await a.database.query(`create table backup_${table} as table ${table}`)
    const replace = (copied: (table: string) => readonly [from: string, to: string]): Promise<void> =>
      a.database.transaction(async (transaction) => {
        for (const [from, to] of state.map(copied)) {
          await transaction.query(`delete from ${to}`)
          await transaction.query(`insert into ${to} select * from ${from}`)
        }
      })
    const wanted = ['one', 'two', 'three']
    for (let round = 0; round < 100; round++) {
      const [one, other, third] = [0, 1, 2].map((at) => nodes[(round + at) % 3]) as [StoreNode, StoreNode, StoreNode]
      await append(other, 'INBOX', ['lost1', 'lost2'])
      const before = await shown(one, 'INBOX')
      expect(textsOf(before)).toEqual([...wanted, 'lost1', 'lost2'])
      await replace((table) => [`backup_${table}`, table])
      await append(other, 'INBOX', [`new ${round}`])
      wanted.push(`new ${round}`)
      const after = await shown(one, 'INBOX')
      expect(textsOf(after)).toEqual(wanted)
      for (const node of [other, third]) expect(await shown(node, 'INBOX')).toEqual(after)
      expectNoReuse(before, after)
      await replace((table) => [table, `backup_${table}`])
    }
    expect(a.events.map(({ type }) => type)).toContain('folder-deleted')
  })
})
