import { expect, test } from 'vitest'
import { HeldMessages } from '../../../src/api/messages/held-messages.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { TestClock } from '../../support/test-clock.ts'
import { alice, message } from '../contract/store-context.ts'

test('changes while the index of all messages is read are neither lost nor repeated', async () => {
  const store = new MemoryStore({ clock: new TestClock() })
  const inbox = await store.createFolder(alice, 'INBOX')
  const other = await store.createFolder(alice, 'Other')
  const gone = await store.createFolder(alice, 'Gone')
  await store.append([message('flagged', inbox), message('deleted', inbox), message('moved', other)])
  const { list } = store
  store.list = async (folderId) => {
    const before = await list.call(store, folderId)
    if (folderId !== inbox.id) return before
    await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
    await store.expunge(inbox.id, [2])
    await store.append([message('new', inbox)])
    await store.renameFolder(other.id, 'Renamed')
    await store.deleteFolder(gone.id)
    return before
  }
  const index = new HeldMessages(store)
  const events: string[] = []
  index.watch(({ type, message: { folder, entry } }) => events.push(`${type} ${folder.name} ${entry?.uid}`))
  await index.begin()
  expect(events).toEqual(['changed INBOX 1', 'deleted INBOX 2', 'added INBOX 3'])
  const found = [...index.held()]
    .reverse()
    .map(({ folder, entry }) => `${folder.name} ${entry.uid} ${entry.flags.join()}`)
  expect(found).toEqual(['INBOX 3 ', 'Renamed 1 ', 'INBOX 1 \\Seen'])
  await store.append([message('later', inbox)])
  expect(events.at(-1)).toBe('added INBOX 4')
  index.close()
})
