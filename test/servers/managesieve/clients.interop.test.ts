import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { newFolder } from '../../support/folder.ts'
import { DEBIAN_PYTHON, needs, needsModule } from '../../support/programs.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'

const SCRIPT = `require ["fileinto", "mailbox"];
# Büro
if header :contains "Subject" "report" {
  fileinto :create "Reports";
}
`
const WRONG = 'keep;\nif true {\n  kep;\n}\nmark "x";\n'
const MISTAKES = [/line 3, column 3: .*kep/, /line 5, column 1: .*mark/]

/** PLAIN and LOGIN need TLS, so that a client that leaves STARTTLS out cannot log on with them. */
const authentication = ['basic-over-tls', 'cram-md5', 'digest-md5', 'scram-sha-256'] as const

let lab: TestLab
let port = ''
const folder = newFolder()
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'managesieve', authentication: [...authentication] }],
  })
  port = String(lab.server('managesieve').port)
  writeFileSync(file('ca.pem'), lab.ca)
  writeFileSync(file('reports.sieve'), SCRIPT)
  writeFileSync(file('wrong.sieve'), WRONG)
})
afterAll(() => lab.stop())
beforeEach(() => lab.reset())

/** Checks that the last client logged alice on under TLS, and that the script that it left active files her mail. */
async function expectFiled(): Promise<void> {
  expectLoggedOn()
  await lab.deliver({ subject: 'report 1', text: 'x' }, { to: 'alice' })
  const [mail] = await lab.messages('alice')
  expect(mail?.folder).toBe('Reports')
}

function expectLoggedOn(): void {
  const session = lab.sessions().findLast(({ protocol }) => protocol === 'managesieve')
  expect(session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
}

describe.skipIf(!needs('sieve-connect'))('sieve-connect', () => {
  const sieveConnect = (...args: readonly string[]): Promise<ProgramResult> =>
    runProgram(
      'sieve-connect',
      [
        ...['--nosrv', '--server', 'localhost', '--port', port, '--tlscafile', file('ca.pem')],
        ...['--user', 'alice', '--passwordfd', '0', ...args],
      ],
      { input: 'secret\n' },
    )
  const DONE = { status: 0, stderr: '' }

  test('puts, lists, activates, gets and deletes a script', async () => {
    const remote = ['--remotesieve', 'reports']
    expect(await sieveConnect('--upload', '--localsieve', file('reports.sieve'), ...remote)).toMatchObject(DONE)
    expect(await sieveConnect('--list')).toMatchObject({ ...DONE, stdout: '"reports"\n' })
    expect(await sieveConnect('--activate', ...remote)).toMatchObject(DONE)
    expect(await sieveConnect('--list')).toMatchObject({ ...DONE, stdout: '"reports" ACTIVE\n' })
    expect(await sieveConnect('--download', '--localsieve', file('copy.sieve'), ...remote)).toMatchObject(DONE)
    expect(readFileSync(file('copy.sieve'), 'utf8').trimEnd()).toBe(SCRIPT.trimEnd())
    await expectFiled()
    const refused = await sieveConnect('--delete', ...remote)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain('The script is active')
    expect(await sieveConnect('--deactivate')).toMatchObject(DONE)
    expect(await sieveConnect('--delete', ...remote)).toMatchObject(DONE)
    expect(await sieveConnect('--list')).toMatchObject({ ...DONE, stdout: '' })
  })

  test('shows line and column of mistakes', async () => {
    for (const action of ['--upload', '--checkscript']) {
      const result = await sieveConnect(action, '--localsieve', file('wrong.sieve'))
      expect(result.status).toBe(1)
      for (const mistake of MISTAKES) expect(result.stderr).toMatch(mistake)
    }
    expect(await sieveConnect('--list')).toMatchObject({ ...DONE, stdout: '' })
  })

  test.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'DIGEST-MD5', 'SCRAM-SHA-256'])('logs on with %s', async (mechanism) => {
    expect(await sieveConnect('--authmech', mechanism, '--list')).toMatchObject({ ...DONE, stdout: '' })
    expectLoggedOn()
  })

  test('refuses the certificate without the authority of the lab', async () => {
    const { status, stderr } = await sieveConnect('--tlscafile', '/etc/ssl/certs/ca-certificates.crt', '--list')
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/certificate verify failed/)
  })
})

const PERL = String.raw`
use strict; use warnings; use Net::ManageSieve; use Authen::SASL qw(Perl); use IO::Socket::SSL;
my ($port, $ca, $mechanism, @files) = @ARGV;
my ($script, $wrong) = map { open my $in, '<:utf8', $_ or die; local $/; <$in> } @files;
my %tls = (SSL_ca_file => $ca, SSL_verify_mode => SSL_VERIFY_PEER, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'smtp');
my $sieve = Net::ManageSieve->new('127.0.0.1', Port => $port, tls => { mode => 'require', %tls }) or die "connect: $@";
my $sasl = Authen::SASL->new(mechanism => $mechanism, callback => { user => 'alice', pass => 'secret', authname => 'alice' });
$sieve->login($sasl) or die 'login: ' . $sieve->error;
my $list = sub { print 'list ', join(',', @{ $sieve->listscripts }), "\n" };
$sieve->havespace('a "quoted" name', 100) or die 'havespace: ' . $sieve->error;
$sieve->putscript('reports', $script) or die 'putscript: ' . $sieve->error;
$list->();
$sieve->setactive('reports') or die 'setactive: ' . $sieve->error;
$list->();
print 'get ', $sieve->getscript('reports') eq $script ? 'the same' : 'another', "\n";
print 'wrong ', $sieve->putscript('wrong', $wrong) ? 'stored' : $sieve->error, "\n";
$sieve->putscript('draft', 'keep;') or die 'putscript: ' . $sieve->error;
$list->();
$sieve->deletescript('draft') or die 'deletescript: ' . $sieve->error;
print 'missing ', $sieve->deletescript('draft') ? 'deleted' : $sieve->error, "\n";
print 'owner ', $sieve->capabilities(1)->{owner}, "\n";
$list->();
$sieve->logout or die;
`

describe.skipIf(!needs('perl') || !needsModule('perl', 'Net::ManageSieve'))('Net::ManageSieve', () => {
  test.each(['PLAIN', 'CRAM-MD5', 'DIGEST-MD5'])('logs on with %s, puts, activates, gets and deletes', async (name) => {
    const args = ['-', port, file('ca.pem'), name, file('reports.sieve'), file('wrong.sieve')]
    const result = await runProgram('perl', args, { input: PERL })
    expect(result.stderr).toBe('')
    for (const mistake of MISTAKES) expect(result.stdout).toMatch(mistake)
    expect(result.stdout).toMatch(/^missing .*NONEXISTENT/m)
    expect(result.stdout.split('\n').filter((line) => /^(?:list|get|owner) /.test(line))).toEqual([
      'list reports,',
      'list reports,reports',
      'get the same',
      'list draft,reports,reports',
      'owner alice',
      'list reports,reports',
    ])
    await expectFiled()
  })
})

const PYTHON = `
import sys
from sievelib.managesieve import Client
port, mechanism, script, wrong = int(sys.argv[1]), sys.argv[2], *(open(name, encoding='utf-8').read() for name in sys.argv[3:5])
client = Client('localhost', port)
assert client.connect('alice', 'secret', starttls=True, authmech=mechanism), client.errmsg
assert client.havespace('reports', len(script)), client.errmsg
assert client.putscript('first', script), client.errmsg
assert client.renamescript('first', 'reports'), client.errmsg
print('list', client.listscripts())
assert client.setactive('reports'), client.errmsg
print('list', client.listscripts())
print('get', client.getscript('reports').strip() == script.strip())
assert client.checkscript(script), client.errmsg
for stored in client.checkscript(wrong), client.putscript('wrong', wrong):
    assert not stored
    print('wrong', client.errmsg.decode())
assert not client.deletescript('reports')
print('active', client.errcode.decode(), client.errmsg.decode())
assert client.putscript('draft', 'keep;'), client.errmsg
print('list', client.listscripts())
assert client.deletescript('draft'), client.errmsg
print('list', client.listscripts())
client.logout()
`

describe.skipIf(!needs(DEBIAN_PYTHON) || !needsModule('python', 'sievelib'))('sievelib', () => {
  test.each(['PLAIN', 'LOGIN'])('logs on with %s, puts, renames, activates, gets and deletes', async (name) => {
    const args = ['-', port, name, file('reports.sieve'), file('wrong.sieve')]
    const result = await runProgram(DEBIAN_PYTHON, args, { input: PYTHON, env: { SSL_CERT_FILE: file('ca.pem') } })
    expect(result.stderr).toBe('')
    for (const mistake of MISTAKES) expect(result.stdout).toMatch(mistake)
    expect(result.stdout).toMatch(/^active ACTIVE The script is active/m)
    expect(result.stdout.split('\n').filter((line) => /^(?:list|get) /.test(line))).toEqual([
      "list (None, ['reports'])",
      "list ('reports', [])",
      'get True',
      "list ('reports', ['draft'])",
      "list ('reports', [])",
    ])
    await expectFiled()
  })
})
