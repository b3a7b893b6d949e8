import { expect, test, vi } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { GmailStore } from '../../../src/storage/store/views/gmail/gmail-store.ts'
import { TestClock } from '../../support/test-clock.ts'

const owner = accountOwner('alice')

test('the view of all messages reads the mailboxes again after a failure', async () => {
  await using store = new MemoryStore({ clock: new TestClock() })
  const { id } = await store.createFolder(owner, 'INBOX')
  await store.append([{ raw: Buffer.from('Subject: x\r\n\r\nx\r\n'), targets: [{ folderId: id }] }])
  const view = new GmailStore(store, store, owner)
  const all = await view.findFolder(owner, '[Gmail]/All Mail')
  vi.spyOn(store, 'list').mockRejectedValueOnce(new StoreError('failed', 'The disk failed.'))
  await expect(view.status(all?.id ?? '')).rejects.toThrow('The disk failed.')
  expect(await view.status(all?.id ?? '')).toMatchObject({ exists: 1 })
})
