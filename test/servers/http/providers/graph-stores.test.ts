import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/folder.ts'
import { freshDatabase, needsPostgres } from '../../../support/postgres.ts'
import { bearer, HttpLab, type RequestOptions } from '../client.ts'

const lab = {
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' as const }, { protocol: 'http' as const, providers: ['graph' as const] }],
}
const ask = async (http: HttpLab, path: string, options: RequestOptions = {}) => {
  const headers = bearer(await http.lab.accessToken({ user: 'alice' }))
  const target = path.startsWith('http') ? new URL(path).pathname + new URL(path).search : `/graph/v1.0/me/${path}`
  return (await http.request(target, { ...options, headers })).body
}
const send = (http: HttpLab, subject: string, to = 'alice') =>
  http.lab.deliver(`From: bob@lab.test\r\nTo: ${to}@lab.test\r\nSubject: ${subject}\r\n\r\nHello\r\n`, { to })
const subjectsOf = ({ value }: { readonly value: readonly { readonly subject?: string }[] }) =>
  value.map(({ subject }) => subject ?? 'removed')

describe('the store on disk', () => {
  it('keeps ids and the states of deltas over a restart', async () => {
    const store = { lmdb: newFolder() }
    let state = ''
    let id = ''
    {
      await using http = await HttpLab.start({ ...lab, store })
      for (const name of ['one', 'two']) await send(http, name)
      const { value, '@odata.deltaLink': link } = await ask(http, 'mailFolders/inbox/messages/delta')
      id = value[0].id
      state = link
    }
    {
      await using http = await HttpLab.start({ ...lab, store })
      expect((await ask(http, `messages/${id}`)).subject).toBe('one')
      await ask(http, `messages/${id}/permanentDelete`, { method: 'POST', json: {} })
      await send(http, 'three')
      expect(subjectsOf(await ask(http, state))).toEqual(['three', 'removed'])
      expect(subjectsOf(await ask(http, 'messages'))).toEqual(['three', 'two'])
    }
  })
})

describe.skipIf(!needsPostgres())('two nodes', { timeout: 120_000 }, () => {
  it('show the same mail, page by page, filtered and ordered', async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start({ ...lab, store: { postgres: url, pool: 4 }, cluster: { name: schema, node } })
    await using first = await start('one')
    await using second = await start('two')
    for (const name of ['b', 'c', 'a', 'd']) await send(first, name)
    await send(first, 'other', 'bob')
    const page = await ask(second, 'messages?$top=3&$count=true')
    expect([subjectsOf(page), page['@odata.count']]).toEqual([['d', 'a', 'c'], 4])
    expect(subjectsOf(await ask(first, page['@odata.nextLink']))).toEqual(['b'])
    const [{ id }] = page.value
    await ask(second, `messages/${id}`, { method: 'PATCH', json: { isRead: true, flag: { flagStatus: 'flagged' } } })
    const filters = {
      'isRead eq true': ['d'],
      "isRead eq 'true'": ['d'],
      'isRead ne true': ['a', 'c', 'b'],
      "subject eq 'a' or subject eq 'b'": ['a', 'b'],
      'receivedDateTime ge 2000-01-01T00:00:00Z and isRead eq false': ['a', 'c', 'b'],
      'receivedDateTime lt 2000-01-01T00:00:00Z': [],
    }
    for (const [filter, expected] of Object.entries(filters)) {
      const found = await ask(first, `mailFolders/inbox/messages?$filter=${encodeURIComponent(filter)}`)
      expect([filter, subjectsOf(found)]).toEqual([filter, expected])
    }
    expect(subjectsOf(await ask(first, 'messages?$orderby=subject'))).toEqual(['a', 'b', 'c', 'd'])
    expect(subjectsOf(await ask(first, 'messages?$search="subject:d"'))).toEqual(['d'])
    const { '@odata.deltaLink': state } = await ask(first, 'mailFolders/inbox/messages/delta')
    await ask(second, `messages/${id}/move`, { json: { destinationId: 'archive' } })
    await send(second, 'new')
    expect(subjectsOf(await ask(first, state))).toEqual(['new', 'removed'])
    expect((await ask(first, 'mailFolders/archive')).totalItemCount).toBe(1)
    const token = (state: object) => Buffer.from(JSON.stringify(state)).toString('base64url')
    const last = { values: [], savedAt: 1, folderId: 'F', uid: 1 }
    for (const change of [{ savedAt: 'x' }, { savedAt: 1e300 }, { uid: 0.5 }, { uid: -1 }, { folderId: '\0' }])
      expect(await ask(first, `messages?$skiptoken=${token({ ...last, ...change })}`)).toMatchObject({
        error: { code: 'BadRequest' },
      })
    const known = JSON.parse(Buffer.from(new URL(state).searchParams.get('$deltatoken') ?? '', 'base64url').toString())
    for (const change of [{ modSeq: 0.5 }, { modSeq: -1 }, { place: { modSeq: 1.5, uid: 0 } }, { modSeq: 1e15 }])
      expect(
        await ask(first, `mailFolders/inbox/messages/delta?$deltatoken=${token({ ...known, ...change })}`),
      ).toMatchObject({ error: { code: 'syncStateNotFound' } })
  })
})
