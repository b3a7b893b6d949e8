import { expect, it } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner, CAPTURED_OWNER, type Owner } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes, openCaptured, openInbox } from '../../../src/storage/store/mailboxes.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { TestClock } from '../../support/test-clock.ts'

const alice = accountOwner('alice')
const namesOf = async (store: MessageStore, owner: Owner): Promise<string[]> =>
  (await store.listFolders(owner)).map(({ name }) => name)

it('creates the mailboxes of an account once, with subscriptions, also for concurrent sessions', async () => {
  const store = new MemoryStore({ clock: new TestClock() })
  const opened = await Promise.all([openInbox(store, alice), ensureMailboxes(store, alice), openInbox(store, alice)])
  expect(opened[0]).toMatchObject({ owner: alice, name: 'INBOX' })
  expect(opened[2]).toEqual(opened[0])
  const names = ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash']
  expect(await namesOf(store, alice)).toEqual(names)
  expect(await store.subscriptions(alice)).toEqual(names)
  expect((await store.findFolder(alice, 'Junk'))?.specialUse).toBe('\\Junk')
})

it('does not create mailboxes again that the user deleted', async () => {
  const store = new MemoryStore({ clock: new TestClock() })
  const inbox = await openInbox(store, alice)
  await store.deleteFolder((await store.findFolder(alice, 'Sent'))?.id ?? '')
  await ensureMailboxes(store, alice)
  expect(await openInbox(store, alice)).toEqual(inbox)
  expect(await namesOf(store, alice)).not.toContain('Sent')
})

it('creates only one folder for the captured mail of a domain', async () => {
  const store = new MemoryStore({ clock: new TestClock() })
  const folder = await openCaptured(store, 'example.org')
  expect(folder).toMatchObject({ owner: CAPTURED_OWNER, name: 'example.org' })
  expect(await openCaptured(store, 'example.org')).toEqual(folder)
  expect(await namesOf(store, CAPTURED_OWNER)).toEqual(['example.org'])
  expect(await store.subscriptions(CAPTURED_OWNER)).toEqual([])
})

it('passes on any error except that the folder exists', async () => {
  const store = new MemoryStore({ clock: new TestClock() })
  await store[Symbol.asyncDispose]()
  await expect(openInbox(store, alice)).rejects.toMatchObject({ code: 'closed' })
})
