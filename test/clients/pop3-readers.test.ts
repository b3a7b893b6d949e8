import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab, typeOverStartTls } from '../support/client-lab.ts'
import { needs } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { getmailConfiguration } from './getmail.ts'

const mails = [
  'From: a@b.test\r\nTo: alice@lab.test\r\nSubject: plain\r\n\r\nhello\r\n',
  'From: a@b.test\r\nTo: alice@lab.test\r\nSubject: dots\r\n\r\n.\r\n..two\r\n.one\r\n\r\n.\r\n',
  `From: a@b.test\r\nTo: alice@lab.test\r\nSubject: 8 bits\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n${'long '.repeat(300)}\r\n`,
].map((text) => Buffer.from(text, 'latin1'))

const forms = ['STLS', 'TLS'] as const
type Form = (typeof forms)[number]

async function withMail(): Promise<ClientLab> {
  const client = await startClientLab()
  for (const mail of mails) await client.lab.deliver(mail, { to: 'alice' })
  return client
}

const portOf = (form: Form, { pop3 }: ClientLab): string => String(form === 'TLS' ? pop3.tlsPort : pop3.port)

function expectDone(result: ProgramResult): void {
  expect(result.status, result.stdout + result.stderr).toBe(0)
}

/** Returns how many messages remain in the lab. */
const left = async ({ lab }: ClientLab): Promise<number> => (await lab.messages({ to: 'alice@lab.test' })).length

function expectSecureSession({ lab }: ClientLab): void {
  const session = lab.sessions().at(-1)
  expect(session?.tls?.version).toBe('TLSv1.3')
  expect(session?.user).toBe('alice')
  expect(JSON.stringify(lab.sessions())).not.toContain('secret')
}

/** Returns the files that getmail wrote, without the fields it adds, with CRLF line ends. */
function written(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1').replace(/^(?:Return-Path|X-getmail-\S+): .*\n/gm, ''))
    .map((text) => text.replace(/\r?\n/g, '\r\n'))
    .sort()
}
const wire = mails.map((mail) => mail.toString('latin1')).sort()

describe.each(forms)('over %s', (form: Form) => {
  test.skipIf(!needs('curl')).each(['', 'AUTH=PLAIN', 'AUTH=LOGIN', 'AUTH=CRAM-MD5', 'AUTH=+APOP'])(
    'curl %s lists, reads and deletes, octet for octet',
    async (login) => {
      await using client = await withMail()
      const url = form === 'TLS' ? `pop3s://localhost:${client.pop3.tlsPort}` : `pop3://localhost:${client.pop3.port}`
      const curl = (...args: string[]): Promise<ProgramResult> =>
        runProgram('curl', [
          ...['-sS', '--ssl-reqd', '--cacert', client.caFile, '--user', 'alice:secret'],
          ...(login === '' ? [] : ['--login-options', login]),
          ...args,
        ])
      expect((await curl(`${url}/`)).stdout).toBe(mails.map(({ length }, i) => `${i + 1} ${length}\r\n`).join(''))
      for (const [index, mail] of mails.entries()) {
        const got = await curl(`${url}/${index + 1}`)
        expectDone(got)
        expect(got.stdout).toBe(mail.toString('latin1'))
      }
      expect((await curl('--list-only', '--request', 'UIDL', `${url}/`)).stdout).toMatch(/^(\d \d+\.\d\r\n){3}$/)
      expectDone(await curl('--request', 'DELE', '--head', `${url}/2`))
      expect(await left(client)).toBe(2)
      expectSecureSession(client)
    },
  )

  test.skipIf(!needs('fetchmail'))('fetchmail fetches and deletes every message', async () => {
    await using client = await withMail()
    const { folder, caFile } = client
    const how = form === 'TLS' ? "ssl sslproto 'TLS1.2+'" : "sslproto 'TLS1.2+'"
    const rc = join(folder, 'fetchmailrc')
    writeFileSync(
      rc,
      `poll localhost protocol pop3 service ${portOf(form, client)} user alice password secret ${how} sslcertck ` +
        `sslcertfile ${caFile} sslcommonname localhost no rewrite mda "cat >> ${join(folder, 'mbox')}; echo ===== >> ${join(folder, 'mbox')}"\n`,
      { mode: 0o600 },
    )
    const result = await runProgram('fetchmail', ['-f', rc, '-a', '--nosyslog', '--invisible', '-v'], {
      env: { HOME: folder, FETCHMAILHOME: folder },
    })
    expectDone(result)
    const got = readFileSync(join(folder, 'mbox'), 'latin1')
      .split('=====\n')
      .filter((text) => text !== '')
    expect(got.map((text) => text.replace(/\r?\n/g, '\r\n'))).toEqual(mails.map((mail) => mail.toString('latin1')))
    expect(await left(client)).toBe(0)
    expectSecureSession(client)
  })

  test.skipIf(!needs('python3'))('Python poplib: every command that it supports', async () => {
    await using client = await withMail()
    const script = `
import poplib, ssl, sys, json
context = ssl.create_default_context(cafile=sys.argv[1])
if sys.argv[2] == 'TLS':
    pop = poplib.POP3_SSL('localhost', int(sys.argv[3]), context=context)
else:
    pop = poplib.POP3('localhost', int(sys.argv[3]))
    assert 'STLS' in pop.capa()
    pop.stls(context=context)
assert 'STLS' not in pop.capa()
try:
    pop.apop('alice', 'wrong'); raise SystemExit('accepted')
except poplib.error_proto as error:
    assert b'[AUTH]' in error.args[0], error
pop.utf8()
pop.apop('alice', 'secret')
count, octets = pop.stat()
bodies = [b'\\r\\n'.join(pop.retr(n)[1]) + b'\\r\\n' for n in range(1, count + 1)]
assert sum(map(len, bodies)) == octets
assert pop.list(2)[3:].split()[0:1] == [b'2'] and len(pop.list()[1]) == 3 and len(pop.uidl()[1]) == 3
assert pop.top(2, 1)[1][-2:] == [b'', b'.']
pop.noop(); pop.dele(1); pop.rset(); pop.dele(3)
pop.quit()
json.dump([body.decode('latin1') for body in bodies], sys.stdout)
`
    const result = await runProgram('python3', ['-c', script, client.caFile, form, portOf(form, client)])
    expectDone(result)
    expect(JSON.parse(result.stdout)).toEqual(mails.map((mail) => mail.toString('latin1')))
    expect(await left(client)).toBe(2)
    expectSecureSession(client)
  })

  test.skipIf(!needs('perl'))('Perl Net::POP3', async () => {
    await using client = await withMail()
    const script = `
use strict; use Net::POP3;
my ($ca, $form, $port) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost', SSL_verify_mode => 1);
my $pop = Net::POP3->new('localhost', Port => $port, $form eq 'TLS' ? (SSL => 1, @tls) : ()) or die "$@";
if ($form ne 'TLS') { $pop->starttls(@tls) or die $pop->message }
my $count = $pop->login('alice', 'secret') or die $pop->message;
binmode STDOUT;
for my $n (1 .. $count) { print join('', @{$pop->get($n)}), "=====\\n"; }
print STDERR join(',', map { $pop->uidl($_) } 1 .. $count), "\\n", scalar @{$pop->top(1, 0)}, "\\n";
$pop->delete(1) or die $pop->message;
$pop->quit or die $pop->message;
`
    const result = await runProgram('perl', ['-e', script, client.caFile, form, portOf(form, client)])
    expectDone(result)
    const got = result.stdout.split('=====\n').slice(0, -1)
    expect(got.map((text) => text.replace(/\r?\n/g, '\r\n'))).toEqual(mails.map((mail) => mail.toString('latin1')))
    expect(result.stderr).toMatch(/^\d+\.1,\d+\.2,\d+\.3\n4\n$/)
    expect(await left(client)).toBe(2)
    expectSecureSession(client)
  })

  test.skipIf(!needs('mpop')).each(['user', 'apop', 'plain', 'login', 'cram-md5'])(
    'mpop with %s',
    async (mechanism) => {
      await using client = await withMail()
      const { folder, caFile } = client
      const result = await runProgram('mpop', [
        ...['-C', '/dev/null', '--host=localhost', `--port=${portOf(form, client)}`, '--tls=on'],
        ...[`--tls-starttls=${form === 'TLS' ? 'off' : 'on'}`, `--tls-trust-file=${caFile}`, `--auth=${mechanism}`],
        ...[
          '--user=alice',
          '--passwordeval=echo secret',
          '--received-header=off',
          `--uidls-file=${join(folder, 'uidls')}`,
        ],
        ...[`--delivery=mbox,${join(folder, 'mbox')}`],
      ])
      expectDone(result)
      expect(readFileSync(join(folder, 'mbox'), 'latin1').match(/^Subject: /gm)).toHaveLength(3)
      expect(await left(client)).toBe(0)
      expectSecureSession(client)
    },
  )
})

describe('other clients', () => {
  test.skipIf(!needs('getmail'))('getmail over TLS does not fetch a message twice', async () => {
    await using client = await withMail()
    const { folder, caFile, pop3 } = client
    const got = join(folder, 'got')
    mkdirSync(got)
    const rc = getmailConfiguration('SimplePOP3SSLRetriever', pop3.tlsPort, caFile, got)
    writeFileSync(join(folder, 'getmailrc'), rc, { mode: 0o600 })
    for (let round = 0; round < 2; round++) {
      const result = await runProgram('getmail', ['--rcfile', 'getmailrc', '--getmaildir', folder], {
        env: { HOME: folder },
      })
      expectDone(result)
      expect(written(got)).toEqual(wire)
    }
    expectSecureSession(client)
  })

  test.skipIf(!needs('openssl'))(
    'openssl s_client verifies the certificate after STLS and runs a session',
    async () => {
      await using client = await withMail()
      const { pop3, caFile } = client
      const result = await typeOverStartTls('pop3', pop3.port, caFile, 'USER alice\nPASS secret\nSTAT\nQUIT\n')
      expectDone(result)
      expect(result.stdout).toMatch(/\+OK 3 \d+\r\n\+OK bye\r\n$/)
    },
  )

  test.skipIf(!needs('curl'))(
    'curl in clear text is refused before it sends its password if a secure channel is required',
    async () => {
      await using client = await startClientLab({
        virtualServers: [{ protocol: 'pop3', requireSecureChannel: true }, { protocol: 'smtp' }],
      })
      const result = await runProgram('curl', [
        '-sS',
        '--user',
        'alice:secret',
        `pop3://localhost:${client.pop3.port}/`,
      ])
      expect(result.status).not.toBe(0)
      const transcript = client.lab.sessions().at(-1)?.transcript ?? []
      expect(
        transcript.some(
          (entry) => entry.kind === 'line' && entry.direction === 'in' && /^(PASS|AUTH|APOP)/.test(entry.text),
        ),
      ).toBe(false)
    },
  )
})
