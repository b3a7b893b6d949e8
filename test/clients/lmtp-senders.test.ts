import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { TestAuthority } from '../checks/verify/authority.ts'
import { POSTFIX, startPostfix } from '../checks/verify/debian/postfix.ts'
import { newFolder } from '../support/folder.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

/** Starts a lab with LMTP and a mailbox, bob's, that is too small for every message. */
async function startLmtpLab() {
  const lab = await startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret', quota: { size: 10 } },
      ],
    },
    virtualServers: [{ protocol: 'lmtp', port: 0, tlsPort: 0 }],
  })
  const folder = newFolder()
  chmodSync(folder, 0o755) // Postfix reads the root as its own user.
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, lab.ca)
  return { lab, caFile, port: lab.server('lmtp').port as number }
}

/** Python raises an error if any recipient is refused before the content; after it, it returns the replies. */
const PYTHON = `
import smtplib, sys
client = smtplib.LMTP('127.0.0.1', int(sys.argv[1]), local_hostname='client.test')
client.ehlo()
client.mail('sender@client.test')
client.rcpt('alice@lab.test')
print(client.rcpt('nobody@lab.test')[0])
print(client.data('Subject: Python\\r\\n\\r\\ntext\\r\\n')[0])
client.quit()
`

describe('LMTP clients', () => {
  test.skipIf(!needs('swaks'))('swaks, with a reply for each recipient over STARTTLS', async () => {
    const { lab, caFile, port } = await startLmtpLab()
    await using _ = lab
    const to = 'alice@lab.test,bob@lab.test,else@where.test'
    const { stdout } = await runProgram('swaks', [
      ...['--protocol', 'LMTP', '--server', '127.0.0.1', '--port', String(port), '--tls'],
      ...['--tls-verify', '--tls-ca-path', caFile, '--tls-verify-target', 'localhost'],
      ...['--from', 'sender@client.test', '--to', to, '--header', 'Subject: swaks'],
    ])
    expect([...stdout.matchAll(/^<\S+ +([25]\d\d [\d.]+ <[^>]+>)/gm)].map(([, reply]) => reply)).toEqual([
      '250 2.1.5 <alice@lab.test>',
      '552 5.2.2 <bob@lab.test>',
      '250 2.1.5 <else@where.test>',
    ])
    expect(await lab.messages('alice')).toMatchObject([{ subject: 'swaks', session: { tls: { version: 'TLSv1.3' } } }])
    expect(await lab.messages('bob')).toEqual([])
  })

  test.skipIf(!needs('python3'))('smtplib of Python', async () => {
    const { lab, port } = await startLmtpLab()
    await using _ = lab
    const { status, stdout, stderr } = await runProgram('python3', ['-c', PYTHON, String(port)])
    expect([status, stdout.split('\n')], stderr).toEqual([0, ['550', '250', '']])
    expect(await lab.messages('alice')).toMatchObject([{ subject: 'Python' }])
  })

  test.skipIf(!needs(POSTFIX) || process.getuid?.() !== 0)(
    'Postfix, which delivers to one recipient over verified TLS and returns the mail for another',
    async () => {
      const { lab, caFile, port } = await startLmtpLab()
      await using _ = lab
      const identity = await (await TestAuthority.create()).issue()
      await using postfix = await startPostfix(
        identity,
        `mydestination =
relay_domains = lab.test
transport_maps = inline:{ lab.test=lmtp:inet:localhost:${port} }
default_transport = discard:
lmtp_tls_security_level = secure
lmtp_tls_secure_cert_match = localhost
lmtp_tls_CAfile = ${caFile}
lmtp_dns_support_level = disabled
lmtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, reject`,
      )
      const transport = nodemailer.createTransport({ host: '127.0.0.1', port: postfix.port, ignoreTLS: true })
      const to = ['alice@lab.test', 'bob@lab.test']
      await transport.sendMail({ from: 'alice@lab.test', to, subject: 'Postfix', text: 'text' })
      const mail = await lab.waitForMessage({ to: 'alice@lab.test', subject: 'Postfix' }, { timeout: 60_000 })
      expect(mail.raw.toString()).toMatch(/^Received: .*\r\n\tby \S+ \(Sealpost\) with LMTPS id /m)
      const returned = await lab.waitForMessage({ to: 'alice@lab.test', subject: /Undelivered/ }, { timeout: 60_000 })
      expect(returned.raw.toString()).toMatch(
        /^Final-Recipient: rfc822; *bob@lab\.test\r\n[\s\S]*^Status: 5\.2\.2\r\n/m,
      )
    },
    120_000,
  )
})
