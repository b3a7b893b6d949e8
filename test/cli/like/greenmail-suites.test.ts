import { mkdirSync, renameSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freeOffset } from '../../support/free-ports.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'

// The steps of suites that use GreenMail, with its options in their CI. They are in languages and with packages that the tests
// do not have, so a plain client takes the steps. Sources of March 2026: jonhoo/rust-imap, roundcube/roundcubemail,
// pimalaya/core (email-tests).

const PORTS = [3025, 3465, 3110, 3995, 3143, 3993, 8080]
const EMAIL = 'From: sender@localhost\r\nTo: to@localhost\r\nSubject: My second e-mail\r\n\r\nHello world\r\n'

describe('suites written for GreenMail', () => {
  let offset: number
  let place: Workplace
  let lab: StartedLab
  beforeAll(async () => {
    place = new Workplace()
    offset = await freeOffset(PORTS)
    const file = place.write('list_00.eml', EMAIL.replace('second', 'preloaded'))
    const folder = `${place.folder}/emails/test-message-rendering@localhost/INBOX`
    mkdirSync(folder, { recursive: true })
    renameSync(file, `${folder}/list_00.eml`)
    const setup = [
      'setup.test.all',
      'hostname=127.0.0.1',
      'auth.disabled',
      'verbose',
      `preload.dir=${place.folder}/emails`,
    ]
    const env = {
      GREENMAIL_OPTS: setup.map((one) => `-Dgreenmail.${one}`).join(' '),
      SEALPOST_PORT_OFFSET: `${offset}`,
    }
    lab = await place.start(['--like', 'greenmail'], { env })
  })
  afterAll(() => lab.end())

  const open = (user: string, password = user): Promise<ImapClient> => ImapClient.open(3143 + offset, user, password)
  const send = (to: string, subject: string): Promise<unknown> =>
    createTransport({ host: '127.0.0.1', port: 3025 + offset, auth: { user: to, pass: to } }).sendMail({
      from: 'sender@localhost',
      to,
      subject,
      text: 'Hello world from SMTP',
    })
  /** Returns the numbers of a SEARCH or SORT response. */
  const numbers = (lines: readonly string[]): string =>
    lines.find((line) => /^\* (?:SEARCH|SORT)/.test(line))?.replace(/^\* \w+ ?/, '') ?? 'no response'
  const counts = (lines: readonly string[]): string[] => lines.filter((line) => /^\* \d+ (?:EXISTS|RECENT)$/.test(line))

  it('rust-imap: a session sees new mail once, sorts, fetches and deletes it', async () => {
    const imap = await open('inbox@localhost')
    await imap.ok('SELECT INBOX')
    expect(numbers(await imap.ok('SEARCH ALL'))).toBe('')
    await imap.ok('EXPUNGE')
    await imap.ok('SELECT INBOX')
    await send('inbox@localhost', 'My first e-mail')
    await send('inbox@localhost', 'My second e-mail')
    const found = await imap.ok('SEARCH ALL')
    expect(numbers(found)).toBe('1 2')
    // The suite counts what it gets besides answers: one EXISTS and one RECENT.
    expect(counts([...found, ...(await imap.ok('NOOP'))])).toEqual(['* 2 EXISTS', '* 2 RECENT'])
    const fetched = (await imap.ok('FETCH 1 (ENVELOPE INTERNALDATE UID)')).join('\n')
    expect(fetched).toMatch(/^\* 1 FETCH \(.*"My first e-mail".*\(\(NIL NIL "sender" "localhost"\)\)/)
    expect(fetched).toMatch(/\(\(NIL NIL "inbox" "localhost"\)\)/)
    expect(numbers(await imap.ok('SORT (SUBJECT) US-ASCII ALL'))).toBe('1 2')
    expect(numbers(await imap.ok('SORT (REVERSE SUBJECT) UTF-8 ALL'))).toBe('2 1')
    await imap.ok('STORE 1,2 +FLAGS (\\Deleted)')
    await imap.ok('EXPUNGE')
    expect(numbers(await imap.ok('SEARCH ALL'))).toBe('')
    expect(numbers(await imap.ok('SORT (SUBJECT) UTF-8 ALL'))).toBe('')
    expect((await imap.ok('LOGOUT')).at(-1)).toMatch(/^OK/)
  })

  it('rust-imap: several REVERSE before a key sort like one', async () => {
    using imap = await open('sort@localhost')
    await imap.append('INBOX', EMAIL.replace('second', 'first'))
    await imap.append('INBOX', EMAIL)
    await imap.ok('SELECT INBOX')
    expect(numbers(await imap.ok('SORT (REVERSE REVERSE REVERSE SUBJECT) UTF-8 ALL'))).toBe('2 1')
    expect(numbers(await imap.ok('UID SORT (SUBJECT) UTF-8 ALL'))).toBe('1 2')
  })

  it('rust-imap: APPEND keeps flags and dates, STATUS has the items that were asked for', async () => {
    using imap = await open('append@localhost')
    await imap.ok('SELECT INBOX')
    const empty = await imap.ok('STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)')
    expect(empty.join()).toMatch(/\* STATUS INBOX \(MESSAGES 0 RECENT 0 UIDNEXT \d+ UIDVALIDITY \d+ UNSEEN 0\)/)
    expect((await imap.ok('STATUS INBOX (MESSAGES)'))[0]).toBe('* STATUS INBOX (MESSAGES 0)')
    const date = '"13-Dec-2020 13:36:36 +0800"'
    expect(await imap.append('INBOX', EMAIL, `\\Seen \\Flagged`)).toMatch(/^OK/)
    imap.send(`APPEND INBOX (\\Seen \\Flagged) ${date} {${EMAIL.length}+}\r\n${EMAIL}`)
    await imap.until(/^T\d+ OK/)
    expect(numbers(await imap.ok('UID SEARCH ALL'))).toBe('1 2')
    expect((await imap.ok('UID FETCH 1 (ENVELOPE FLAGS UID)')).join()).toMatch(/\\Seen.*\\Flagged|\\Flagged.*\\Seen/)
    const [, instant = ''] =
      /INTERNALDATE "([^"]+)"/.exec((await imap.ok('UID FETCH 2 (INTERNALDATE UID)')).join()) ?? []
    expect(new Date(instant).toISOString()).toBe('2020-12-13T05:36:36.000Z')
  })

  it('rust-imap: the quota root has another name than in GreenMail, so this step of the suite fails', async () => {
    using imap = await open('quota@localhost')
    expect((await imap.ask('SETQUOTA INBOX (STORAGE 1000)')).at(-1)).toMatch(/^NO \[NONEXISTENT\]/)
    await imap.ok('SETQUOTA "" (STORAGE 1000)')
    expect(await imap.ok('GETQUOTAROOT INBOX')).toContain('* QUOTA "" (STORAGE 0 1000)')
  })

  it('Roundcube: preloaded mail, folders, and mail from port 3025 without a log-on', async () => {
    const rendering = await open('test-message-rendering@localhost', 'any')
    expect((await rendering.ok('SELECT INBOX')).join('\n')).toContain('* 1 EXISTS')
    expect((await rendering.ok('FETCH 1 (ENVELOPE)')).join('\n')).toContain('"My preloaded e-mail"')
    rendering.destroy()
    const imap = await open('admin@example.net', 'admin')
    // Names of folders that the suite expects, and those that it creates.
    await imap.ok('LIST "" "*" RETURN (SUBSCRIBED)')
    await imap.ok('CREATE Archive2')
    await imap.ok('SUBSCRIBE Archive2')
    expect((await imap.ok('LSUB "" "*"')).join('\n')).toContain('Archive2')
    await imap.append('INBOX', EMAIL)
    await imap.ok('SELECT INBOX')
    expect(numbers(await imap.ok('UID SEARCH RETURN (ALL COUNT) ALL UNDELETED'))).toBe('no response')
    await imap.ok('UID COPY 1 Archive2')
    await imap.ok('UID STORE 1 +FLAGS.SILENT (\\Deleted)')
    await imap.ok('UID EXPUNGE 1')
    await imap.ok('DELETE Archive2')
    await imap.ok('UNSUBSCRIBE Archive2')
    imap.destroy()
    const plain = createTransport({ host: '127.0.0.1', port: 3025 + offset })
    await plain.sendMail({ from: 'admin@example.net', to: 'admin@example.net', subject: 'Sent', text: 'x' })
  })

  it('Himalaya: folders outside ASCII, copies, moves, and mail from alice to bob', async () => {
    const imap = await open('bob@localhost', 'password')
    const russian = '"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"'
    for (const name of ['"[Gmail]/Sent"', russian]) await imap.ok(`CREATE ${name}`)
    await imap.ask('CREATE Trash')
    const exists = async (name: string): Promise<string | undefined> =>
      /\* (\d+) EXISTS/.exec((await imap.ok(`SELECT ${name}`)).join('\n'))?.[1]
    expect(await imap.append('"[Gmail]/Sent"', EMAIL, '\\Seen')).toMatch(/^OK/)
    expect(await exists('"[Gmail]/Sent"')).toBe('1')
    await imap.ok(`UID COPY 1 ${russian}`)
    expect(await exists(russian)).toBe('1')
    await imap.ok('UID STORE 1 +FLAGS (\\Deleted)')
    await imap.ok('EXPUNGE')
    expect(await exists(russian)).toBe('0')
    await exists('"[Gmail]/Sent"')
    await imap.ok(`UID MOVE 1 ${russian}`)
    expect([await exists('"[Gmail]/Sent"'), await exists(russian), await exists('Trash')]).toEqual(['0', '1', '0'])
    imap.destroy()
    const alice = createTransport({ host: '127.0.0.1', port: 3025 + offset, auth: { user: 'alice', pass: 'password' } })
    await alice.sendMail({ from: 'alice@localhost', to: 'bob@localhost', subject: 'Plain message!', text: 'x' })
    using bob = await open('bob@localhost', 'password')
    expect((await bob.ok('SELECT INBOX')).join('\n')).toContain('* 1 EXISTS')
  })
})
