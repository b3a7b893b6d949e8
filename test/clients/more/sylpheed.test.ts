import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { ifInstalled } from '../../support/more-programs.ts'
import { DISPLAY_PROGRAMS, startVirtualDisplay } from '../../support/virtual-display.ts'

const account = ({ pop3 }: ClientLab, form: 'STLS' | 'TLS'): string => `[Account: 1]
account_name=lab
is_default=1
name=Alice
address=alice@lab.test
protocol=0
receive_server=localhost
smtp_server=localhost
user_id=alice
password=secret
inbox=inbox
receive_at_get_all=1
remove_mail=1
message_leave_time=0
filter_on_receive=0
set_popport=1
pop_port=${form === 'TLS' ? pop3.tlsPort : pop3.port}
ssl_pop=${form === 'TLS' ? 1 : 2}
`
const folders = (mail: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<folderlist>
<folder type="mh" name="Mailbox" path="${mail}">
<folderitem type="inbox" name="inbox" path="inbox" mtime="0"/>
<folderitem type="outbox" name="sent" path="sent" mtime="0"/>
<folderitem type="draft" name="draft" path="draft" mtime="0"/>
<folderitem type="queue" name="queue" path="queue" mtime="0"/>
<folderitem type="trash" name="trash" path="trash" mtime="0"/>
</folder>
</folderlist>
`

describe.skipIf(!ifInstalled('sylpheed', ...DISPLAY_PROGRAMS))('Sylpheed', () => {
  test.each(['STLS', 'TLS'] as const)('fetches and deletes by POP3 over %s', async (form) => {
    await using client = await startClientLab()
    await client.lab.deliver({ subject: 'For Sylpheed', text: 'Hello.' }, { to: 'alice' })
    const { folder } = client
    const mail = join(folder, 'Mail')
    const mailFolders = ['inbox', 'sent', 'draft', 'queue', 'trash'].map((name) => `Mail/${name}`)
    for (const name of ['config/certs', 'home', ...mailFolders]) {
      mkdirSync(join(folder, name), { recursive: true })
    }
    writeFileSync(join(folder, 'config/accountrc'), account(client, form))
    writeFileSync(join(folder, 'config/folderlist.xml'), folders(mail))
    writeFileSync(join(folder, 'config/sylpheedrc'), '[Common]\n')
    writeFileSync(join(folder, 'config/certs/ca-certificates.crt'), client.lab.ca)
    const command = ['sylpheed', '--configdir', join(folder, 'config'), '--receive-all'] as const
    await using display = await startVirtualDisplay()
    await using _program = await display.runUntil({ command, env: { HOME: join(folder, 'home') } }, async () =>
      expect(await client.lab.messages()).toEqual([]),
    )
    const [file = ''] = readdirSync(join(mail, 'inbox')).filter((name) => /^\d+$/.test(name))
    expect(client.lab.sessions().map(({ user, tls }) => [user, tls?.version])).toEqual([['alice', 'TLSv1.3']])
    expect(readFileSync(join(mail, 'inbox', file), 'utf8')).toContain('Subject: For Sylpheed')
  })
})
