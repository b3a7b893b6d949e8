import pino from 'pino'
import { describe, expect, it, vi } from 'vitest'
import type { Caller } from '../../../src/api/caller.ts'
import { invoke } from '../../../src/api/invoke.ts'
import { queryConditions } from '../../../src/api/messages/find.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { OUTGOING_OWNER } from '../../../src/storage/store/folder.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'

const OWNER = { role: 'administrator', name: 'owner' } as const

async function labOnPostgres() {
  const { url, schema } = await freshDatabase()
  const accounts = ['alice', 'bob'].map((user) => ({ user, password: 'secret' }))
  const { lab: config } = loadObject(
    {
      hostname: 'lab.test',
      certificates: { key: 'p256' },
      store: { postgres: url, pool: 3 },
      cluster: { name: schema },
      directory: { accounts },
      virtualServers: [{ protocol: 'http', port: 0, tlsPort: 'off' }],
    },
    process.cwd(),
  )
  return createLab(config, { log: pino({ level: 'silent' }), clock: systemClock })
}

describe.skipIf(!needsPostgres())('the API of a node', () => {
  it('never reads all entries of a mailbox', async () => {
    await using lab = await labOnPostgres()
    await lab.deliver({ from: 'a@example.com', to: ['alice@lab.test'], raw: Buffer.from('Subject: x\r\n\r\nx\r\n') })
    const list = vi.spyOn(lab.store, 'list')
    const call = async (name: string, input: object = {}) =>
      // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape of the answer itself
      (await invoke(await lab.api(), OWNER, { name, input }, AbortSignal.timeout(60_000))) as any
    for (const name of ['cluster.get', 'accounts.list', 'folders.list', 'sessions.list', 'log.list', 'jobs.list'])
      await call(name)
    expect((await call('health.get')).store.messages).toBe(1)
    expect((await call('status.get')).messages).toBe(1)
    const [found] = (await call('messages.list')).items
    expect(found).toMatchObject({ subject: 'x' })
    expect(await call('messages.get', { id: found.id })).toMatchObject({ subject: 'x' })
    expect(await call('messages.update', { id: found.id, flagged: true })).toMatchObject({ flagged: true })
    expect(await call('messages.list', { query: 'is:flagged account:alice' })).toMatchObject({ total: 1, next: null })
    expect((await call('messages.list', { query: 'subject:x' })).items).toMatchObject([{ subject: 'x' }])
    expect((await call('messages.list', { threads: true })).items).toMatchObject([{ thread: { messages: 1 } }])
    expect((await call('messages.list', { distinct: true })).items).toMatchObject([{ copies: [{ id: found.id }] }])
    expect((await call('messages.thread', { id: found.id })).items).toMatchObject([{ subject: 'x' }])
    expect((await call('tags.list')).items).toEqual([])
    expect(await call('wait', { to: 'alice@lab.test', subject: 'x', timeout: '10s' })).toMatchObject({ id: found.id })
    await expect(call('wait', { to: 'alice@lab.test', timeout: '1ms' })).rejects.toMatchObject({
      more: { arrived: [{ subject: 'x' }] },
    })
    expect(await call('messages.deleteAll', { query: 'x' })).toEqual({ deleted: 1 })
    // The queue of outgoing mail reads itself.
    const isOfMail = (folderId: string): boolean => lab.store.folderOf(folderId)?.owner !== OUTGOING_OWNER
    expect(list.mock.calls.filter(([folderId]) => isOfMail(folderId))).toEqual([])
  })

  it('answers sizes, dates, ids and cursors that no number of the database holds', async () => {
    await using lab = await labOnPostgres()
    await lab.deliver({ from: 'a@example.com', to: ['alice@lab.test'], raw: Buffer.from('Subject: x\r\n\r\nx\r\n') })
    const call = async (name: string, input: object) =>
      // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape of the answer itself
      (await invoke(await lab.api(), OWNER, { name, input }, AbortSignal.timeout(60_000))) as any
    const huge = '9'.repeat(40)
    const totals = { [`larger:${huge}m`]: 0, [`smaller:${huge}m`]: 1, [`-larger:${huge}`]: 1, 'after:9999-12-31': 0 }
    for (const [query, total] of Object.entries(totals))
      expect([query, await call('messages.list', { query })]).toEqual([query, expect.objectContaining({ total })])
    const [{ id }] = (await call('messages.list', {})).items
    await expect(call('messages.get', { id: id.replace(/\d+$/, '9999999999') })).rejects.toMatchObject({ status: 404 })
    const place = { epoch: '', node: '', order: 0, id, at: 0 }
    const cursorAt = (wrong: object): string =>
      Buffer.from(JSON.stringify({ ...place, ...wrong })).toString('base64url')
    for (const wrong of [{ at: 1.5 }, { at: 1e30 }, { id: '' }, { id: 'no-uid' }])
      await expect(call('messages.list', { cursor: cursorAt(wrong) })).rejects.toMatchObject({ status: 400 })
    // A folder that does not exist is only a place in the order.
    for (const folder of ['-', 'no folder', `F${huge}`, `F${huge.repeat(40)}`])
      expect((await call('messages.list', { cursor: cursorAt({ id: `${folder}.1` }) })).items).toEqual([])
    expect((await call('messages.list', { offset: 1e15 })).items).toEqual([])
  })

  it('finds in the database what the index finds, page by page', async () => {
    await using lab = await labOnPostgres()
    const to = ['alice@lab.test', 'bob@lab.test', 'eve@elsewhere.example']
    for (let n = 0; n < 12; n++) {
      const raw = Buffer.from(`Subject: ${n}\r\n\r\n${'x'.repeat(100 * n)}\r\n`)
      await lab.deliver({ from: 'a@example.com', to: to.filter((_, i) => n % (i + 2) === 0 || n === 5), raw })
    }
    const api = await lab.api()
    const call = async (name: string, input: object = {}, caller: Caller = OWNER) =>
      // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape of the answer itself
      (await invoke(api, caller, { name, input }, AbortSignal.timeout(60_000))) as any
    const all = (await call('messages.list', { limit: 1_000 })).items as { id: string; receivedAt: string }[]
    const changes = [{ read: true }, { flagged: true }, { tags: ['Tag 1'] }, { flags: ['$Junk', '\\Answered'] }]
    for (const [at, { id }] of all.entries()) {
      const change = changes[at % 5]
      if (change) await call('messages.update', { id, ...change })
    }
    const queries = [
      {},
      ...['is:read', 'is:unread', 'is:flagged', '-is:flagged', 'is:tagged', '-is:tagged', 'larger:500', '-larger:500'],
      ...['smaller:0.5k', 'before:2001-01-01', 'after:2001-01-01', '-after:2001-01-01', 'is:read is:flagged'],
      ...['account:alice', '-account:ALICE is:unread', 'folder:inbox', 'captured:yes', '-captured:yes', 'articles:no'],
      { captured: false, account: 'bob' },
      { since: all[3]?.receivedAt },
    ].map((one) => (typeof one === 'string' ? { query: one } : one))
    const callers: Caller[] = [
      OWNER,
      { role: 'account', name: 'alice', seesCaptured: false },
      { role: 'account', name: 'bob' },
    ]
    const select = vi.spyOn(lab.store, 'select')
    for (const caller of callers) {
      for (const query of queries) {
        const wanted = (await api.views.find(caller, queryConditions(query))).map(({ id }) => id).sort()
        const ids: string[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await call('messages.list', { ...query, limit: 5, ...(cursor && { cursor }) }, caller)
          expect(page.total).toBe(wanted.length)
          ids.push(...page.items.map(({ id }: { id: string }) => id))
          cursor = page.next
        }
        expect({ query, ids: [...ids].sort() }).toEqual({ query, ids: wanted })
        expect(
          (await call('messages.list', { ...query, offset: 3 }, caller)).items.map(({ id }: { id: string }) => id),
        ).toEqual(ids.slice(3))
      }
    }
    expect(select.mock.calls.length).toBeGreaterThan(queries.length * callers.length)
  })
})
