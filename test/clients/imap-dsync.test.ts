import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startImapLab } from '../servers/imap4/support.ts'
import { dovecotConfiguration, GROUP_ID, hasDovecot, USER_ID } from '../support/dovecot.ts'
import type { MailLab } from '../support/mail-lab.ts'
import { runProgram } from '../support/run-program.ts'

const configuration = (
  lab: MailLab,
  home: string,
  form: 'imaps' | 'starttls',
): string => `${dovecotConfiguration(home, '/dev/stderr')}
ssl_client_ca_file = ${lab.caFile}
imapc_host = 127.0.0.1
imapc_port = ${form === 'imaps' ? lab.tlsPort : lab.port}
imapc_ssl = ${form}
imapc_user = alice
imapc_password = secret
namespace inbox {
  inbox = yes
  separator = /
}
`

const message = (n: number): string =>
  `From: bob@lab.test\r\nSubject: message ${n}\r\nMessage-ID: <m${n}@lab.test>\r\n\r\nThis is ${n}.\r\n`

describe.skipIf(!hasDovecot())('dsync', () => {
  test.each(['imaps', 'starttls'] as const)(
    '%s: copies a mailbox, and sends back a flag and a new message',
    async (form) => {
      await using lab = await startImapLab()
      const home = join(lab.folder, 'dovecot')
      mkdirSync(join(home, 'Maildir'), { recursive: true })
      for (const path of [lab.folder, home, join(home, 'Maildir')]) chownSync(path, USER_ID, GROUP_ID)
      writeFileSync(join(home, 'dovecot.conf'), configuration(lab, home, form))
      const doveadm = async (command: string, args: string[], input = ''): Promise<string> => {
        const all = [
          '-c',
          join(home, 'dovecot.conf'),
          '-f',
          'json',
          ...command.split(' '),
          '--no-userdb-lookup',
          ...args,
        ]
        const { status, stdout, stderr } = await runProgram('doveadm', all, {
          env: { USER: 'alice', HOME: home },
          input,
        })
        expect([status, stderr.replace(/^.*: Info: .*\n/gm, '')]).toEqual([0, ''])
        return stdout
      }
      await lab.put('alice', message(1), message(2))
      await doveadm('backup', ['-R', 'imapc:'])
      const texts = [1, 2].map((n) => ({ text: message(n).replaceAll('\r', '') }))
      expect(JSON.parse(await doveadm('fetch', ['text', 'mailbox', 'INBOX']))).toEqual(texts)

      await doveadm('save', ['-m', 'INBOX'], message(3))
      await doveadm('flags add', ['\\Flagged', 'mailbox', 'INBOX', 'header', 'subject', 'message 1'])
      await doveadm('sync', ['imapc:'])
      const stored = await lab.inbox('alice')
      expect(stored.map(({ raw, entry }) => [raw, entry.flags])).toEqual([
        [message(1), ['\\Flagged']],
        [message(2), []],
        [message(3), []],
      ])
      for (const { tls } of lab.sessions()) expect(tls?.version).toBe('TLSv1.3')
    },
  )
})
