import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { accountOwner } from '../../src/storage/store/folder.ts'
import { startImapLab } from '../servers/imap4/support.ts'
import type { MailLab } from '../support/mail-lab.ts'
import { needs } from '../support/programs.ts'
import { run } from '../support/run-program.ts'
import { getmailConfiguration } from './getmail.ts'

const message = (n: number): string =>
  `From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: message ${n}\r\nMessage-ID: <m${n}@lab.test>\r\nDate: Mon, 2 Feb 2026 03:04:0${n} +0000\r\n\r\nThis is ${n}.\r\n`

async function withMail(): Promise<MailLab> {
  const lab = await startImapLab()
  await lab.put('alice', message(1), message(2), message(3))
  return lab
}

const inboxOf = async ({ store }: MailLab) => {
  const inbox = await store.findFolder(accountOwner('alice'), 'INBOX')
  return store.list(inbox?.id ?? '')
}

/** Returns the messages of a Maildir, with CRLF line ends. */
const maildir = (folder: string): string[] =>
  ['new', 'cur']
    .flatMap((part) => readdirSync(join(folder, part)).map((name) => readFileSync(join(folder, part, name), 'latin1')))
    .map((text) => text.replaceAll('\n', '\r\n'))
    .sort()

describe.skipIf(!needs('curl'))('curl', () => {
  test.each(['imap', 'imaps'])('%s: reads, lists, searches, appends', async (scheme) => {
    await using lab = await withMail()
    const port = scheme === 'imaps' ? lab.tlsPort : lab.port
    const curl = async (path: string, ...more: string[]): Promise<string> => {
      const base = ['-sS', '--ssl-reqd', '--cacert', lab.caFile, '--user', 'alice:secret']
      const { status, stdout, stderr } = await run('curl', [...base, ...more, `${scheme}://localhost:${port}/${path}`])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      return stdout
    }
    expect(await curl('INBOX;MAILINDEX=2')).toBe(message(2))
    expect(await curl('INBOX;UID=3/;SECTION=TEXT')).toBe('This is 3.\r\n')
    expect(await curl('')).toContain('* LIST (\\HasNoChildren) "/" INBOX')
    expect(await curl('INBOX?SUBJECT%20%22message%202%22')).toContain('* SEARCH 2')
    writeFileSync(join(lab.folder, 'new.eml'), message(4))
    await curl('Sent', '-T', join(lab.folder, 'new.eml'))
    expect(await curl('Sent;MAILINDEX=1')).toBe(message(4))
  })
})

describe.skipIf(!needs('fetchmail'))('fetchmail', () => {
  test.each(['STARTTLS', 'TLS'])('%s: fetches and deletes', async (form) => {
    await using lab = await withMail()
    mkdirSync(join(lab.folder, 'got'))
    const ssl = form === 'TLS' ? 'ssl' : "sslproto 'TLS1.2+'"
    const rc = `set no bouncemail
poll localhost protocol IMAP service ${form === 'TLS' ? lab.tlsPort : lab.port}
  user "alice" password "secret" ${ssl} sslcertck sslcertfile "${lab.caFile}"
  mda "cat > ${lab.folder}/got/$$.eml" no rewrite
`
    writeFileSync(join(lab.folder, 'rc'), rc, { mode: 0o600 })
    const args = ['-f', join(lab.folder, 'rc'), '--pidfile', join(lab.folder, 'pid'), '--invisible', '-s']
    const { status, stderr } = await run('fetchmail', args, { HOME: lab.folder, FETCHMAILHOME: lab.folder })
    expect({ status, stderr: stderr.replace(/^.*Running as root.*\n/m, '') }).toEqual({ status: 0, stderr: '' })
    const got = readdirSync(join(lab.folder, 'got')).map((name) =>
      readFileSync(join(lab.folder, 'got', name), 'latin1'),
    )
    expect(got.map((text) => /^Subject: .*$/m.exec(text)?.[0]).sort()).toEqual(
      [1, 2, 3].map((n) => `Subject: message ${n}`),
    )
    expect(await inboxOf(lab)).toEqual([])
  })
})

describe.skipIf(!needs('getmail'))('getmail', () => {
  test('fetches over TLS, and fetches nothing twice', async () => {
    await using lab = await withMail()
    mkdirSync(join(lab.folder, 'got'))
    const rc = getmailConfiguration('SimpleIMAPSSLRetriever', lab.tlsPort, lab.caFile, join(lab.folder, 'got'))
    writeFileSync(join(lab.folder, 'getmailrc'), rc, { mode: 0o600 })
    for (let again = 0; again < 2; again++) {
      const { status, stderr } = await run('getmail', ['-q', '--getmaildir', lab.folder], { HOME: lab.folder })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const got = readdirSync(join(lab.folder, 'got')).map((name) =>
        readFileSync(join(lab.folder, 'got', name), 'latin1'),
      )
      // getmail adds two fields.
      const own = /^(?:Return-Path|X-getmail-\S+): .*\r\n/gm
      expect(got.map((text) => text.replaceAll('\n', '\r\n').replace(own, '')).sort()).toEqual([1, 2, 3].map(message))
    }
  })
})

describe.skipIf(!needs('offlineimap'))('offlineimap', () => {
  test('syncs both ways, and a second run changes nothing', async () => {
    await using lab = await withMail()
    const rc = `[general]
accounts = lab
metadata = ${lab.folder}/meta
[Account lab]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${lab.folder}/mail
[Repository far]
type = IMAP
remotehost = localhost
remoteport = ${lab.tlsPort}
ssl = yes
sslcacertfile = ${lab.caFile}
remoteuser = alice
remotepass = secret
`
    writeFileSync(join(lab.folder, 'offlineimaprc'), rc, { mode: 0o600 })
    const sync = async (): Promise<void> => {
      const args = ['-c', join(lab.folder, 'offlineimaprc'), '-o', '-u', 'quiet']
      const { status, stderr } = await run('offlineimap', args, { HOME: lab.folder })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }
    await sync()
    expect(maildir(join(lab.folder, 'mail', 'INBOX'))).toEqual([1, 2, 3].map(message))
    writeFileSync(join(lab.folder, 'mail', 'INBOX', 'cur', '1.local:2,S'), message(4).replaceAll('\r\n', '\n'))
    await sync()
    const after = await inboxOf(lab)
    expect(after.map(({ flags }) => flags.includes('\\Seen'))).toEqual([false, false, false, true])
    for (let again = 0; again < 2; again++) await sync()
    expect(await inboxOf(lab)).toEqual(after)
  })
})

describe.skipIf(!needs('neomutt'))('neomutt', () => {
  test.each(['STARTTLS', 'TLS'])('%s: reads a mailbox in batch', async (form) => {
    await using lab = await withMail()
    const url = form === 'TLS' ? `imaps://localhost:${lab.tlsPort}/` : `imap://localhost:${lab.port}/`
    const rc = `set imap_user=alice imap_pass=secret ssl_force_tls=yes
set certificate_file=${lab.caFile} ssl_ca_certificates_file=${lab.caFile}
set folder=${url} spoolfile=${url}INBOX mail_check=0 wait_key=no
set quit=yes delete=no confirmappend=no confirmcreate=no copy=no
push "<tag-pattern>~s 'message 2'<enter><tag-prefix-cond><copy-message>${lab.folder}/copied<enter><end-cond><exit>"
`
    writeFileSync(join(lab.folder, 'muttrc'), rc, { mode: 0o600 })
    const command = `neomutt -n -F ${lab.folder}/muttrc`
    const { status } = await run('script', ['-qec', command, '/dev/null'], { HOME: lab.folder, TERM: 'vt100' })
    expect(status).toBe(0)
    const copied = readFileSync(join(lab.folder, 'copied'), 'latin1')
    expect(copied).toContain('Subject: message 2\n')
    expect(copied).toContain('\nThis is 2.\n')
  })
})

describe.skipIf(!needs('python3'))("Python's imaplib", () => {
  test.each(['STARTTLS', 'TLS'])('%s', async (form) => {
    await using lab = await withMail()
    const script = `
import imaplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
if sys.argv[2] == 'TLS':
    box = imaplib.IMAP4_SSL('localhost', int(sys.argv[3]), ssl_context=context)
else:
    box = imaplib.IMAP4('localhost', int(sys.argv[3]))
    box.starttls(context)
box.login('alice', 'secret')
box.enable('UTF8=ACCEPT')
print(box.list()[0], box.select('INBOX'))
print(box.fetch('2', '(RFC822)')[1][0][1].decode())
print(box.store('1', '+FLAGS', '(\\\\Deleted)'))
print(box.append('Sent', '(\\\\Seen)', None, b'Subject: sent\\r\\n\\r\\nx')[0])
print(box.search(None, 'SUBJECT', '"message 3"'))
print(box.sort('REVERSE DATE', 'UTF-8', 'ALL'), box.thread('REFERENCES', 'UTF-8', 'ALL'))
print(box.expunge(), box.uid('COPY', '2', 'Archive')[0], box.namespace())
print(box.create('"r\\u00e9sum\\u00e9"')[0], box.close()[0], box.logout()[0])
`
    writeFileSync(join(lab.folder, 'script.py'), script)
    const port = form === 'TLS' ? lab.tlsPort : lab.port
    const { stdout, stderr } = await run('python3', [join(lab.folder, 'script.py'), lab.caFile, form, `${port}`])
    expect(stderr).toBe('')
    expect(stdout.replaceAll('\r', '')).toBe(`OK ('OK', [b'3'])
${message(2).replaceAll('\r', '')}
('OK', [b'1 (FLAGS (\\\\Deleted \\\\Recent))'])
OK
('OK', [b'3'])
('OK', [b'3 2 1']) ('OK', [b'(1)(2)(3)'])
('OK', [b'1']) OK ('OK', [b'(("" "/")) (("Other Users/" "/")) (("Public Folders/" "/"))'])
OK OK BYE
`)
  })
})
