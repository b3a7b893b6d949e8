import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { canUnpack, runWithPackage } from '../../support/unpacked-packages.ts'

const forms = ['STARTTLS', 'TLS'] as const
type Form = (typeof forms)[number]

const message = `From: bob@lab.test
To: alice@lab.test
Message-ID: <server@lab.test>
Date: Wed, 25 Nov 2026 01:00:00 +0000
Subject: from a mail server

.
..two
${'long '.repeat(150)}
Gr\xc3\xbc\xc3\x9fe
`

/** Returns the lines of the message that the lab has. */
async function bodyOf(client: ClientLab): Promise<string> {
  const [one] = await client.lab.messages({ to: 'alice@lab.test' })
  return one?.raw.toString('latin1').split('\r\n\r\n').slice(1).join('\r\n\r\n') ?? ''
}

const expectedBody = message.slice(message.indexOf('\n\n') + 2).replaceAll('\n', '\r\n')
const portOf = ({ smtp }: ClientLab, form: Form): number => (form === 'TLS' ? smtp.tlsPort : smtp.port) as number

/** Checks that the message arrived over TLS from bob, and that the server reported the refused recipient to him. */
async function expectSent(client: ClientLab): Promise<void> {
  expect(await bodyOf(client)).toBe(expectedBody)
  expect(client.lab.sessions()).toContainEqual(expect.objectContaining({ user: 'bob', tls: expect.anything() }))
  const [report] = await client.lab.messages({ to: 'bob@lab.test' })
  expect(report?.raw.toString('latin1')).toMatch(/nobody@lab\.test[^]*550 5\.1\.1|550[ -]5\.1\.1[^]*nobody@lab\.test/)
}

const exim = { name: 'exim4-daemon-light', users: ['Debian-exim'] }

const eximConfiguration = (folder: string, port: number, form: Form): string => `
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
keep_environment =
primary_hostname = client.test
tls_advertise_hosts =
log_file_path = ${folder}/log/%slog
begin acl
begin routers
lab:
  driver = manualroute
  transport = lab
  route_list = * localhost byname
  self = send
begin transports
lab:
  driver = smtp
  port = ${port}
  ${form === 'TLS' ? 'protocol = smtps' : 'hosts_require_tls = *'}
  tls_verify_certificates = ${folder}/ca.pem
  tls_verify_hosts = *
  hosts_require_auth = *
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^bob^geheim
`

describe.skipIf(!canUnpack(exim))('Exim', () => {
  test.each(forms)('%s: relays to the lab as its smart host, logs on and verifies the certificate', async (form) => {
    await using client = await startClientLab()
    const { folder } = client
    writeFileSync(join(folder, 'exim.conf'), eximConfiguration(folder, portOf(client, form), form))
    writeFileSync(join(folder, 'mail.eml'), message, 'latin1')
    const result = await runWithPackage(
      exim,
      folder,
      `mkdir -p ${folder}/log /var/spool/exim4 /etc/exim4
chmod 755 ${folder}
chown Debian-exim ${folder}/log /var/spool/exim4
cp ${folder}/exim.conf /etc/exim4/exim4.conf
/usr/sbin/exim4 -odf -oi -f bob@lab.test alice@lab.test nobody@lab.test <${folder}/mail.eml
cat ${folder}/log/*`,
    )
    expect(result.stdout + result.stderr).toContain('Completed')
    await expectSent(client)
  })
})

const openSmtpd = { name: 'opensmtpd', users: ['opensmtpd', 'opensmtpq'] }

describe.skipIf(!canUnpack(openSmtpd))('OpenSMTPD', () => {
  test.each(forms)('%s: relays to the lab as its smart host, logs on and verifies the certificate', async (form) => {
    await using client = await startClientLab()
    const { folder } = client
    const scheme = form === 'TLS' ? 'smtps' : 'smtp+tls'
    writeFileSync(
      join(folder, 'smtpd.conf'),
      `table secrets { lab = "bob:geheim" }
action "out" relay host ${scheme}://lab@localhost:${portOf(client, form)} auth <secrets>
match from any for any action "out"
`,
    )
    writeFileSync(join(folder, 'mail.eml'), message, 'latin1')
    const result = await runWithPackage(
      openSmtpd,
      folder,
      `cp ${folder}/ca.pem /etc/ssl/certs/ca-certificates.crt
mkdir -p /var/lib/opensmtpd/empty
mkdir -p -m 711 /var/spool/smtpd
echo client.test >/etc/mailname
cp ${folder}/smtpd.conf /etc/smtpd.conf
/usr/sbin/smtpd -d >${folder}/log 2>&1 &
until [ -S /var/run/smtpd.sock ]; do sleep 0.1; done
chgrp opensmtpq /usr/sbin/smtpctl
chmod 2555 /usr/sbin/smtpctl
ln -sf /usr/sbin/smtpctl /usr/sbin/sendmail
/usr/sbin/sendmail -i -f bob@lab.test alice@lab.test nobody@lab.test <${folder}/mail.eml
until grep -q 'to=<bob@lab.test>.*result="Ok"' ${folder}/log; do sleep 0.1; done
cat ${folder}/log`,
    )
    expect(result.stdout + result.stderr).toContain('cert-check result="valid"')
    await expectSent(client)
  })
})
