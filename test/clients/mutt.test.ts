import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { needs } from '../support/programs.ts'
import { run } from '../support/run-program.ts'

const MAIL = 'From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: by default\r\n\r\nhello\r\n'

/** The configuration of a beginner: the root certificate and a URL. The program chooses the mechanism itself. */
const rc = ({ caFile, folder }: ClientLab, more: string): string => `
set ssl_force_tls=yes certificate_file=${caFile} ssl_ca_certificates_file=${caFile}
set mail_check=0 wait_key=no quit=yes delete=no confirmappend=no confirmcreate=no copy=no folder=${folder}
${more}
`

describe.each(['neomutt', 'mutt'])('%s, which chooses the mechanism', (program) => {
  test.skipIf(program === 'mutt' || !needs(program)).each(['pops', 'pop'] as const)(
    '%s: reads a message',
    async (scheme) => {
      await using client = await startClientLab()
      await client.lab.deliver(Buffer.from(MAIL), { to: 'alice' })
      const port = scheme === 'pops' ? client.pop3.tlsPort : client.pop3.port
      const copied = join(client.folder, 'copied')
      const settings = rc(
        client,
        `set spoolfile=${scheme}://alice:secret@localhost:${port}/
push "<tag-pattern>~A<enter><tag-prefix-cond><copy-message>${copied}<enter><end-cond><exit>"`,
      )
      writeFileSync(join(client.folder, 'muttrc'), settings, { mode: 0o600 })
      const command = `${program} -n -F ${client.folder}/muttrc`
      const { stdout } = await run('script', ['-qec', command, '/dev/null'], { HOME: client.folder, TERM: 'vt100' })
      const session = client.lab.sessions().at(-1)
      expect([session?.user, session?.tls !== undefined], stdout).toEqual(['alice', true])
      expect(existsSync(copied) && readFileSync(copied, 'latin1')).toContain('Subject: by default\n')
    },
  )

  test.skipIf(!needs(program))('smtp: sends a message', async () => {
    await using client = await startClientLab()
    const settings = rc(client, `set smtp_url=smtp://alice:secret@localhost:${client.smtp.port}/ from=alice@lab.test`)
    writeFileSync(join(client.folder, 'muttrc'), settings, { mode: 0o600 })
    const command = `echo hello | ${program} -n -F ${client.folder}/muttrc -s 'by default' bob@lab.test`
    const { stdout } = await run('script', ['-qec', command, '/dev/null'], { HOME: client.folder, TERM: 'vt100' })
    expect(client.lab.sessions().at(-1)?.user, stdout).toBe('alice')
    expect(await client.only()).toContain('Subject: by default\r\n')
  })
})
