import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { ensureMailboxes } from '../../../src/storage/store/mailboxes.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'

const MESSAGES = 1_000

describe.skipIf(!needsPostgres())('a search for flags in a large mailbox', () => {
  it('finds them wherever they are, also those that were just set', async () => {
    const { url, schema } = await freshDatabase()
    const { lab: config } = loadObject(
      {
        hostname: 'lab.test',
        certificates: { key: 'p256' },
        store: { postgres: url, pool: 3 },
        cluster: { name: schema },
        directory: { accounts: [{ user: 'alice', password: 'secret' }] },
        virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 'off' }],
      },
      process.cwd(),
    )
    await using lab = await createLab(config, { log: pino({ level: 'silent' }), clock: systemClock })
    await lab.start()
    const { store } = lab
    await ensureMailboxes(store, accountOwner('alice'))
    const folder = await store.findFolder(accountOwner('alice'), 'INBOX')
    const flagsOf = (uid: number): string[] => [
      ...(uid % 300 === 0 ? ['\\Flagged'] : []),
      ...(uid === 450 || uid === 900 ? ['\\Answered', '\\Deleted'] : []),
      ...(uid > 800 ? ['\\Seen'] : []),
    ]
    await store.append(
      Array.from({ length: MESSAGES }, (_, i) => ({
        raw: Buffer.from(`Subject: ${i + 1}\r\n\r\n\\Draft\r\n`),
        targets: [{ folderId: folder?.id ?? '', flags: flagsOf(i + 1) }],
      })),
    )
    const port = lab.endpoints()[0]?.port ?? 0
    const client = await ImapClient.open(port, 'alice', 'secret')
    await client.ok('SELECT INBOX')
    const found = async (keys: string): Promise<string> => (await client.ok(`UID SEARCH ${keys}`))[0] ?? ''
    expect(await found('DRAFT')).toBe('* SEARCH')
    expect(await found('FLAGGED')).toBe('* SEARCH 300 600 900')
    expect(await found('ANSWERED DELETED UNSEEN')).toBe('* SEARCH 450')
    expect(await found('UID 500:* FLAGGED NOT SEEN')).toBe('* SEARCH 600')
    expect(await found('NOT FLAGGED SEEN UID 898:902')).toBe('* SEARCH 898 899 901 902')
    expect(await found('OR DRAFT ANSWERED')).toBe('* SEARCH 450 900')
    await client.ok('UID STORE 77 +FLAGS (\\Draft \\Flagged)')
    await client.ok('UID STORE 300 -FLAGS (\\Flagged)')
    expect(await found('FLAGGED')).toBe('* SEARCH 77 600 900')
    expect(await found('DRAFT')).toBe('* SEARCH 77')
  })
})
