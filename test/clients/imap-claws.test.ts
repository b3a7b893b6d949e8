import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { startImapLab } from '../imap4/support.ts'
import type { MailLab } from '../support/mail-lab.ts'
import { needs } from '../support/programs.ts'
import { run } from '../support/run-program.ts'

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
/** Runs Claws Mail on a virtual screen and answers its dialogs until the test has seen what it fetched. */
const script = (folder: string): string => `
claws="claws-mail --alternate-config-dir ${folder}/claws"
$claws --receive-all >${folder}/log 2>&1 &
pid=$!
answer() {
  window=$(xdotool search --onlyvisible --name "$1" 2>/dev/null | head -1)
  [ -n "$window" ] || return 0
  xdotool windowfocus --sync "$window" && { [ -z "$2" ] || xdotool type "$2"; } && xdotool key Return
}
while kill -0 $pid && [ ! -e ${folder}/done ]; do
  answer '^Error$' ''
  answer '^Input password$' secret
  sleep 0.2
done
$claws --status-full
$claws --quit
wait $pid
`

/** The response with the headers that Claws Mail fetches. */
const HEADERS = /^\* 2 FETCH \(UID 2 FLAGS .* BODY\[HEADER\.FIELDS \(Date From /

const sentLines = (lab: MailLab): string[] =>
  lab.sessions().flatMap(({ transcript }) => transcript.flatMap((entry) => (entry.kind === 'line' ? [entry.text] : [])))

const isReady = needs('claws-mail', 'xvfb-run', 'xauth', 'xdotool')

describe.skipIf(!isReady)('Claws Mail', () => {
  test.each(['TLS', 'STARTTLS'] as const)('%s: reads the headers of a mailbox', async (form) => {
    await using lab = await startImapLab()
    const message = (n: number): string =>
      `From: bob@lab.test\r\nSubject: message ${n}\r\nMessage-ID: <${n}@lab.test>\r\n\r\n${n}\r\n`
    await lab.put('alice', message(1), message(2))
    for (const folder of ['claws', 'home']) mkdirSync(join(lab.folder, folder))
    writeFileSync(
      join(lab.folder, 'claws', 'accountrc'),
      form === 'TLS' ? account(lab.tlsPort, 1) : account(lab.port, 2),
    )
    writeFileSync(join(lab.folder, 'claws', 'folderlist.xml'), folders)
    writeFileSync(join(lab.folder, 'claws', 'clawsrc'), '[Common]\nconfig_version=4\n')
    writeFileSync(join(lab.folder, 'run.sh'), script(lab.folder))
    const env = { HOME: join(lab.folder, 'home'), SSL_CERT_FILE: lab.caFile, NO_AT_BRIDGE: '1', GDK_BACKEND: 'x11' }
    const claws = run('xvfb-run', ['-a', 'sh', join(lab.folder, 'run.sh')], env)
    await vi.waitFor(() => expect(sentLines(lab)).toContainEqual(expect.stringMatching(HEADERS)), { timeout: 50_000 })
    writeFileSync(join(lab.folder, 'done'), '')
    const { stdout } = await claws
    expect(stdout).toMatch(/^ *2 +2 +2 #imap\/lab\/INBOX$/m)
  })
})
