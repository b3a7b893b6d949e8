import { ImapFlow } from 'imapflow'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { session, startAs } from './support.ts'

const lab: TestLab = await startAs('gmail', {
  virtualServers: [{ protocol: 'imap4' }, { protocol: 'imap4', name: 'Own', personality: 'sealpost' }],
})
afterAll(() => lab.stop())
beforeEach(() => lab.reset())

const mail = (subject: string, more = ''): string =>
  `From: Carol <carol@elsewhere.test>\r\nTo: alice@lab.test\r\nSubject: ${subject}\r\n${more}\r\nText of ${subject}\r\n`

/** Logs on with imapflow, and selects a mailbox. */
async function open(path: string): Promise<ImapFlow> {
  const client = new ImapFlow({ ...lab.imapflow({ user: 'alice', pass: 'secret' }) })
  await client.connect()
  await client.mailboxOpen(path)
  return client
}

const LOGGED_ON = 'S: * OK *\nC: a LOGIN alice secret\nS: * CAPABILITY *\nS: a OK *\n'

describe('mailboxes', () => {
  test('have Gmail’s names and special uses', async () => {
    const client = await open('INBOX')
    const uses = new Map((await client.list()).map(({ path, specialUse }) => [path, specialUse]))
    expect(Object.fromEntries(uses)).toMatchObject({
      INBOX: '\\Inbox',
      '[Gmail]/All Mail': '\\All',
      '[Gmail]/Drafts': '\\Drafts',
      '[Gmail]/Sent Mail': '\\Sent',
      '[Gmail]/Spam': '\\Junk',
      '[Gmail]/Trash': '\\Trash',
    })
    expect([...uses.keys()].filter((path) => ['Sent', 'Drafts', 'Junk', 'Trash'].includes(path))).toEqual([])
    await client.logout()
  })

  test('are the folders of the store, whose names other virtual servers show', async () => {
    const client = await open('INBOX')
    await client.append('[Gmail]/Sent Mail', mail('sent'))
    await client.logout()
    await session(
      lab,
      'Own' as 'imap4',
      'S: * OK *\nC: a LOGIN alice secret\nS: a OK *\nC: b STATUS Sent (MESSAGES)\nS: * STATUS Sent (MESSAGES 1)',
    )
  })

  test('XLIST has the attributes from before RFC 6154, and names of the store cannot be created', async () => {
    await session(
      lab,
      'imap4',
      `${LOGGED_ON}C: b XLIST "" ""
      S: * XLIST (\\Noselect) "/" ""
      S: b OK *
      C: b XLIST "" "[Gmail]/*"
      S: * XLIST (\\HasNoChildren \\AllMail) "/" "[Gmail]/All Mail"
      S: * XLIST (\\HasNoChildren \\Drafts) "/" "[Gmail]/Drafts"
      S: * XLIST (\\HasNoChildren \\Sent) "/" "[Gmail]/Sent Mail"
      S: * XLIST (\\HasNoChildren \\Spam) "/" "[Gmail]/Spam"
      S: * XLIST (\\HasNoChildren \\Trash) "/" "[Gmail]/Trash"
      S: b OK Success
      C: c CREATE Sent
      S: c NO [ALREADYEXISTS] *
      C: d DELETE "[Gmail]/All Mail"
      S: d NO *`,
    )
  })
})

describe('X-GM-EXT-1', () => {
  test('imapflow reads ids, threads and labels', async () => {
    await lab.deliver(mail('first', 'Message-ID: <1@elsewhere.test>\r\n'), { to: 'alice' })
    await lab.deliver(mail('Re: first', 'Message-ID: <2@elsewhere.test>\r\nReferences: <1@elsewhere.test>\r\n'), {
      to: 'alice',
    })
    const client = await open('INBOX')
    await client.messageFlagsAdd('1', ['Work', 'Übung'], { useLabels: true })
    const [one, two] = await client.fetchAll('1:2', { labels: true, threadId: true, uid: true })
    expect(one?.labels).toEqual(new Set(['Work', 'Übung']))
    expect(two?.labels).toEqual(new Set())
    const searching = await session(lab, 'imap4', `${LOGGED_ON}C: b EXAMINE INBOX`)
    await searching.lines((line) => line.startsWith('b '))
    await searching.play(`C: c SEARCH X-GM-LABELS "&ANw-bung"
      S: * SEARCH 1
      S: c OK *
      C: d SEARCH NOT X-GM-LABELS work
      S: * SEARCH 2
      S: d OK *
      C: e SEARCH CHARSET UTF-8 X-GM-RAW "label:übung"
      S: * SEARCH 1
      S: e OK *`)
    searching.destroy()
    expect(one?.emailId).toMatch(/^\d{1,19}$/)
    expect(two?.emailId).not.toBe(one?.emailId)
    expect(two?.threadId).toBe(one?.threadId)
    await client.mailboxOpen('Work')
    const [copy] = await client.fetchAll('1:*', { labels: true, threadId: true })
    expect(copy).toMatchObject({ emailId: one?.emailId, threadId: one?.threadId })
    expect(copy?.labels).toEqual(new Set(['\\Inbox', 'Übung']))
    await client.logout()
  })

  test('STORE adds, removes and replaces labels; without a label a message is archived', async () => {
    await lab.deliver(mail('plain'), { to: 'alice' })
    const client = await session(
      lab,
      'imap4',
      `${LOGGED_ON}C: b SELECT INBOX
      S: * FLAGS *
      S: * OK *
      S: * OK *
      S: * 1 EXISTS
      S: * 1 RECENT
      S: * OK *
      S: * OK *
      S: b OK *
      C: c STORE 1 +X-GM-LABELS (Work "To do")
      S: * 1 FETCH (UID * X-GM-LABELS ("To do" Work))
      S: c OK Success
      C: d STORE 1 -X-GM-LABELS.SILENT (Work)
      S: d OK Success
      C: e STORE 1 X-GM-LABELS (\\Starred Later)
      S: * 1 FETCH (UID * X-GM-LABELS ("\\\\Starred" Later))
      S: e OK Success
      C: f SEARCH X-GM-LABELS Later
      S: * SEARCH 1
      S: f OK *
      C: g STORE 1 -X-GM-LABELS (\\Inbox Later)
      S: * 1 FETCH *
      S: g OK *
      C: h NOOP
      S: * 1 EXPUNGE
      S: h OK *
      C: i EXAMINE "[Gmail]/All Mail"`,
    )
    const lines = await client.lines((line) => line.startsWith('i '))
    expect(lines).toContain('* 1 EXISTS')
    await client.play('C: j FETCH 1 X-GM-LABELS\nS: * 1 FETCH (X-GM-LABELS ("\\\\Starred"))\nS: j OK *')
  })

  test('STORE treats copies of a message in the same mailbox as one', async () => {
    for (const subject of ['twice', 'once']) await lab.deliver(mail(subject), { to: 'alice' })
    const copying = await open('INBOX')
    await copying.messageCopy('1', 'INBOX')
    await copying.logout()
    using client = await session(lab, 'imap4', `${LOGGED_ON}C: c SELECT INBOX`)
    await client.lines((line) => line.startsWith('c '))
    await client.play(`C: d STORE 1:3 +X-GM-LABELS.SILENT (Work Later)
      S: d OK Success
      C: e STATUS Work (MESSAGES)
      S: * STATUS Work (MESSAGES 2)
      S: e OK *
      C: f STORE 1:3 X-GM-LABELS.SILENT (Later New)
      S: f OK Success
      C: g STATUS Work (MESSAGES)
      S: * STATUS Work (MESSAGES 0)
      S: g OK *
      C: h STATUS New (MESSAGES)
      S: * STATUS New (MESSAGES 2)
      S: h OK *
      C: i STORE 1:3 -X-GM-LABELS.SILENT (\\Inbox Later New)
      S: i OK Success
      C: j STATUS INBOX (MESSAGES)
      S: * STATUS INBOX (MESSAGES 0)
      S: * 3 EXPUNGE
      S: * 2 EXPUNGE
      S: * 1 EXPUNGE
      S: j OK *
      C: k STATUS Archive (MESSAGES)
      S: * STATUS Archive (MESSAGES 2)
      S: k OK *`)
  })

  test('\\Starred needs the right to change flags in the mailbox of another account', async () => {
    await lab.deliver(mail('plain'), { to: 'alice' })
    const owner = await session(lab, 'imap4', `${LOGGED_ON}C: b SETACL INBOX bob lr\nS: b OK *`)
    owner.destroy()
    using client = await session(
      lab,
      'imap4',
      'S: * OK *\nC: a LOGIN bob geheim\nS: * CAPABILITY *\nS: a OK *\nC: b SELECT "Other Users/alice/INBOX"',
    )
    await client.lines((line) => line.startsWith('b '))
    await client.play(`C: c STORE 1 +X-GM-LABELS (\\Starred)
      S: c NO [NOPERM] *
      C: d STORE 1 -X-GM-LABELS (\\Starred)
      S: d NO [NOPERM] *
      C: e STORE 1 +X-GM-LABELS (Mine)
      S: * 1 FETCH (UID * X-GM-LABELS (Mine))
      S: e OK *`)
  })

  test('items and search keys of the extension are unknown to other personalities', async () => {
    await using other = await startAs('sealpost', { virtualServers: [{ protocol: 'imap4' }] })
    await session(
      other,
      'imap4',
      'S: * OK *\nC: a LOGIN alice secret\nS: a OK *\nC: b EXAMINE INBOX\nS: * FLAGS*\nS: * OK*\nS: * 0 EXISTS\nS: * 0 RECENT\nS: * OK*\nS: * OK*\nS: * OK*\nS: * OK*\nS: b OK *\nC: c FETCH 1:* X-GM-MSGID\nS: c BAD *\nC: d SEARCH X-GM-RAW a\nS: d BAD *\nC: e XLIST "" *\nS: e BAD *',
    )
  })
})

describe('[Gmail]/All Mail', () => {
  test('shows each message once, whatever its labels, and not those in spam and trash', async () => {
    for (const subject of ['one', 'two', 'three']) await lab.deliver(mail(subject), { to: 'alice' })
    const client = await open('INBOX')
    await client.messageCopy('1', '[Gmail]/Trash')
    await client.messageFlagsAdd('1', ['Work'], { useLabels: true })
    await client.messageMove('2', '[Gmail]/Spam')
    const view = await open('[Gmail]/All Mail')
    const found = await view.fetchAll('1:*', { envelope: true, labels: true, uid: true })
    expect(found.map(({ envelope }) => envelope?.subject)).toEqual(['one', 'three'])
    expect(found[0]?.labels).toEqual(new Set(['\\Inbox', '\\Trash', 'Work']))
    await client.logout()
    await view.logout()
  })

  test('tells of new messages, changed flags and deleted messages, with uids that only grow', async () => {
    await lab.deliver(mail('one'), { to: 'alice' })
    const view = await session(lab, 'imap4', `${LOGGED_ON}C: b SELECT "[Gmail]/All Mail"`)
    const opened = await view.lines((line) => line.startsWith('b '))
    const uidNext = Number(/UIDNEXT (\d+)/.exec(opened.join('\n'))?.[1])
    const client = await open('INBOX')
    await lab.deliver(mail('two'), { to: 'alice' })
    await client.messageFlagsAdd('1', ['\\Seen'])
    await view.play(
      `C: c NOOP\nS: * 2 EXISTS\nS: * 2 RECENT\nS: * 1 FETCH (UID ${uidNext - 1} FLAGS (\\Seen*))\nS: c OK *`,
    )
    await client.messageDelete('1')
    await view.play(`C: d NOOP\nS: * 1 EXPUNGE\nS: d OK *\nC: e FETCH 1 UID\nS: * 1 FETCH (UID ${uidNext})\nS: e OK *`)
    await view.play('C: f STORE 1 +FLAGS.SILENT (\\Flagged)\nS: f OK *')
    expect(await client.search({ flagged: true })).toEqual([1])
    await client.logout()
  })

  test('does not show the messages of a mailbox that was moved to the trash', async () => {
    await lab.deliver(mail('one'), { to: 'alice' })
    const client = await open('INBOX')
    await client.mailboxCreate('Work')
    await client.messageMove('1', 'Work')
    const shown = () => client.status('[Gmail]/All Mail', { messages: true })
    expect(await shown()).toMatchObject({ messages: 1 })
    await client.mailboxRename('Work', '[Gmail]/Trash/Work')
    expect(await shown()).toMatchObject({ messages: 0 })
    await client.logout()
  })

  test('messages can be copied to it, which archives them, and appended to it', async () => {
    await lab.deliver(mail('one'), { to: 'alice' })
    const client = await open('INBOX')
    const moved = await client.messageMove('1', '[Gmail]/All Mail')
    const appended = await client.append('[Gmail]/All Mail', mail('appended'))
    await client.mailboxOpen('[Gmail]/All Mail')
    const found = await client.fetchAll('1:*', { envelope: true, uid: true, labels: true })
    expect(found.map(({ envelope, labels }) => [envelope?.subject, labels])).toEqual([
      ['one', new Set()],
      ['appended', new Set()],
    ])
    expect(moved && [...(moved.uidMap?.values() ?? [])]).toEqual([found[0]?.uid])
    expect(appended && appended.uid).toBe(found[1]?.uid)
    await client.messageCopy('1', 'INBOX')
    await client.messageDelete('2')
    expect(await client.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
    expect(await client.status('[Gmail]/All Mail', { messages: true })).toMatchObject({ messages: 1 })
    await client.logout()
  })
})

describe('X-GM-RAW', () => {
  const attachment = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n'
  const cases: readonly (readonly [query: string, subjects: readonly string[]])[] = [
    ['from:carol', ['invoice', 'lunch plan', 'report']],
    ['subject:invoice', ['invoice']],
    ['-subject:invoice to:alice', ['lunch plan', 'report']],
    ['invoice OR lunch', ['invoice', 'lunch plan']],
    ['{invoice lunch}', ['invoice', 'lunch plan']],
    ['"lunch plan"', ['lunch plan']],
    ['subject:(lunch plan)', ['lunch plan']],
    ['has:attachment', ['report']],
    ['is:unread -has:attachment', ['lunch plan']],
    ['is:read', ['invoice']],
    ['is:starred', ['invoice']],
    ['label:Work-2', ['lunch plan']],
    ['in:inbox', ['invoice', 'lunch plan', 'report']],
    ['in:trash', []],
    ['is:constructor OR lunch', ['lunch plan']],
    ['in:__proto__ OR lunch', ['lunch plan']],
    ['after:2020/01/01 before:2038-01-01', ['invoice', 'lunch plan', 'report']],
    ['newer_than:1d larger:1M', []],
    ['smaller:10K', ['invoice', 'lunch plan', 'report']],
  ]

  test('is translated to the search of Sealpost, by imapflow’s gmraw', async () => {
    await lab.deliver(mail('invoice'), { to: 'alice' })
    await lab.deliver(mail('lunch plan'), { to: 'alice' })
    await lab.deliver(mail('report', attachment), { to: 'alice' })
    const client = await open('INBOX')
    await client.messageFlagsAdd('1', ['\\Seen', '\\Flagged'])
    await client.messageFlagsAdd('2', ['Work 2'], { useLabels: true })
    const subjects = (await client.fetchAll('1:3', { envelope: true })).map(({ envelope }) => envelope?.subject)
    for (const [gmraw, expected] of cases) {
      const found = (await client.search({ gmraw })) || []
      expect({ gmraw, found: found.map((number) => subjects[number - 1]) }).toEqual({ gmraw, found: expected })
    }
    await expect(client.search({ gmraw: 'after:yesterday' })).resolves.toBe(false)
    await client.logout()
  })
})
