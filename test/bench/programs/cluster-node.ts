import { rmSync } from 'node:fs'
import { pino } from 'pino'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes } from '../../../src/storage/store/mailboxes.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { resolveForTests } from '../../../src/testing/open-test-lab.ts'
import { mailOf } from '../frame/mail.ts'

/** One node of a lab: on PostgreSQL, or alone on LMDB. */
export interface NodeSettings {
  /** Address of the database, and the name of the lab there. */
  readonly postgres?: { readonly url: string; readonly schema: string; readonly node: string }
  /** Folder of an LMDB store, which is removed at the end. */
  readonly lmdb?: string
  /** Accounts `user0`, `user1` … with the password `secret`. */
  readonly accounts: number
  /** Whether it serves the API. Default: false. */
  readonly hasApi?: boolean
  /** Content that is added to `user0`: messages of the INBOX, and mailboxes. */
  readonly filled?: { readonly messages: number; readonly folders: number }
}

const BATCH = 500
const MESSAGE_OCTETS = 400
const { postgres, lmdb, accounts, filled, hasApi = false } = JSON.parse(process.argv[2] ?? '{}') as NodeSettings
const log = pino({ level: 'silent' })
const owner = accountOwner('user0')

async function fill(store: MessageStore, { messages, folders }: NonNullable<NodeSettings['filled']>): Promise<void> {
  await ensureMailboxes(store, owner)
  const inbox = await store.findFolder(owner, 'INBOX')
  if (!inbox) throw new Error('user0 has no INBOX')
  for (let at = 0; at < messages; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, messages - at) }, (_, i) => ({
      raw: mailOf(MESSAGE_OCTETS, at + i),
      targets: [{ folderId: inbox.id, flags: (at + i) % 3 === 0 ? ['\\Seen'] : [] }],
    }))
    await store.append(batch)
  }
  for (let at = 0; at < folders; at += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, folders - at) }, (_, i) => `f${at + i}`)
    await Promise.all(names.map((name) => store.createFolder(owner, name)))
  }
}

const store: LabInput['store'] = postgres ? { postgres: postgres.url, pool: 10 } : { lmdb: lmdb ?? '' }
const config = await resolveForTests({
  store,
  ...(postgres && { cluster: { name: postgres.schema, node: postgres.node } }),
  directory: {
    accounts: Array.from({ length: accounts }, (_, i) => ({ user: `user${i}`, password: 'secret' })),
  },
  virtualServers: [...(['imap4', 'smtp'] as const), ...(hasApi ? (['http'] as const) : [])].map((protocol) => ({
    protocol,
    tlsPort: 'off' as const,
    limits: { connections: 'off' as const },
  })),
})
const lab = await createLab(config, { log, clock: systemClock, isBackground: false })
if (filled) await fill(lab.store, filled)
const portOf = (protocol: string): number => lab.endpoints().find((one) => one.protocol === protocol)?.port ?? 0
process.on('message', () => {
  global.gc?.()
  process.send?.('done')
})
async function stop(): Promise<void> {
  await lab.stop()
  if (lmdb !== undefined) rmSync(lmdb, { recursive: true, force: true })
  process.exit(0)
}
process.on('SIGTERM', stop)
// The benchmark has ended without a word.
process.on('disconnect', stop)
process.send?.({ port: portOf('imap4'), smtpPort: portOf('smtp'), httpPort: portOf('http') })
