import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { LineClient } from '../support/line-client.ts'
import { articleOf } from '../support/news-lab.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { startScreen } from '../support/screen.ts'

const newsgroups = [
  { name: 'lab.general', description: 'General talk' },
  { name: 'lab.test', description: 'Tests' },
]

/** Starts a lab with a thread of three articles in lab.general. The last one is cross-posted to lab.test. */
async function withThread(access?: 'authenticated'): Promise<ClientLab> {
  const server = { protocol: 'nntp' as const, ...(access ? { access } : {}) }
  const client = await startClientLab({
    news: { groups: newsgroups },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'pop3' }, server],
  })
  const wire = await LineClient.greeted(client.lab.server('nntp').port)
  wire.send('AUTHINFO USER alice\r\nAUTHINFO PASS secret\r\n')
  for (const code of [/^381 /, /^281 /]) expect(await wire.line()).toMatch(code)
  const headers = [
    'Message-ID: <1@a>\nSubject: First',
    'Message-ID: <2@a>\nSubject: Re: First\nReferences: <1@a>',
    'Message-ID: <3@a>\nSubject: Re: First\nReferences: <1@a> <2@a>\nNewsgroups: lab.general,lab.test',
  ]
  for (const [n, header] of headers.entries()) {
    wire.send('POST\r\n')
    await wire.line()
    wire.send(Buffer.concat([articleOf(header, `..Article ${n + 1}\r\n...\r\n`), Buffer.from('.\r\n')]))
    expect(await wire.line()).toMatch(/^240 /)
  }
  wire.destroy()
  return client
}

const nntp = ({ lab }: ClientLab) => lab.server('nntp')

/** Creates a home folder for a client program. */
function home({ folder }: ClientLab, name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

/** Checks that the last session used TLS and belonged to `user`. */
function expectSecureSession({ lab }: ClientLab, user?: string): void {
  const session = lab.sessions().findLast(({ protocol }) => protocol === 'nntp')
  expect(session?.tls?.version).toMatch(/^TLSv1\.[23]$/)
  expect(session?.user).toBe(user)
}

const PERL = String.raw`
use strict; use warnings; use Net::NNTP;
my ($port, $ca, $mode) = @ARGV;
my %tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost');
my $news = Net::NNTP->new('127.0.0.1', Port => $port, Reader => 1, $mode eq 'SSL' ? (SSL => 1, %tls) : ()) or die "connect: $@";
$news->starttls(%tls) or die 'starttls: ' . $news->message if $mode eq 'STARTTLS';
$news->authinfo('alice', 'secret') or die 'authinfo: ' . $news->message;
my ($count, $first, $last, $name) = $news->group('lab.general') or die;
print "group $count $first $last $name\n";
print "article ", @{ $news->body('<3@a>') };
my $xover = $news->xover("$first-$last");
print "xover $_ $xover->{$_}[0] [$xover->{$_}[4]]\n" for sort keys %$xover;
print "xhdr ", join(',', map { $_ } sort values %{ $news->xhdr('Message-ID', [$first, $last]) }), "\n";
print "active ", join(',', sort keys %{ $news->active('lab.*') }), "\n";
print "newsgroups ", $news->newsgroups('lab.test')->{'lab.test'}, "\n";
print "newnews ", join(',', sort @{ $news->newnews(time - 3600, 'lab.*') }), "\n";
print "listgroup @{ $news->listgroup('lab.test') }\n";
print "overview @{ $news->overview_fmt }\n";
print "xpat ", join(',', sort keys %{ $news->xpat('Subject', 'Re:*', [1, 3]) }), "\n";
$news->post("From: alice\@lab.test\n", "Newsgroups: lab.test\n", "Subject: By Perl\n", "\n", ".dotted\n") or die 'post: ' . $news->message;
print "date ", abs($news->date - time) < 60 ? 'right' : 'wrong', "\n";
$news->quit;
`

test.skipIf(!needs('perl')).each(['SSL', 'STARTTLS'])(
  'Perl Net::NNTP verifies the certificate over %s',
  async (mode) => {
    await using client = await withThread()
    const { port, tlsPort } = nntp(client)
    const result = await runProgram('perl', ['-', String(mode === 'SSL' ? tlsPort : port), client.caFile, mode], {
      input: PERL,
    })
    expect(result.stderr).toBe('')
    // Over TLS, Net::NNTP leaves the CR at the end of lines.
    expect(result.stdout.replaceAll('\r', '').split('\n')).toEqual([
      'group 3 1 3 lab.general',
      'article .Article 3',
      '..',
      'xover 1 First []',
      'xover 2 Re: First [<1@a>]',
      'xover 3 Re: First [<1@a> <2@a>]',
      'xhdr <1@a>,<2@a>,<3@a>',
      'active lab.general,lab.test',
      'newsgroups Tests',
      'newnews <1@a>,<2@a>,<3@a>',
      'listgroup 1',
      'overview Subject: From: Date: Message-ID: References: :bytes :lines Xref:full',
      'xpat 1',
      'date right',
      '',
    ])
    expectSecureSession(client, 'alice')
    const [, posted] = await client.lab.articles('lab.test')
    expect(posted?.raw.toString('latin1')).toMatch(/\r\nSubject: By Perl\r\n\r\n\.dotted\r\n$/)
  },
)

test.skipIf(!needs('tin')).each([
  ['', []],
  [' and COMPRESS', ['-C']],
])('tin saves new articles over NNTPS%s and verifies the certificate', async (_, more) => {
  await using client = await withThread()
  const folder = home(client, 'tin')
  mkdirSync(join(folder, '.tin'))
  writeFileSync(join(folder, '.newsrc'), 'lab.general:\nlab.test:\n')
  writeFileSync(join(folder, '.tin/tinrc'), `tls_ca_cert_file=${client.caFile}\nmailer_format=true\n`)
  const args = [
    ...more,
    '-T',
    '-g',
    'localhost',
    '-p',
    String(nntp(client).tlsPort),
    '-S',
    '-v',
    '-s',
    join(folder, 'News'),
  ]
  const result = await runProgram('tin', args, { env: { HOME: folder, TERM: 'dumb', LC_ALL: 'C' } })
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const saved = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\/\d+$/.test(name))
  expect(saved.map((name) => name.replace(/^.*News\//, '')).sort()).toEqual([
    'lab/general/1',
    'lab/general/2',
    'lab/general/3',
    'lab/test/1',
  ])
  expectSecureSession(client)
  const transcript = JSON.stringify(client.lab.sessions().at(-1)?.transcript)
  expect(transcript.includes('206 Compression active')).toBe(more.length > 0)
})

test.skipIf(!needs('slrnpull'))('slrnpull pulls a group and posts', async () => {
  await using client = await withThread()
  const folder = home(client, 'slrnpull')
  writeFileSync(join(folder, 'slrnpull.conf'), 'default 0 0\nlab.general\nlab.test\n')
  const outgoing = join(folder, 'out.going')
  mkdirSync(outgoing)
  writeFileSync(
    join(outgoing, 'X1'),
    articleOf('Subject: By slrnpull\nNewsgroups: lab.test').toString().replaceAll('\r', ''),
  )
  const pull = ['-d', folder, '-h', `127.0.0.1:${nntp(client).port}`]
  const result = await runProgram('slrnpull', pull, { env: { HOME: folder } })
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const files = readdirSync(join(folder, 'news/lab/general')).filter((name) => !name.startsWith('.'))
  expect(files.sort()).toEqual(['1', '2', '3'])
  expect(readFileSync(join(folder, 'news/lab/general/3'), 'latin1')).toMatch(/\n\.Article 3\n\.\.\n$/)
  expect((await client.lab.articles('lab.test')).map(({ subject }) => subject)).toContain('By slrnpull')
})

test.skipIf(!needs('suck'))('suck fetches every article and logs on after a 480, with and without TLS', async () => {
  await using client = await withThread('authenticated')
  for (const tls of [false, true]) {
    const folder = home(client, `suck-${tls}`)
    writeFileSync(join(folder, 'sucknewsrc'), 'lab.general 0\nlab.test 0\n')
    const { port, tlsPort } = nntp(client)
    const to = tls ? [`127.0.0.1:${tlsPort}`, '-ssl'] : [`127.0.0.1:${port}`]
    const options = ['-m', '-dm', folder, '-dt', folder, '-dd', folder, '-U', 'alice', '-P', 'secret']
    const result = await runProgram('suck', [...to, ...options], { cwd: folder, env: { HOME: folder } })
    expect(result.status, result.stdout + result.stderr).toBe(0)
    const articles = readdirSync(folder).filter((name) => /^\d/.test(name))
    expect(articles, result.stdout).toHaveLength(3)
    if (tls) expectSecureSession(client, 'alice')
  }
})

test.skipIf(!needs('inews'))('INN inews posts', async () => {
  await using client = await withThread()
  const folder = home(client, 'inews')
  const conf = join(folder, 'inn.conf')
  const settings = {
    server: '127.0.0.1',
    domain: 'lab.test',
    pathhost: 'inews.test',
    mta: '"/bin/true %s"',
    pathtmp: folder,
    pathnews: '/usr/lib/news',
    hismethod: 'hisv6',
    enableoverview: 'false',
  }
  writeFileSync(
    conf,
    Object.entries(settings)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  )
  const article = articleOf('Subject: By inews', '.dotted\r\n').toString().replaceAll('\r', '')
  const args = ['-h', '-S', '-p', String(nntp(client).port)]
  const result = await runProgram('inews', args, { input: article, env: { INNCONF: conf, HOME: folder } })
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const posted = (await client.lab.articles('lab.general')).at(-1)
  expect(posted?.subject).toBe('By inews')
  expect(posted?.raw.toString('latin1')).toMatch(/\r\n\.dotted\r\n$/)
})

test.skipIf(!needs('slrn', 'tmux'))('slrn shows groups, threads and articles', async () => {
  await using client = await withThread()
  const folder = home(client, 'slrn-screen')
  writeFileSync(join(folder, '.slrnrc'), 'set hostname "lab.test"\nset username "alice"\n')
  await using screen = await startScreen(folder, [
    ...['env', `HOME=${folder}`, 'LC_ALL=C', 'slrn', '-h', `snews://127.0.0.1:${nntp(client).tlsPort}`],
    ...['-f', join(folder, 'newsrc'), '--create'],
  ])
  await screen.shows('lab.general')
  await screen.press('Enter')
  await screen.shows('First')
  await screen.press('Enter')
  await screen.shows('.Article 1')
  await screen.press('q')
})
