import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionRecord, TestLab } from '../../src/testing/index.ts'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { DEBIAN_PYTHON, needs, needsModule } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const mail = 'From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: by NTLM\r\n\r\nhello\r\n'

let client: ClientLab
let lab: TestLab
let folder: string
let caFile: string

beforeAll(async () => {
  const authentication = ['ntlm' as const]
  client = await startClientLab({
    hostname: 'localhost',
    virtualServers: [
      ...(['smtp', 'pop3', 'imap4', 'nntp', 'http'] as const).map((protocol) => ({ protocol, authentication })),
      { protocol: 'smtp', authentication, name: 'smtp of Exchange', personality: 'exchange2003' },
    ],
  })
  ;({ lab, folder, caFile } = client)
})

afterAll(() => client[Symbol.asyncDispose]())

/** Returns what the last session of a protocol says about its log-on. */
function lastLogon(protocol: string): { user: string | undefined; note: string | undefined } {
  const session = lab
    .sessions()
    .filter((one) => one.protocol === protocol)
    .at(-1) as SessionRecord
  expect(JSON.stringify(session)).not.toContain('TlRMTVNTUAAD')
  const notes = session.transcript.flatMap((entry) => (entry.kind === 'note' ? [entry.text] : []))
  return { user: session.user, note: notes.find((note) => note.startsWith('NTLM:')) }
}

function expectDone(result: ProgramResult): void {
  expect(result.status, result.stdout + result.stderr).toBe(0)
}

describe('curl', () => {
  const curl = (url: string, user: string, ...more: string[]): Promise<ProgramResult> =>
    runProgram('curl', [
      '-sS',
      '--ssl-reqd',
      '--cacert',
      caFile,
      '--login-options',
      'AUTH=NTLM',
      '-u',
      user,
      url,
      ...more,
    ])
  const url = (protocol: 'smtp' | 'pop3' | 'imap4', path = '/'): string =>
    `${protocol === 'imap4' ? 'imap' : protocol}://localhost:${lab.server(protocol).port}${path}`

  test.skipIf(!needs('curl')).each(['smtp', 'smtp of Exchange'])('sends by %s', async (name) => {
    writeFileSync(join(folder, 'mail.eml'), mail)
    const envelope = ['--mail-from', 'bob@lab.test', '--mail-rcpt', 'alice@lab.test']
    const target = `smtp://localhost:${lab.server(name).port}/`
    const result = await curl(target, 'LAB\\bob:geheim', ...envelope, '-T', join(folder, 'mail.eml'))
    expectDone(result)
    expect(lastLogon('smtp')).toEqual({
      user: 'bob',
      note: expect.stringMatching(/^NTLM: NTLMv2, user LAB\\bob, workstation /),
    })
  })

  test.skipIf(!needs('curl')).each(['alice', 'LAB\\alice', 'alice@lab.test', 'LAB\\alice\\alice'])(
    'reads by POP3 as %s',
    async (user) => {
      expectDone(await curl(url('pop3'), `${user}:secret`))
      expect(lastLogon('pop3').user).toBe('alice')
    },
  )

  test.skipIf(!needs('curl'))('reads by IMAP, with and without an initial response', async () => {
    expectDone(await curl(url('imap4'), 'alice:secret', '--sasl-ir'))
    expectDone(await curl(url('imap4'), 'alice:secret'))
    expect(lastLogon('imap4').user).toBe('alice')
  })

  test.skipIf(!needs('curl'))('is refused with a wrong password', async () => {
    for (const user of ['alice:Secret', 'nobody:secret', 'alice:']) {
      const result = await curl(url('imap4'), user)
      expect(result.status).toBe(67)
      expect(lastLogon('imap4').user).toBeUndefined()
    }
  })
})

test.skipIf(!needs('gsasl')).each(['smtp', 'imap4'] as const)('gsasl logs on by %s', async (protocol) => {
  const kind = protocol === 'smtp' ? '--smtp' : '--imap'
  const server = [kind, '--connect', `localhost:${lab.server(protocol).port}`, '--no-starttls']
  const names = ['--authentication-id', 'alice', '--authorization-id', 'alice', '--realm', 'LAB']
  const how = ['--mechanism', 'NTLM', '--password', 'secret', '--no-client-first', '--verbose']
  const result = await runProgram('gsasl', [...server, ...names, ...how], { input: '' })
  expect(lastLogon(protocol), result.stdout + result.stderr).toEqual({
    user: 'alice',
    note: expect.stringMatching(/^NTLM: NTLMv1, user/),
  })
})

/** The options by which msmtp and mpop log on as alice by NTLM under verified TLS. */
const programOptions = (port: number | undefined): string[] => [
  ...['-C', '/dev/null', '--host=localhost', `--port=${port}`, '--auth=ntlm', '--user=alice'],
  ...['--passwordeval=echo secret', '--tls=on', '--tls-starttls=on', `--tls-trust-file=${caFile}`],
]

test.skipIf(!needs('msmtp')).each(['smtp', 'smtp of Exchange'])('msmtp sends by %s', async (name) => {
  const envelope = ['--from=alice@lab.test', '--', 'bob@lab.test']
  const result = await runProgram('msmtp', [...programOptions(lab.server(name).port), ...envelope], { input: mail })
  expectDone(result)
  expect(lastLogon('smtp').user).toBe('alice')
})

test.skipIf(!needs('fetchmail')).each(['pop3', 'imap4'] as const)('fetchmail fetches by %s', async (protocol) => {
  await lab.deliver({ subject: `for fetchmail by ${protocol}` }, { to: 'alice' })
  const { port } = lab.server(protocol)
  const rc = join(folder, 'fetchmailrc')
  const box = join(folder, `fetched-${protocol}`)
  writeFileSync(
    rc,
    `poll localhost protocol ${protocol === 'imap4' ? 'imap' : 'pop3'} service ${port} auth ntlm user alice password secret ` +
      `sslproto 'TLS1.2+' sslcertck sslcertfile ${caFile} sslcommonname localhost no rewrite mda "cat >> ${box}"\n`,
    { mode: 0o600 },
  )
  const env = { HOME: folder, FETCHMAILHOME: folder }
  const result = await runProgram('fetchmail', ['-f', rc, '-a', '-v', '-v', '--nosyslog', '--invisible'], { env })
  expectDone(result)
  expect(readFileSync(box, 'utf8')).toContain(`for fetchmail by ${protocol}`)
  expect(lastLogon(protocol)).toEqual({ user: 'alice', note: expect.stringMatching(/^NTLM: NTLMv1, user/) })
})

test.skipIf(!needs('mpop'))('mpop fetches by POP3', async () => {
  await lab.deliver({ subject: 'for mpop' }, { to: 'alice' })
  const files = [`--uidls-file=${join(folder, 'uidls')}`, `--delivery=mbox,${join(folder, 'mpop')}`]
  const result = await runProgram('mpop', [...programOptions(lab.server('pop3').port), ...files])
  expectDone(result)
  expect(readFileSync(join(folder, 'mpop'), 'utf8')).toContain('for mpop')
  expect(lastLogon('pop3').user).toBe('alice')
})

describe('HTTP', () => {
  const url = (): string => `http://localhost:${lab.server('http').port}/api/v1/messages?limit=1`

  test.skipIf(!needs('curl')).each(['--ntlm', '--anyauth'])('curl %s', async (option) => {
    const result = await runProgram('curl', ['-sS', '--fail', option, '-u', 'LAB\\alice:secret', url(), url()])
    expectDone(result)
    expect(lastLogon('http')).toEqual({ user: 'alice', note: expect.stringMatching(/^NTLM: NTLMv2, user LAB\\alice/) })
  })

  test.skipIf(!needs('curl'))('curl --ntlm sends a body, and is refused with a wrong password', async () => {
    const send = ['-sS', '--fail', '-X', 'PATCH', '-H', 'Content-Type: application/json', '-d', '{"read":true}']
    const target = url().replace('?limit=1', '')
    const right = await runProgram('curl', [...send, '--ntlm', '-u', 'alice:secret', '-w', '%{http_code}', target])
    expect(right.stdout).toBe('422') // It selects no messages.
    const wrong = await runProgram('curl', [...send, '--ntlm', '-u', 'alice:x', '-w', '%{http_code}', target])
    expect(wrong.stdout).toBe('401')
  })

  test.skipIf(!needsModule('python', 'requests_ntlm'))(
    'Python requests-ntlm sends a MIC, and under TLS a channel binding',
    async () => {
      const script = `
import requests, sys
from requests_ntlm import HttpNtlmAuth
session = requests.Session()
session.auth = HttpNtlmAuth(r'LAB\\alice', 'secret')
for n in range(3):
    answer = session.get(sys.argv[1])
    assert answer.status_code == 200, answer.text
answer = session.patch(sys.argv[1].split('?')[0], json={'read': True})
assert answer.status_code == 422, answer.text
assert requests.get(sys.argv[1], auth=HttpNtlmAuth('alice', 'wrong')).status_code == 401
`
      expectDone(await runProgram(DEBIAN_PYTHON, ['-c', script, url()]))
      const secure = url().replace(/^http:.*?(?=\/api)/, `https://localhost:${lab.server('http').tlsPort}`)
      expectDone(await runProgram(DEBIAN_PYTHON, ['-c', script, secure], { env: { REQUESTS_CA_BUNDLE: caFile } }))
      const notes = lab
        .sessions()
        .flatMap(({ transcript }) => transcript.map((one) => (one.kind === 'note' ? one.text : '')))
      expect(notes.find((note) => note.startsWith('NTLM: NTLMv2, MIC, channel binding, user LAB\\alice'))).toBeDefined()
      const users = lab.sessions().flatMap(({ protocol, user }) => (protocol === 'http' && user ? [user] : []))
      expect(new Set(users)).toEqual(new Set(['alice']))
    },
  )
})

// Its version 2 sends a time and a domain that Windows refuses, too.
test.skipIf(!needsModule('perl', 'Authen::NTLM'))('Perl Authen::NTLM by IMAP', async () => {
  const script = `
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die;
my $ntlm = Authen::NTLM->new(host => 'PERL', user => 'alice', domain => 'LAB', password => 'secret', version => 1);
sub ask { print $socket "$_[0]\\r\\n"; my $line = <$socket>; $line =~ s/^\\+ |\\r\\n//g; return $line }
<$socket>;
ask('a AUTHENTICATE NTLM');
my $negotiate = $ntlm->challenge;
my $challenge = ask($negotiate);
my $authenticate = $ntlm->challenge($challenge);
print ask($authenticate);
`
  const port = String(lab.server('imap4').port)
  const result = await runProgram('perl', ['-MIO::Socket', '-MAuthen::NTLM', '-e', script, port])
  expect(result.stdout, result.stderr).toMatch(/^a OK /)
  expect(lastLogon('imap4')).toEqual({ user: 'alice', note: 'NTLM: NTLMv1, user LAB\\alice, workstation PERL' })
})

test.skipIf(!needsModule('python', 'spnego')).each([0, 1, 3])(
  'Python pyspnego by NNTP, LmCompatibilityLevel %d',
  async (level) => {
    const script = `
import socket, sys, base64, spnego
connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
lines = connection.makefile('rwb')
lines.readline()
def send(text):
    lines.write(text + b'\\r\\n'); lines.flush()
    return lines.readline().strip()
client = spnego.client('alice@lab.test', 'secret', hostname='localhost', service='nntp', protocol='ntlm', options=spnego.NegotiateOptions.use_ntlm)
assert send(b'AUTHINFO GENERIC NTLM').startswith(b'381 ')
answer = send(b'AUTHINFO GENERIC ' + base64.b64encode(client.step()))
answer = send(b'AUTHINFO GENERIC ' + base64.b64encode(client.step(base64.b64decode(answer[4:]))))
print(answer.decode())
`
    const result = await runProgram(DEBIAN_PYTHON, ['-c', script, String(lab.server('nntp').port)], {
      env: { LM_COMPAT_LEVEL: String(level) },
    })
    expect(result.stdout, result.stderr).toMatch(/^281 /)
    const expected = ['NTLMv1', 'NTLM2 session', '', 'NTLMv2, MIC'][level]
    expect(lastLogon('nntp').note).toMatch(new RegExp(`^NTLM: ${expected}, user alice@lab.test`))
  },
)

test.skipIf(!needs('mbsync'))('mbsync, with the NTLM of Cyrus SASL', async () => {
  await lab.deliver({ subject: 'for mbsync' }, { to: 'alice' })
  const rc = join(folder, 'mbsyncrc')
  mkdirSync(join(folder, 'maildir'))
  writeFileSync(
    rc,
    `IMAPAccount lab
Host localhost
Port ${lab.server('imap4').port}
User alice
Pass secret
AuthMechs NTLM
TLSType STARTTLS
CertificateFile ${caFile}
SystemCertificates no

IMAPStore far
Account lab

MaildirStore near
Path ${folder}/maildir/
Inbox ${folder}/maildir/INBOX

Channel lab
Far :far:
Near :near:
Create Near
SyncState *
`,
  )
  expectDone(await runProgram('mbsync', ['-q', '-c', rc, 'lab'], { env: { HOME: folder } }))
  expect(lastLogon('imap4')).toEqual({ user: 'alice', note: expect.stringMatching(/^NTLM: NTLMv1, user/) })
})
