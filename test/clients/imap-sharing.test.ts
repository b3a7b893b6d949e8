import { ImapFlow } from 'imapflow'
import { describe, expect, test } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { startImapLab } from '../servers/imap4/support.ts'
import { needs, needsModule } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

const MAIL = 'From: a@lab.test\r\nSubject: shared\r\nMessage-ID: <one@x>\r\n\r\ntext\r\n'

/** Prints what the calls of imaplib return. */
const PYTHON = `
import imaplib, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
def open(user, password):
    m = imaplib.IMAP4_SSL('localhost', port, ssl_context=ssl.create_default_context(cafile=ca))
    m.login(user, password)
    return m
alice, bob = open('alice', 'secret'), open('bob', 'geheim')
print(alice.setacl('INBOX', 'bob', 'lrs'))
print(alice.getacl('INBOX'))
print(alice.myrights('INBOX'))
print(bob.list('"Other Users/"', '*'))
print(bob.select('"Other Users/alice/INBOX"'))
print(bob.store('1', '+FLAGS', r'(\\Seen)'))
print(bob.store('1', '+FLAGS', r'(\\Flagged)'))
print(bob.status('"Other Users/alice/INBOX"', '(UNSEEN)'), alice.status('INBOX', '(UNSEEN)'))
print(alice.deleteacl('INBOX', 'bob'))
print(bob.select('"Other Users/alice/INBOX"'))
for m in (alice, bob): m.logout()
`

describe.skipIf(!needs('python3'))('Python’s imaplib', () => {
  test('shares a mailbox with access control lists', async () => {
    await using lab = await startImapLab()
    await lab.put('alice', MAIL)
    const { stdout, stderr } = await runProgram('python3', ['-c', PYTHON, String(lab.tlsPort), lab.caFile])
    expect(stderr).toBe('')
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      "('OK', [b'SETACL completed'])",
      "('OK', [b'INBOX alice lrswipkxteacd bob lrs'])",
      "('OK', [b'INBOX lrswipkxteacd'])",
      expect.stringContaining('Other Users/alice/INBOX'),
      "('OK', [b'1'])",
      "('OK', [b'1 (FLAGS (\\\\Seen \\\\Recent))'])",
      "('NO', [b'[NOPERM] You may not change flags in this mailbox.'])",
      `('OK', [b'"Other Users/alice/INBOX" (UNSEEN 0)']) ('OK', [b'INBOX (UNSEEN 1)'])`,
      "('OK', [b'DELETEACL completed'])",
      "('NO', [b'[NONEXISTENT] The mailbox does not exist.'])",
    ])
  })
})

/** Prints what the methods of Mail::IMAPClient return. */
const PERL = `
use strict; use Mail::IMAPClient; use IO::Socket::SSL;
my ($port, $ca) = @ARGV;
my $imap = Mail::IMAPClient->new(Server => 'localhost', Port => $port, User => 'alice', Password => 'secret',
  Ssl => [SSL_ca_file => $ca, SSL_verify_mode => SSL_VERIFY_PEER]) or die $@;
$imap->setacl('INBOX', 'bob', 'lrswi') or die $imap->LastError;
my $acl = $imap->getacl('INBOX') or die $imap->LastError;
print join(' ', map { "$_=$acl->{$_}" } sort keys %$acl), "\\n";
print scalar $imap->listrights('INBOX', 'bob'), "\\n";
print grep(/^\\* MYRIGHTS/, $imap->myrights('INBOX'));
$imap->deleteacl('INBOX', 'bob') or die $imap->LastError;
print join(' ', sort keys %{ $imap->getacl('INBOX') }), "\\n";
print grep(/NAMESPACE \\(/, $imap->tag_and_run('NAMESPACE'));
$imap->setquota('', STORAGE => 1024) or die $imap->LastError;
print grep(/^\\* QUOTA /, $imap->getquota(''));
print grep(/^\\d+ OK/, $imap->tag_and_run('SETMETADATA INBOX (/private/comment "from Perl")'));
print grep(/^\\* METADATA/, $imap->tag_and_run('GETMETADATA INBOX /private/comment'));
`

describe.skipIf(!needsModule('perl', 'Mail::IMAPClient'))('Mail::IMAPClient', () => {
  test('ACL, quota and metadata', async () => {
    await using lab = await startImapLab()
    const { stdout, stderr } = await runProgram('perl', ['-e', PERL, String(lab.tlsPort), lab.caFile])
    expect(stderr).toBe('')
    expect(stdout.split(/\r?\n/).filter((line) => line !== '')).toEqual([
      'alice=lrswipkxteacd bob=lrswi',
      'lrswipkxteacd',
      '* MYRIGHTS INBOX lrswipkxteacd',
      'alice',
      '* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Public Folders/" "/"))',
      '* QUOTA "" (STORAGE 0 1024)',
      expect.stringMatching(/^\d+ OK SETMETADATA completed$/),
      '* METADATA INBOX (/private/comment "from Perl")',
    ])
  })
})

describe('imapflow', () => {
  test('finds threads, and its own \\Seen in newsgroups', async () => {
    await using lab = await startLab({
      directory: {
        accounts: [
          { user: 'alice', password: 'secret' },
          { user: 'bob', password: 'secret' },
        ],
      },
      news: { groups: [{ name: 'lab.talk' }] },
    })
    const open = async (user: string): Promise<ImapFlow> => {
      const client = new ImapFlow({ ...lab.imapflow({ user, pass: 'secret' }), logger: false })
      await client.connect()
      return client
    }
    const [alice, bob] = [await open('alice'), await open('bob')]
    const group = 'Public Folders/lab.talk'
    await alice.append(group, MAIL)
    await alice.append(group, 'From: a@lab.test\r\nSubject: Re: shared\r\nIn-Reply-To: <one@x>\r\n\r\ntext\r\n')
    await alice.mailboxOpen(group)
    expect(alice.mailbox).toMatchObject({ readOnly: false, permanentFlags: new Set(['\\Seen']) })
    expect(await alice.messageFlagsAdd('1', ['\\Seen'])).toBe(true)
    const threads = new Set<string | undefined>()
    for await (const { threadId } of alice.fetch('1:*', { threadId: true })) threads.add(threadId)
    expect([...threads]).toEqual([expect.stringMatching(/^T/)])
    expect([await alice.status(group, { unseen: true }), await bob.status(group, { unseen: true })]).toMatchObject([
      { unseen: 1 },
      { unseen: 2 },
    ])
    await Promise.all([alice.logout(), bob.logout()])
  })
})
