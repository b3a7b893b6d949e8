import { expect, it } from 'vitest'
import { createDirectory } from '../../src/accounts/directory/directory.ts'
import { SessionLog } from '../../src/core/sessions/log.ts'
import { systemClock } from '../../src/core/time/clock.ts'
import { MemoryStore } from '../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner } from '../../src/storage/store/folder.ts'
import { openInbox } from '../../src/storage/store/mailboxes.ts'
import { Call } from '../../src/testing/calls/call.ts'
import { startLab } from '../../src/testing/index.ts'
import { resolveForTests } from '../../src/testing/open-test-lab.ts'
import { Arrivals } from '../../src/testing/received/arrivals.ts'
import { DeliveredMail } from '../../src/testing/received/delivered-mail.ts'
import type { MessageFilter } from '../../src/testing/received/filter.ts'
import { openCertificateStore } from '../../src/tls/pki/certificate-store/store.ts'
import { storeOptions } from '../tls/pki/support.ts'

const soon = { timeout: 20 }

it('a wait without a recipient skips the other copies of a message that a wait has returned', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'to both' }, { to: ['alice', 'bob'] })
  expect((await lab.waitForMessage({ to: 'bob' })).user).toBe('bob')
  await expect(lab.waitForMessage({}, soon)).rejects.toThrow('no message with any content')
  expect((await lab.waitForMessage({ to: 'alice' })).user).toBe('alice')
})

it('a wait without a recipient returns a message to several recipients once and for all of them', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'to both' }, { to: ['alice', 'bob'] })
  expect((await lab.waitForMessage()).subject).toBe('to both')
  await expect(lab.waitForMessage({}, soon)).rejects.toThrow('no message with any content')
  await expect(lab.waitForMessage({ to: 'bob' }, soon)).rejects.toThrow('no message with to "bob"')
})

it('a copy that reaches another recipient later is returned to a wait for that recipient only', async () => {
  await using store = new MemoryStore({ clock: systemClock })
  const config = await resolveForTests({})
  const directory = createDirectory(config)
  const arrivals = await Arrivals.of(store, directory)
  await using certificateStore = await openCertificateStore(storeOptions('memory'))
  const sessionLog = new SessionLog(systemClock)
  const mailAuthentication = { check: async () => undefined }
  const mail = new DeliveredMail(arrivals, {
    config,
    store,
    directory,
    sessionLog,
    certificateStore,
    mailAuthentication,
  })
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => openInbox(store, accountOwner(user))))
  const envelope = { mailFrom: '', rcptTo: ['alice@lab.test', 'bob@lab.test'] }
  const raw = Buffer.from('Subject: to both\r\n\r\nhello\r\n')
  await store.append([{ raw, targets: [{ folderId: alice?.id ?? '' }], envelope }])
  const call = new Call('test', () => {})
  const take = async (filter: MessageFilter): Promise<string | undefined> =>
    (await mail.take(call, 1, filter, soon))[0]?.user
  expect(await take({})).toBe('alice')
  await store.copy(alice?.id ?? '', [1], bob?.id ?? '')
  await expect(take({})).rejects.toThrow('no message with any content')
  expect(await take({ to: 'bob' })).toBe('bob')
  arrivals.close()
})
