import { ImapFlow } from 'imapflow'
import { beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
})
const [alice, bob] = [new JmapClient(http), new JmapClient(http, 'bob')]
let imap: ImapFlow
beforeAll(async () => {
  imap = new ImapFlow({ ...http.lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
  await imap.connect()
  return () => imap.close()
})

// biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
type Json = any
const boxes = async (): Promise<Json[]> => (await alice.ask('Mailbox/get')).list
const boxWith = async (name: string): Promise<Json> => (await boxes()).find((box) => box.name === name)
/** Stores a message by IMAP. Returns its EMAILID. */
async function put(mailbox: string, subject: string, header = '', flags: string[] = []): Promise<string> {
  const raw = `Message-ID: <${subject}@lab.test>\r\nSubject: ${subject}\r\n${header}\r\n${subject}\r\n`
  const stored = await imap.append(mailbox, raw, flags)
  const lock = await imap.getMailboxLock(mailbox)
  try {
    return ((await imap.fetchOne(`${(stored as Json).uid}`, { uid: true }, { uid: true })) as Json).emailId
  } finally {
    lock.release()
  }
}
const stateOf = async (): Promise<string> => (await alice.ask('Mailbox/get', { ids: [] })).state
const changes = (sinceState: string, maxChanges?: number) => alice.ask('Mailbox/changes', { sinceState, maxChanges })

describe('Mailbox/get', () => {
  it('has the folders of IMAP with roles, order, rights and subscriptions', async () => {
    const found = await boxes()
    const rows = found.sort((a, b) => a.sortOrder - b.sortOrder).map(({ name, role }) => `${name} ${role}`)
    expect(rows).toEqual(['INBOX inbox', 'Drafts drafts', 'Sent sent', 'Archive archive', 'Junk junk', 'Trash trash'])
    expect(found.map(({ isSubscribed }) => isSubscribed)).toEqual(Array(6).fill(true))
    expect(found[0]).toMatchObject({ parentId: null, myRights: { mayReadItems: true, mayDelete: false } })
    expect(await alice.ask('Mailbox/get', { ids: ['x'], properties: ['name'] })).toMatchObject({
      list: [],
      notFound: ['x'],
    })
  })

  it('counts Emails and threads, the unread ones over all mailboxes, those in the trash apart', async () => {
    await imap.mailboxCreate('Counts')
    await put('Counts', 'c1', '', ['\\Seen'])
    await put('Counts', 'c2', 'References: <c1@lab.test>\r\n', ['\\Seen'])
    await put('Counts', 'c3', '', ['\\Draft'])
    await put('Counts', 'c4', '', ['\\Deleted'])
    const counts = async (name: string) => {
      const { totalEmails, unreadEmails, totalThreads, unreadThreads } = await boxWith(name)
      return [totalEmails, unreadEmails, totalThreads, unreadThreads]
    }
    expect(await counts('Counts')).toEqual([3, 0, 2, 0])
    await put('Trash', 'c5', 'References: <c1@lab.test>\r\n')
    expect([await counts('Counts'), await counts('Trash')]).toEqual([
      [3, 0, 2, 0],
      [1, 1, 1, 1],
    ])
    await put('Archive', 'c6', 'References: <c1@lab.test>\r\n')
    expect([await counts('Counts'), await counts('Archive')]).toEqual([
      [3, 0, 2, 1],
      [1, 1, 1, 1],
    ])
  })

  it('names the levels above, also those whose mailbox was deleted', async () => {
    await imap.mailboxCreate('Top/Middle/Low')
    expect(await boxWith('Low')).toMatchObject({ parentId: (await boxWith('Middle')).id })
    await imap.mailboxDelete('Top/Middle')
    expect(await boxWith('Middle/Low')).toMatchObject({ parentId: (await boxWith('Top')).id })
  })
})

describe('Mailbox/set', () => {
  it('creates, renames, moves and deletes mailboxes of IMAP, which keep their ids', async () => {
    const made = await alice.ask('Mailbox/set', {
      create: { a: { name: 'One', isSubscribed: true }, b: { name: 'Två', parentId: '#a', role: null } },
    })
    const { a, b } = made.created
    expect(b).toMatchObject({ totalEmails: 0, role: null, myRights: { mayRename: true } })
    const inImap = async () => (await imap.list()).map(({ path, subscribed }) => `${path}${subscribed ? ' +' : ''}`)
    expect(await inImap()).toEqual(expect.arrayContaining(['One +', 'One/Två']))
    await alice.ask('Mailbox/set', { update: { [b.id]: { isSubscribed: true } } })
    expect((await alice.ask('Mailbox/set', { update: { [a.id]: { name: 'Uno' } } })).updated).toEqual({ [a.id]: null })
    expect(await inImap()).toEqual(expect.arrayContaining(['Uno +', 'Uno/Två +']))
    await alice.ask('Mailbox/set', { update: { [b.id]: { parentId: null, role: 'important' } } })
    expect(await boxWith('Två')).toMatchObject({ id: b.id, parentId: null, role: 'important', isSubscribed: true })
    expect((await imap.list()).find(({ path }) => path === 'Två')?.flags).toContain('\\Important')
    expect((await alice.ask('Mailbox/set', { destroy: [a.id, b.id] })).destroyed).toEqual([a.id, b.id])
    expect((await inImap()).join()).not.toMatch(/Uno|Två/)
  })

  it('keeps the place that a client gives a mailbox', async () => {
    const { created } = await alice.ask('Mailbox/set', { create: { a: { name: 'First', sortOrder: 3 } } })
    const { id, sortOrder } = created.a
    expect(sortOrder).toBe(3)
    const { state } = await alice.ask('Mailbox/get', { ids: [] })
    await alice.ask('Mailbox/set', { update: { [id]: { sortOrder: 0 } } })
    expect(await alice.ask('Mailbox/changes', { sinceState: state })).toMatchObject({ updated: [id] })
    await alice.ask('Mailbox/set', { update: { [id]: { name: 'Renamed', role: 'important' } } })
    expect(await boxWith('Renamed')).toMatchObject({ sortOrder: 0, role: 'important' })
    const { ids } = await alice.ask('Mailbox/query', { sort: [{ property: 'sortOrder' }] })
    expect(ids[0]).toBe(id)
    const wrong = await alice.ask('Mailbox/set', { update: { [id]: { sortOrder: -1 } } })
    expect(wrong.notUpdated[id]).toMatchObject({ type: 'invalidProperties', properties: ['sortOrder'] })
    await alice.ask('Mailbox/set', { destroy: [id] })
  })

  it('refuses what is not valid, with the properties', async () => {
    const [inbox, trash] = [await boxWith('INBOX'), await boxWith('Trash')]
    const create = {
      taken: { name: 'Drafts' },
      slash: { name: 'a/b' },
      none: {},
      empty: { name: '' },
      shared: { name: 'Public Folders' },
      long: { name: 'ö'.repeat(300) },
      role: { name: 'x', role: 'trash' },
      unknown: { name: 'x', role: 'nothing' },
      parent: { name: 'x', parentId: 'nowhere' },
      count: { name: 'x', totalEmails: 1 },
      control: { name: 'a\u0000b' },
      type: { name: 'x', isSubscribed: 'yes' },
    }
    const { created, notCreated } = await alice.ask('Mailbox/set', { create })
    expect(created).toBe(null)
    expect(Object.entries<Json>(notCreated).map(([id, { type, properties }]) => `${id} ${type} ${properties}`)).toEqual(
      [
        ...['taken', 'slash', 'none', 'empty', 'shared', 'long'].map((id) => `${id} invalidProperties name`),
        ...['role', 'unknown'].map((id) => `${id} invalidProperties role`),
        ...['parent invalidProperties parentId', 'count invalidProperties totalEmails'],
        ...['control invalidProperties name', 'type invalidProperties isSubscribed'],
      ],
    )
    const { notUpdated, notDestroyed } = await alice.ask('Mailbox/set', {
      update: { [inbox.id]: { name: 'Other' }, [trash.id]: { parentId: trash.id }, x: { name: 'y' } },
      destroy: [inbox.id, 'y'],
    })
    const types = (errors: Json) => Object.values<Json>(errors).map(({ type }) => type)
    expect(types(notUpdated)).toEqual(['willDestroy', 'invalidProperties', 'notFound'])
    expect(types(notDestroyed)).toEqual(['forbidden', 'notFound'])
    expect((await bob.ask('Mailbox/set', { destroy: [trash.id] })).notDestroyed).toMatchObject({
      [trash.id]: { type: 'notFound' },
    })
  })

  it('destroys a mailbox with Emails only with onDestroyRemoveEmails, and none with mailboxes below', async () => {
    await imap.mailboxCreate('Full/Below')
    await put('Full', 'full')
    // A session whose mailbox is deleted ends.
    await imap.mailboxOpen('INBOX')
    const [full, below] = [await boxWith('Full'), await boxWith('Below')]
    const destroy = (ids: string[], more = {}) => alice.ask('Mailbox/set', { destroy: ids, ...more })
    expect((await destroy([full.id])).notDestroyed[full.id].type).toBe('mailboxHasChild')
    await destroy([below.id])
    expect((await destroy([full.id])).notDestroyed[full.id].type).toBe('mailboxHasEmail')
    expect((await destroy([full.id], { onDestroyRemoveEmails: true })).destroyed).toEqual([full.id])
  })
})

describe('Mailbox/changes', () => {
  it('tells the mailboxes whose counts changed, with the properties, also those of the thread', async () => {
    const id = await put('INBOX', 'm1', '', ['\\Seen'])
    expect(id).toBeTruthy()
    const since = await stateOf()
    await put('Archive', 'm2', 'References: <m1@lab.test>\r\n')
    const found = await changes(since)
    expect(new Set(found.updated)).toEqual(new Set([(await boxWith('INBOX')).id, (await boxWith('Archive')).id]))
    expect(found).toMatchObject({ created: [], destroyed: [], hasMoreChanges: false, newState: await stateOf() })
    expect(found.updatedProperties).toEqual(['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'])
    await imap.getMailboxLock('INBOX').then(async (lock) => {
      await imap.messageFlagsAdd('1:*', ['\\Flagged'])
      lock.release()
    })
    expect(await changes(found.newState)).toMatchObject({ updated: [], updatedProperties: null })
  })

  it('tells what IMAP creates, renames, subscribes to and deletes, in pages', async () => {
    const since = await stateOf()
    for (const name of ['P1', 'P2', 'P3']) await imap.mailboxCreate(name)
    const [p1, p2, p3] = [await boxWith('P1'), await boxWith('P2'), await boxWith('P3')]
    await imap.mailboxDelete('P1')
    await imap.mailboxRename('P2', 'P4')
    const page = await changes(since, 2)
    expect(page).toMatchObject({ created: [p2.id], destroyed: [], hasMoreChanges: true, updatedProperties: null })
    const next = await changes(page.newState)
    expect(next).toMatchObject({ created: [p3.id], updated: [p2.id], destroyed: [p1.id], hasMoreChanges: false })
    await imap.mailboxSubscribe('P4')
    const last = await changes(next.newState)
    expect(last).toMatchObject({ created: [], updated: [p2.id], destroyed: [], updatedProperties: null })
    expect(last.newState).toBe(await stateOf())
    for (const state of ['', 'x', '1', '5-7', `${Number.MAX_SAFE_INTEGER}`, `${Number(last.newState) + 5}`])
      expect((await changes(state)).type).toBe('cannotCalculateChanges')
  })
})

describe('Mailbox/query', () => {
  const names = async (args: object) => {
    const { ids } = await alice.ask('Mailbox/query', args)
    const found = await boxes()
    return (ids ?? []).map((id: string) => found.find((box) => box.id === id).name)
  }

  it('filters and sorts, as a tree too', async () => {
    await imap.mailboxCreate('Tree/a/deep')
    await imap.mailboxCreate('Tree/B')
    const tree = await boxWith('Tree')
    expect(await names({ filter: { parentId: tree.id } })).toEqual(['a', 'B'])
    expect(await names({ filter: { role: 'trash' } })).toEqual(['Trash'])
    expect(
      await names({ filter: { hasAnyRole: true }, sort: [{ property: 'sortOrder', isAscending: false }] }),
    ).toEqual([...['Trash', 'Junk', 'Archive', 'Sent', 'Drafts', 'INBOX']])
    const some = { operator: 'OR', conditions: [{ name: 'TREE' }, { name: 'deep' }, { parentId: tree.id }] }
    expect(await names({ filter: some, sortAsTree: true })).toEqual(['Tree', 'a', 'deep', 'B'])
    const not = { operator: 'AND', conditions: [some, { operator: 'NOT', conditions: [{ name: 'a' }] }] }
    expect(await names({ filter: not })).toEqual(['B', 'deep', 'Tree'])
    expect(await names({ filter: not, filterAsTree: true, sortAsTree: true })).toEqual(['Tree', 'B'])
  })

  it('refuses filters and sorts that do not exist', async () => {
    const type = async (args: object) => (await alice.ask('Mailbox/query', args)).type
    expect(await type({ filter: { size: 1 } })).toBe('unsupportedFilter')
    expect(await type({ filter: { hasAnyRole: 1 } })).toBe('invalidArguments')
    expect(await type({ sort: [{ property: 'size' }] })).toBe('unsupportedSort')
    expect(await type({ sort: [{ property: 'name', collation: 'i;none' }] })).toBe('unsupportedSort')
    expect(await type({ sortAsTree: 1 })).toBe('invalidArguments')
  })

  it('calculates changes of the results', async () => {
    const args = { filter: { isSubscribed: true }, sortAsTree: true }
    const old = await alice.ask('Mailbox/query', args)
    await imap.mailboxCreate('New/Below')
    await imap.mailboxSubscribe('New/Below')
    await imap.mailboxRename('New', 'Earlier')
    await imap.mailboxUnsubscribe('Junk')
    const { queryState: sinceQueryState } = old
    const { removed, added } = await alice.ask('Mailbox/queryChanges', { ...args, sinceQueryState })
    const ids = old.ids.filter((id: string) => !removed.includes(id))
    for (const { id, index } of added) ids.splice(index, 0, id)
    expect(ids).toEqual((await alice.ask('Mailbox/query', args)).ids)
  })
})

describe('Thread', () => {
  it('has the Emails in order of their arrival, whatever their mailbox', async () => {
    const [one, two] = [await put('INBOX', 't1'), await put('Sent', 't2', 'In-Reply-To: <t1@lab.test>\r\n')]
    const since = (await alice.ask('Thread/get', { ids: [] })).state
    const { list } = await alice.ask('Thread/get', { ids: null })
    const thread = list.find(({ emailIds }: Json) => emailIds.includes(one))
    expect(thread.emailIds).toEqual([one, two])
    const three = await put('Archive', 't3', 'References: <t1@lab.test>\r\n')
    const four = await put('Archive', 't4')
    const found = await alice.ask('Thread/changes', { sinceState: since })
    expect(found.updated).toEqual([thread.id])
    expect((await alice.ask('Thread/get', { ids: [thread.id, ...found.created] })).list).toEqual([
      { id: thread.id, emailIds: [one, two, three] },
      { id: found.created[0], emailIds: [four] },
    ])
    const lock = await imap.getMailboxLock('Archive')
    await imap.messageDelete('1:*')
    lock.release()
    const gone = await alice.ask('Thread/changes', { sinceState: found.newState })
    expect(gone.destroyed).toContain(found.created[0])
    expect(gone.updated).toContain(thread.id)
  })
})
