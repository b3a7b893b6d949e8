import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { accountOwner } from '../../src/storage/store/folder.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'
import { startImapLab } from '../servers/imap4/support.ts'
import type { MailLab } from '../support/mail-lab.ts'
import { needs } from '../support/programs.ts'
import { run } from '../support/run-program.ts'

const config = (lab: MailLab, home: string, form: 'STARTTLS' | 'IMAPS'): string => `
FSync no

IMAPAccount lab
Host localhost
Port ${form === 'IMAPS' ? lab.tlsPort : lab.port}
User alice
Pass secret
TLSType ${form}
CertificateFile ${lab.caFile}
SystemCertificates no

IMAPStore far
Account lab

MaildirStore near
Path ${home}/mail/
Inbox ${home}/mail/INBOX
SubFolders Verbatim

Channel lab
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
`

const message = (n: number): string =>
  `From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: message ${n}\r\nMessage-ID: <m${n}@lab.test>\r\n\r\nThis is ${n}.\r\n${'x'.repeat(n % 500)}\r\n`

async function statuses(store: MessageStore) {
  const folders = await store.listFolders(accountOwner('alice'))
  return Promise.all(folders.map(async ({ id, name }) => ({ name, ...(await store.status(id)) })))
}

const files = (home: string, folder: string): string[] =>
  ['cur', 'new'].flatMap((part) => readdirSync(join(home, 'mail', folder, part)).map((name) => join(part, name)))

describe.skipIf(!needs('mbsync'))('mbsync', () => {
  test.each(['IMAPS', 'STARTTLS'] as const)(
    '%s: syncs 1,000 messages both ways, and a second run changes nothing',
    async (form) => {
      await using lab = await startImapLab()
      const home = lab.folder
      mkdirSync(join(home, 'mail'))
      writeFileSync(join(home, 'mbsyncrc'), config(lab, home, form))
      const sync = async (): Promise<void> => {
        const { status, stderr } = await run('mbsync', ['-q', '-c', join(home, 'mbsyncrc'), '-a'], { HOME: home })
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      }
      await lab.put('alice', ...Array.from({ length: 1000 }, (_, n) => message(n)))
      await sync()
      expect(files(home, 'INBOX')).toHaveLength(1000)
      const first = files(home, 'INBOX').find((name) => name.includes('U=1:') || name.includes('U=1,')) as string
      const text = readFileSync(join(home, 'mail', 'INBOX', first), 'latin1')
      // mbsync marks messages that it has stored, until its next run.
      expect(text.replaceAll('\n', '\r\n').replace(/^X-TUID: .*\r\n/m, '')).toBe(message(0))

      // Local changes: one message read, one deleted, 100 new ones in another folder.
      const [read, deleted] = files(home, 'INBOX') as [string, string]
      const inbox = join(home, 'mail', 'INBOX')
      renameSync(join(inbox, read), join(inbox, 'cur', `${read.slice(4).replace(/:2,.*$/, '')}:2,S`))
      rmSync(join(inbox, deleted))
      for (let n = 0; n < 100; n++) {
        writeFileSync(join(home, 'mail', 'Archive', 'cur', `${n}.local:2,`), message(5000 + n).replaceAll('\r\n', '\n'))
      }
      // Remote change: one message flagged.
      const [far] = (await lab.store.listFolders(accountOwner('alice'))).filter(({ name }) => name === 'INBOX')
      await lab.store.setFlags(far?.id ?? '', [500], { mode: 'add', flags: ['\\Flagged'] })
      await sync()
      const after = await statuses(lab.store)
      expect(after.find(({ name }) => name === 'INBOX')).toMatchObject({ exists: 999, unseen: 998 })
      expect(after.find(({ name }) => name === 'Archive')).toMatchObject({ exists: 100 })
      expect(files(home, 'INBOX').filter((name) => /:2,.*F/.test(name))).toHaveLength(1)

      const before = readdirSync(join(home, 'mail'), { recursive: true })
      for (let again = 0; again < 3; again++) await sync()
      expect(await statuses(lab.store)).toEqual(after)
      expect(readdirSync(join(home, 'mail'), { recursive: true })).toEqual(before)
    },
  )
})
