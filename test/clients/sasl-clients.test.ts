import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { needs, needsModule } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const MECHANISMS = [
  'anonymous',
  'basic',
  'scram-sha-1-plus',
  'scram-sha-256-plus',
  'digest-md5',
  'sasl-anonymous',
] as const

let client: ClientLab
beforeAll(async () => {
  client = await startClientLab({
    virtualServers: [
      { protocol: 'smtp', authentication: [...MECHANISMS] },
      { protocol: 'imap4', authentication: MECHANISMS.filter((name) => name !== 'sasl-anonymous') },
      { protocol: 'pop3' },
    ],
  })
})
afterAll(() => client[Symbol.asyncDispose]())

function expectDone(result: ProgramResult): void {
  expect(result.status, result.stdout + result.stderr).toBe(0)
}

const lastSession = () => client.lab.sessions().at(-1)

describe.skipIf(!needs('gsasl'))('GNU SASL', () => {
  const gsasl = (protocol: 'smtp' | 'imap', ...args: string[]): Promise<ProgramResult> => {
    const { port } = client.lab.server(protocol === 'smtp' ? 'smtp' : 'imap4')
    return runProgram('gsasl', [
      ...[`--${protocol}`, '--connect', `localhost:${port}`, '--starttls', `--x509-ca-file=${client.caFile}`],
      ...['-a', 'alice', ...args],
    ])
  }
  const TLS_12 = 'NORMAL:-VERS-TLS1.3'

  test.each([
    ['imap', 'SCRAM-SHA-1-PLUS', 'TLSv1.3', []],
    ['imap', 'SCRAM-SHA-256-PLUS', 'TLSv1.3', []],
    ['smtp', 'SCRAM-SHA-256-PLUS', 'TLSv1.3', []],
    ['imap', 'SCRAM-SHA-1-PLUS', 'TLSv1.2', ['--priority', TLS_12]],
    ['smtp', 'SCRAM-SHA-256-PLUS', 'TLSv1.2', ['--priority', TLS_12]],
    ['imap', 'SCRAM-SHA-1', 'TLSv1.3', ['--no-cb']],
    ['imap', 'SCRAM-SHA-256', 'TLSv1.3', ['--no-cb']],
    ['imap', 'DIGEST-MD5', 'TLSv1.3', ['--quality-of-protection', 'qop-auth', '--service', 'imap', '-r', 'lab.test']],
    ['smtp', 'DIGEST-MD5', 'TLSv1.3', ['--quality-of-protection', 'qop-auth', '-r', 'lab.test']],
    ['smtp', 'CRAM-MD5', 'TLSv1.3', []],
  ] as const)('%s: %s over %s', async (protocol, mechanism, version, more) => {
    expectDone(await gsasl(protocol, '-m', mechanism, '-p', 'secret', ...more))
    expect(lastSession()).toMatchObject({ user: 'alice', tls: { version } })
    expect((await gsasl(protocol, '-m', mechanism, '-p', 'wrong', ...more)).status).not.toBe(0)
    expect(lastSession()?.user).toBeUndefined()
  })

  test('by itself chooses a mechanism with channel binding', async () => {
    expectDone(await gsasl('imap', '-p', 'secret'))
    expect(JSON.stringify(lastSession()?.transcript)).toMatch(/AUTHENTICATE SCRAM-SHA-256-PLUS/)
  })

  test('smtp: ANONYMOUS, with its trace text in the session record', async () => {
    expectDone(await gsasl('smtp', '-m', 'ANONYMOUS', '-n', 'sirhc@example.test'))
    const notes = lastSession()?.transcript.filter(({ kind }) => kind === 'note')
    expect(JSON.stringify(notes)).toContain('sirhc@example.test')
    expect(lastSession()?.user).toBeUndefined()
  })
})

/** Logs on with Mail::IMAPClient. Authen::SASL::SCRAM answers the server's proof with `1`. */
const IMAPCLIENT = `
use strict; use warnings; use Mail::IMAPClient; use Authen::SASL; use MIME::Base64; use IO::Socket::SSL;
my ($port, $ca, $mechanism, $password) = @ARGV;
my $sasl = Authen::SASL->new(mechanism => $mechanism, callback => { user => 'alice', pass => $password, authname => '' });
my $conn = $sasl->client_new('imap', 'localhost');
my $started = 0;
my $imap = Mail::IMAPClient->new(Server => 'localhost', Port => $port, Starttls => [ SSL_ca_file => $ca ],
  Authmechanism => $mechanism, User => 'alice', Password => $password, Authcallback => sub {
    my ($challenge) = @_;
    my $answer = $started++ || $challenge ne '' ? $conn->client_step(decode_base64($challenge)) : $conn->client_start;
    return encode_base64($answer // '', '');
  }) or die "no log-on: $@";
$imap->select('INBOX') or die $imap->LastError;
$imap->logout;
`

const hasPerl = ['Mail::IMAPClient', 'Authen::SASL'].every((name) => needsModule('perl', name))

describe.skipIf(!hasPerl)('Perl’s Mail::IMAPClient with Authen::SASL', () => {
  test.each(['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'DIGEST-MD5'])('%s', async (mechanism) => {
    const { port } = client.lab.server('imap4')
    const logOn = (password: string): Promise<ProgramResult> =>
      runProgram('perl', ['-e', IMAPCLIENT, String(port), client.caFile, mechanism, password])
    expectDone(await logOn('secret'))
    expect(lastSession()).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
    expect((await logOn('wrong')).status).not.toBe(0)
  })
})
