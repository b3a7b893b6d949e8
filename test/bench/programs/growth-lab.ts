import { rmSync } from 'node:fs'
import { pino } from 'pino'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { accountOwner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes } from '../../../src/storage/store/mailboxes.ts'
import { openStore, type StoreSetting } from '../../../src/storage/store/open.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { ReaderStore } from '../../../src/storage/store/views/readers/reader-store.ts'
import { resolveForTests } from '../../../src/testing/open-test-lab.ts'
import { mailOf } from '../frame/mail.ts'

interface Settings {
  /** Folder of an LMDB store. Without it and without `postgres`: in memory. */
  readonly folder?: string
  /** URL of a PostgreSQL database, where the lab creates its tables. */
  readonly postgres?: string
  /** Messages in the INBOX of alice. */
  readonly messages: number
  /** Octets of a message. */
  readonly octets?: number
  /** Further folders of alice. */
  readonly folders: number
  /** Articles in the newsgroup bench.read. */
  readonly articles?: number
}

const BATCH = 500
/** How many messages are marked as seen in one change. */
const MARKED = 50_000
const {
  folder,
  postgres,
  messages,
  octets = 400,
  folders,
  articles = 0,
} = JSON.parse(process.argv[2] ?? '{}') as Settings
const log = pino({ level: 'silent' })
const setting: StoreSetting =
  postgres !== undefined ? { postgres } : folder === undefined ? { memory: 16 * 1024 ** 3 } : { lmdb: folder }
const database =
  postgres === undefined
    ? undefined
    : await openDatabase({ url: postgres, pool: 10, schema: `bench_${process.pid}`, node: 'bench' }, { log })
const alice = accountOwner('alice')
const bob = accountOwner('bob')

async function fill(store: MessageStore): Promise<void> {
  await ensureMailboxes(store, alice)
  const inbox = await store.findFolder(alice, 'INBOX')
  if (!inbox) throw new Error('alice has no INBOX')
  for (let at = 0; at < messages; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, messages - at) }, (_, i) => ({
      raw: mailOf(octets, at + i),
      targets: [{ folderId: inbox.id, flags: (at + i) % 3 === 0 ? ['\\Seen'] : [] }],
    }))
    await store.append(batch)
  }
  for (let at = 0; at < folders; at += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, folders - at) }, (_, i) => `f${at + i}`)
    await Promise.all(names.map((name) => store.createFolder(alice, name)))
  }
}

/** Lets bob read the INBOX of alice, and marks all messages as seen for him. */
async function share(store: MessageStore): Promise<void> {
  const inbox = await store.findFolder(alice, 'INBOX')
  if (!inbox) throw new Error('alice has no INBOX')
  await store.changeValues({ kind: 'acl' }, () => new Map([[inbox.id, Buffer.from('1')]]))
  await store.changeValues({ kind: 'acl', folderId: inbox.id }, () => new Map([['bob', Buffer.from('lrs')]]))
  const asBob = new ReaderStore(store, bob, (error) => {
    throw error
  })
  for (let uid = 1; uid <= messages; uid += MARKED) {
    const uids = Array.from({ length: Math.min(MARKED, messages + 1 - uid) }, (_, i) => uid + i)
    await asBob.setFlags(inbox.id, uids, { mode: 'add', flags: ['\\Seen'] })
  }
}

async function fillGroup(store: MessageStore): Promise<void> {
  const newsgroup = { description: '', posting: 'yes', createdAt: 0, createdBy: 'bench' } as const
  const { id: folderId } = await store.createFolder(PUBLIC_OWNER, 'bench.read', { newsgroup })
  for (let at = 0; at < articles; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, articles - at) }, (_, i) => ({
      raw: mailOf(octets, at + i),
      messageId: `<${at + i}@bench.test>`,
      targets: [{ folderId }],
    }))
    await store.append(batch)
  }
}

let store = await openStore(setting, { log, clock: systemClock, database })
await fill(store)
await share(store)
if (articles > 0) await fillGroup(store)
if (folder !== undefined) {
  // The measurement is of a lab after a restart.
  await store[Symbol.asyncDispose]()
  store = await openStore(setting, { log, clock: systemClock, database })
}
const config = await resolveForTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: (['imap4', 'smtp', 'pop3', 'nntp'] as const).map((protocol) => ({
    protocol,
    tlsPort: 'off' as const,
    limits: { connections: 'off' as const },
  })),
})
const lab = await createLab(config, { store, log, clock: systemClock, isBackground: false })
const portOf = (protocol: string): number => lab.endpoints().find((one) => one.protocol === protocol)?.port ?? 0
process.on('message', () => {
  global.gc?.()
  process.send?.('done')
})
process.on('SIGTERM', async () => {
  await lab.stop()
  await store[Symbol.asyncDispose]()
  await database?.[Symbol.asyncDispose]()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
process.send?.({
  port: portOf('imap4'),
  smtpPort: portOf('smtp'),
  pop3Port: portOf('pop3'),
  nntpPort: portOf('nntp'),
})
