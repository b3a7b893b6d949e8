import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startImapLab } from '../servers/imap4/support.ts'
import type { MailLab } from '../support/mail-lab.ts'
import { needs } from '../support/programs.ts'
import { DISPLAY_PROGRAMS, startVirtualDisplay } from '../support/virtual-display.ts'

const account = (port: number, ssl: 1 | 2): string => `[Account: 1]
account_name=lab
is_default=1
name=Alice
address=alice@lab.test
protocol=1
receive_server=localhost
smtp_server=localhost
user_id=alice
receive_at_get_all=1
set_imapport=1
imap_port=${port}
ssl_imap=${ssl}
config_version=4
`
const folders = `<?xml version="1.0" encoding="UTF-8"?>
<folderlist>
<folder type="imap" name="lab" account_id="1" sort="0" collapsed="0">
<folderitem type="inbox" name="INBOX" path="INBOX" account_id="1" mtime="0"/>
</folder>
</folderlist>
`
/** The response with the headers that Claws Mail fetches. */
const HEADERS = /^\* 2 FETCH \(UID 2 FLAGS .* BODY\[HEADER\.FIELDS \(Date From /

const sentLines = (lab: MailLab): string[] =>
  lab.sessions().flatMap(({ transcript }) => transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : [])))

/** Claws Mail asks for the password, and shows an error if it has been given a wrong one. */
const answers = [
  { window: /^Error$/, key: 'Return' },
  { window: /^Input password$/, type: 'secret', key: 'Return' },
]

describe.skipIf(!needs('claws-mail', ...DISPLAY_PROGRAMS))('Claws Mail', () => {
  test.each(['TLS', 'STARTTLS'] as const)('%s: reads the headers of a mailbox', async (form) => {
    await using lab = await startImapLab()
    const message = (n: number): string =>
      `From: bob@lab.test\r\nSubject: message ${n}\r\nMessage-ID: <${n}@lab.test>\r\n\r\n${n}\r\n`
    await lab.put('alice', message(1), message(2))
    const folder = join(lab.folder, 'claws')
    for (const name of ['claws', 'home']) mkdirSync(join(lab.folder, name))
    writeFileSync(join(folder, 'accountrc'), form === 'TLS' ? account(lab.tlsPort, 1) : account(lab.port, 2))
    writeFileSync(join(folder, 'folderlist.xml'), folders)
    writeFileSync(join(folder, 'clawsrc'), '[Common]\nconfig_version=4\n')
    const env = { HOME: join(lab.folder, 'home'), SSL_CERT_FILE: lab.caFile }
    const claws = (...args: string[]) => ['claws-mail', '--alternate-config-dir', folder, ...args] as const
    await using display = await startVirtualDisplay()
    await using _program = await display.runUntil({ command: claws('--receive-all'), env, answers }, () =>
      expect(sentLines(lab)).toContainEqual(expect.stringMatching(HEADERS)),
    )
    const { stdout } = await display.run(claws('--status-full'), env)
    expect(stdout).toMatch(/^ *2 +2 +2 #imap\/lab\/INBOX$/m)
    await display.run(claws('--quit'), env)
  })
})
