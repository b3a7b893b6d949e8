import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab, typeOverStartTls } from '../support/client-lab.ts'
import { needs } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const message =
  'Date: Wed, 25 Nov 2026 01:00:00 +0000\r\nMessage-ID: <awkward@lab.test>\r\n' +
  'From: Bob <bob@lab.test>\r\nTo: alice@lab.test\r\nSubject: dots and 8 bits\r\nMIME-Version: 1.0\r\n' +
  'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
  `.\r\n..two\r\n.one\r\nGr\xc3\xbc\xc3\x9fe\r\n${'long '.repeat(180)}\r\n\r\n.\r\n`

const forms = ['STARTTLS', 'TLS'] as const
type Form = (typeof forms)[number]

function expectDone(result: ProgramResult): void {
  expect(result.status, result.stdout + result.stderr).toBe(0)
}

/** Returns whether the last session used TLS, and who was logged on. */
async function lastSession({ lab }: ClientLab): Promise<{ tls: boolean; user: string | undefined }> {
  const session = lab.sessions().at(-1)
  return { tls: session?.tls !== undefined, user: session?.user }
}

describe.each(forms)('senders over %s', (form: Form) => {
  test.skipIf(!needs('swaks')).each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('swaks logs on with %s', async (mechanism) => {
    await using client = await startClientLab()
    const { smtp, caFile, folder } = client
    // swaks takes a dot on the last line for the end, and adds line ends.
    const text = message.replace(/\r\n\r\n\.\r\n$/, '')
    writeFileSync(join(folder, 'mail.eml'), text, 'latin1')
    const tls = form === 'TLS' ? ['--tlsc', '--port', String(smtp.tlsPort)] : ['--tls', '--port', String(smtp.port)]
    const result = await runProgram('swaks', [
      ...['--server', '127.0.0.1', ...tls, '--tls-verify', '--tls-ca-path', caFile, '--tls-verify-target', 'localhost'],
      ...[
        '--from',
        'bob@lab.test',
        '--to',
        'alice@lab.test,someone@elsewhere.test',
        '--data',
        `@${join(folder, 'mail.eml')}`,
      ],
      ...['--auth', mechanism, '--auth-user', 'bob', '--auth-password', 'geheim'],
    ])
    expectDone(result)
    expect((await client.only()).replace(/(\r\n)+$/, '')).toBe(text)
    expect(await lastSession(client)).toEqual({ tls: true, user: 'bob' })
  })

  test.skipIf(!needs('curl')).each(['PLAIN', 'LOGIN'])('curl logs on with %s', async (mechanism) => {
    await using client = await startClientLab()
    const { smtp, caFile, folder } = client
    writeFileSync(join(folder, 'mail.eml'), message, 'latin1')
    const url = form === 'TLS' ? `smtps://localhost:${smtp.tlsPort}` : `smtp://localhost:${smtp.port}`
    const result = await runProgram('curl', [
      ...[
        '-sS',
        '--ssl-reqd',
        '--cacert',
        caFile,
        '--url',
        `${url}/client.test`,
        '--login-options',
        `AUTH=${mechanism}`,
      ],
      ...['--user', 'bob:geheim', '--mail-from', 'bob@lab.test', '--mail-rcpt', 'alice@lab.test'],
      ...['--upload-file', join(folder, 'mail.eml')],
    ])
    expectDone(result)
    expect(await client.only()).toBe(message)
    expect(await lastSession(client)).toEqual({ tls: true, user: 'bob' })
  })

  test.skipIf(!needs('msmtp')).each(['plain', 'login', 'cram-md5'])('msmtp logs on with %s', async (mechanism) => {
    await using client = await startClientLab()
    const { smtp, caFile } = client
    const result = await runProgram(
      'msmtp',
      [
        ...['-C', '/dev/null', '--host=localhost', `--port=${form === 'TLS' ? smtp.tlsPort : smtp.port}`, '--tls=on'],
        ...[`--tls-starttls=${form === 'TLS' ? 'off' : 'on'}`, `--tls-trust-file=${caFile}`, `--auth=${mechanism}`],
        ...['--user=bob', '--passwordeval=echo geheim', '--from=bob@lab.test', '--', 'alice@lab.test'],
      ],
      { input: Buffer.from(message.replaceAll('\r\n', '\n'), 'latin1') },
    )
    expectDone(result)
    expect(await client.only()).toBe(message)
    expect(await lastSession(client)).toEqual({ tls: true, user: 'bob' })
  })

  test.skipIf(!needs('python3'))('Python smtplib sends with BODY=8BITMIME, and one recipient is rejected', async () => {
    await using client = await startClientLab()
    const { smtp, caFile } = client
    const script = `
import smtplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
if sys.argv[2] == 'TLS':
    client = smtplib.SMTP_SSL('localhost', int(sys.argv[3]), context=context)
else:
    client = smtplib.SMTP('localhost', int(sys.argv[3]))
    client.starttls(context=context)
client.login('bob@lab.test', 'geheim')
refused = client.sendmail('bob@lab.test', ['alice@lab.test', 'nobody@lab.test'], sys.stdin.buffer.read(), ['BODY=8BITMIME'])
assert list(refused) == ['nobody@lab.test'] and refused['nobody@lab.test'][0] == 550, refused
try:
    client.sendmail('bob@lab.test', ['nobody@lab.test'], 'x')
    raise SystemExit('accepted')
except smtplib.SMTPRecipientsRefused:
    pass
print(client.verify('alice'), client.noop(), client.quit())
`
    const port = String(form === 'TLS' ? smtp.tlsPort : smtp.port)
    expectDone(
      await runProgram('python3', ['-c', script, caFile, form, port], { input: Buffer.from(message, 'latin1') }),
    )
    expect(await client.only()).toBe(message)
  })

  test.skipIf(!needs('perl'))('Perl Net::SMTP sends with NOTIFY=NEVER', async () => {
    await using client = await startClientLab()
    const { smtp, caFile } = client
    const script = `
use strict; use Net::SMTP;
my ($ca, $form, $port) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost', SSL_verify_mode => 1);
my $smtp = Net::SMTP->new('localhost', Port => $port, $form eq 'TLS' ? (SSL => 1, @tls) : ()) or die "$@";
if ($form ne 'TLS') { $smtp->starttls(@tls) or die $smtp->message }
$smtp->auth('bob', 'geheim') or die $smtp->message;
$smtp->mail('bob@lab.test', Bits => '8') or die $smtp->message;
$smtp->to('alice@lab.test', { Notify => ['NEVER'] }) or die $smtp->message;
binmode STDIN; my $mail = do { local $/; <STDIN> }; $mail =~ s/\\r\\n/\\n/g;
$smtp->data($mail) or die $smtp->message;
$smtp->quit or die $smtp->message;
`
    const port = String(form === 'TLS' ? smtp.tlsPort : smtp.port)
    expectDone(await runProgram('perl', ['-e', script, caFile, form, port], { input: Buffer.from(message, 'latin1') }))
    expect(await client.only()).toBe(message)
    expect(await lastSession(client)).toEqual({ tls: true, user: 'bob' })
  })

  test('nodemailer sends over a pool, with a null sender and a UTF-8 sender', async () => {
    await using client = await startClientLab()
    const { lab, smtp } = client
    const transport = nodemailer.createTransport({
      ...lab.nodemailer({ user: 'alice', pass: 'secret' }),
      ...(form === 'TLS' ? { port: smtp.tlsPort, secure: true, requireTLS: false } : {}),
      pool: true,
      maxConnections: 2,
    })
    const sent = [
      transport.sendMail({ envelope: { from: '', to: 'bob@lab.test' }, raw: Buffer.from(message, 'latin1') }),
      transport.sendMail({
        from: 'jörg@büro.test',
        to: 'alice+x@lab.test, erik@elsewhere.test',
        subject: 'Grüße',
        text: 'x',
      }),
      transport
        .sendMail({ from: 'alice@lab.test', to: 'nobody@lab.test', text: 'x' })
        .catch((error: Error) => error.message),
    ]
    const [, , refused] = await Promise.all(sent)
    transport.close()
    expect(refused).toContain('550 5.1.1')
    const [raw] = await lab.messages({ to: 'bob@lab.test' })
    expect(raw?.raw.toString('latin1').endsWith(message)).toBe(true)
    expect((await lab.waitForMessage({ to: 'erik@elsewhere.test' })).subject).toBe('Grüße')
  })
})

describe('senders', () => {
  test.skipIf(!needs('swaks'))('swaks is rejected if a secure channel is required', async () => {
    await using client = await startClientLab({
      virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }, { protocol: 'pop3' }],
    })
    const result = await runProgram('swaks', [
      '--server',
      '127.0.0.1',
      '--port',
      String(client.smtp.port),
      '--to',
      'alice@lab.test',
    ])
    expect(result.stdout).toContain('530 5.7.0 Must issue a STARTTLS command first')
    expect(result.status).not.toBe(0)
  })

  test.skipIf(!needs('curl'))('curl sends bare LFs, which become line ends', async () => {
    await using client = await startClientLab()
    const { smtp, folder } = client
    writeFileSync(join(folder, 'mail.eml'), 'Subject: unix\n\nline one\n.dot\nline two\n')
    const result = await runProgram('curl', [
      ...['-sS', '--url', `smtp://127.0.0.1:${smtp.port}`, '--mail-from', 'a@b.test', '--mail-rcpt', 'alice@lab.test'],
      ...['--upload-file', join(folder, 'mail.eml')],
    ])
    expectDone(result)
    expect((await client.only()).trimEnd()).toBe('Subject: unix\r\n\r\nline one\r\n.dot\r\nline two')
  })

  test.skipIf(!needs('openssl'))(
    'openssl s_client verifies the certificate after STARTTLS and sends a mail',
    async () => {
      await using client = await startClientLab()
      const { smtp, caFile } = client
      const result = await typeOverStartTls(
        'smtp',
        smtp.port,
        caFile,
        'EHLO x\nMAIL FROM:<a@b.test>\nrcpt to:<alice@lab.test>\nDATA\nSubject: by hand\n\nhello\n.\nQUIT\n',
      )
      expectDone(result)
      expect(result.stdout).toContain('221 2.0.0 Bye')
      expect(await client.only()).toBe('Subject: by hand\r\n\r\nhello\r\n')
    },
  )

  test.skipIf(!needs('gsasl'))('gsasl logs on with SCRAM-SHA-256 and verifies the server', async () => {
    await using client = await startClientLab()
    const { smtp, caFile } = client
    const attempt = (password: string): Promise<ProgramResult> =>
      runProgram('gsasl', [
        ...['--smtp', '--connect', `localhost:${smtp.port}`, '--starttls', `--x509-ca-file=${caFile}`],
        ...['--mechanism', 'SCRAM-SHA-256', '-a', 'alice', '-p', password, '--no-cb'],
      ])
    expectDone(await attempt('secret'))
    expect(await lastSession(client)).toEqual({ tls: true, user: 'alice' })
    expect((await attempt('wrong')).status).not.toBe(0)
  })
})
