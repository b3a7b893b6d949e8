import { describe, expect, test, vi } from 'vitest'
import type { SmtpCommand } from '../../../servers/smtp/command.ts'
import { commands } from '../../../servers/smtp/commands/index.ts'
import { smtp } from '../../../servers/smtp/session.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import type { Lab } from '../../../src/lab/lab.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { countingStore } from '../../support/counting-store.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, startData, withoutTrace } from './support.ts'

test.each([
  ['without a quota, RCPT answers at once and asks the store nothing', undefined, false],
  ['with a quota, RCPT waits for the store', { messages: 1 }, true],
])('%s', async (_, quota, waits) => {
  const { store, calls } = countingStore()
  const alice = { user: 'alice', password: 'secret', ...(quota && { quota }) }
  await using lab = await startMailLab(smtp, { store, config: { directory: { accounts: [alice] } } })
  const run = vi.spyOn(commands.get('RCPT') as SmtpCommand, 'run')
  try {
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    calls.length = 0
    for (const to of ['alice@lab.test', 'captured@x.test'])
      expect(await ask(client, `RCPT TO:<${to}>`)).toMatch(/^250 /)
    const reads = calls.filter((call) => call !== 'hasState')
    expect([run.mock.results.map(({ value }) => value instanceof Promise), reads.length > 0]).toEqual([
      [waits, false],
      waits,
    ])
  } finally {
    run.mockRestore()
  }
})

describe('accepted and rejected addresses', () => {
  test.each([
    ['<alice@lab.test>', '250 2.1.5'],
    ['<ALICE@LAB.TEST>', '250 2.1.5'],
    ['<alice+tag@lab.test>', '250 2.1.5'],
    ['<"alice"@lab.test>', '250 2.1.5'],
    ['<@relay.test,@other.test:alice@lab.test>', '250 2.1.5'],
    ['<Postmaster>', '250 2.1.5'],
    ['<postmaster@lab.test>', '250 2.1.5'],
    ['<someone@elsewhere.test>', '250 2.1.5'],
    ['<someone@[192.0.2.1]>', '250 2.1.5'],
    ['<nobody@lab.test>', '550 5.1.1'],
    ['<alice>', '501 5.1.3'],
    ['<>', '501 5.1.3'],
    ['alice@lab.test', '501 5.1.3'],
    ['<alice@lab.test', '501 5.1.3'],
    ['<al ice@lab.test>', '501 5.1.3'],
    ['<alice@lab.test>NOTIFY=NEVER', '501 5.1.3'],
    ['<älice@lab.test>', '553 5.6.7'],
    ['<alice@lab.test> NOTIFY=NEVER', '250 2.1.5'],
    ['<alice@lab.test> NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['<alice@lab.test> NOTIFY=ALWAYS', '501 5.5.4'],
    ['<alice@lab.test> ORCPT=alice@lab.test', '501 5.5.4'],
    ['<alice@lab.test> NOTIFY=SUCCESS ORCPT=rfc822;alice+2Bx@lab.test', '250 2.1.5'],
    ['<alice@lab.test> NOTIFY=SUCCESS NOTIFY=SUCCESS', '501 5.5.4'],
    ['<alice@lab.test> ORCPT=rfc822;a+0D+0Ab', '501 5.1.3'],
    ['<alice@lab.test> RRVS=2014-04-03T23:01:00Z', '555 5.5.4'],
  ])('RCPT TO:%s: %s', async (path, expected) => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    const answer = await ask(client, `RCPT TO:${Buffer.from(path).toString('latin1')}`)
    expect(answer.startsWith(`${expected} `), answer).toBe(true)
  })

  test.each([
    ['<a@b.test>', '250 2.1.0'],
    ['<>', '250 2.1.0'],
    [' <a@b.test>', '250 2.1.0'],
    ['<"a b"@b.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By', '250 2.1.0'],
    ['<a@b.test> AUTH=<>', '250 2.1.0'],
    ['<ä@b.test> SMTPUTF8', '250 2.1.0'],
    ['<ä@b.test>', '553 5.6.7'],
    ['<a@b.test> SIZE=99999999', '552 5.3.4'],
    ['<a@b.test> SIZE=x', '501 5.5.4'],
    ['<a@b.test> SIZE', '501 5.5.4'],
    ['<a@b.test> BODY=BinaryMime', '250 2.1.0'],
    ['<a@b.test> BODY=BINARY', '501 5.5.4'],
    ['<a@b.test> RET=ALL', '501 5.5.4'],
    ['<a@b.test> RET=FULL RET=HDRS', '501 5.5.4'],
    ['<a@b.test> ENVID', '501 5.5.4'],
    ['<a@b.test> AUTH', '501 5.5.4'],
    ['<a@b.test> SMTPUTF8=yes', '501 5.5.4'],
    ['<a@b.test> TOSTRING=x', '555 5.5.4'],
    ['<a@b.test> REQUIRETLS', '555 5.5.4'],
    ['<a@b.test> BY=120;R', '555 5.5.4'],
    ['<a..b@b.test>', '501 5.1.7'],
    ['<a@b_.te st>', '501 5.1.7'],
    ['<a@[999.0.0.1]>', '501 5.1.7'],
    ['', '501 5.1.7'],
  ])('MAIL FROM:%s: %s', async (path, expected) => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    const answer = await ask(client, `MAIL FROM:${Buffer.from(path).toString('latin1')}`)
    expect(answer.startsWith(`${expected} `), answer).toBe(true)
  })

  test('relay: deny rejects other domains', async () => {
    await using lab = await startMailLab(smtp, { server: { relay: 'deny' } })
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    const refusal = '550 5.7.1 Unable to relay for someone@elsewhere.test'
    expect(await ask(client, 'RCPT TO:<someone@elsewhere.test>')).toBe(refusal)
    expect(await ask(client, 'RCPT TO:<alice@lab.test>')).toMatch(/^250 /)
    expect(await ask(client, 'RCPT TO:<Postmaster>')).toMatch(/^250 /) // RFC 5321 section 4.5.1
    expect(lab.sessions()[0]?.refusals.join()).toContain('Unable to relay')
  })

  test('relay: deny lets a client send to other domains once it has logged on', async () => {
    await using lab = await startMailLab(smtp, { server: { relay: 'deny' } })
    using client = await greeted(lab)
    expect(await ask(client, `AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`)).toMatch(/^235 /)
    await startData(client, 'someone@elsewhere.test')
    expect(await ask(client, 'Subject: out\r\n\r\n.')).toMatch(/^250 /)
    expect((await lab.inbox(undefined)).map(({ raw }) => withoutTrace(raw))).toEqual(['Subject: out\r\n\r\n'])
    await ask(client, 'MAIL FROM:<alice@lab.test>')
    expect(await ask(client, 'RCPT TO:<nobody@lab.test>')).toBe('550 5.1.1 No mailbox for nobody@lab.test')
  })

  test('more recipients than the limit: 452, and the mail goes to the others', async () => {
    await using lab = await startMailLab(smtp, { limits: { recipients: 2 }, mode: 'open' })
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    const answers = []
    for (const user of ['one', 'two', 'ONE', 'three']) answers.push(await ask(client, `RCPT TO:<${user}@lab.test>`))
    expect(answers.map((line) => line.slice(0, 9))).toEqual(['250 2.1.5', '250 2.1.5', '250 2.1.5', '452 4.5.3'])
    await ask(client, 'DATA')
    expect(await ask(client, 'x\r\n.')).toMatch(/^250 /)
    expect([
      (await lab.inbox('one')).length,
      (await lab.inbox('two')).length,
      (await lab.inbox('three')).length,
    ]).toEqual([1, 1, 0])
  })
})

describe('delivery', () => {
  test('delivers once per mailbox, even for several of its addresses, and captures mail for other domains once per domain', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await startData(client, 'alice@lab.test', 'alice+a@lab.test', 'x@one.test', 'y@two.test')
    await ask(client, 'Subject: once\r\n\r\n.')
    expect(await lab.inbox('alice')).toHaveLength(1)
    const captured = await lab.store.listFolders('captured:')
    expect(captured.map(({ name }) => name)).toEqual(['one.test', 'two.test'])
    const [kept, copy, ...others] = await lab.inbox(undefined)
    expect(others).toEqual([])
    expect(copy?.entry.blob).toBe(kept?.entry.blob)
    expect(kept?.entry.envelope).toMatchObject({
      mailFrom: 'a@b.test',
      rcptTo: ['alice@lab.test', 'alice+a@lab.test', 'x@one.test', 'y@two.test'],
    })
  })

  test('the trace field names a single recipient, but not one of several', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await startData(client, 'alice@lab.test')
    await ask(client, '.')
    await startData(client, 'alice@lab.test', 'bob@lab.test')
    await ask(client, '.')
    const [one, several] = await lab.inbox('alice')
    expect(one?.raw).toContain('\r\n\tfor <alice@lab.test>;')
    expect(several?.raw).not.toContain('for <')
  })

  test('a UTF-8 address stays UTF-8 in the trace field and in the envelope', async () => {
    await using lab = await startMailLab(smtp, { mode: 'open' })
    using client = await greeted(lab)
    const utf8 = (text: string): string => Buffer.from(text).toString('latin1')
    await ask(client, utf8('MAIL FROM:<jörg@büro.test> SMTPUTF8'))
    await ask(client, utf8('RCPT TO:<δοκιμή@lab.test>'))
    await ask(client, 'DATA')
    await ask(client, '.')
    const [mail] = await lab.inbox('δοκιμή')
    expect(Buffer.from(mail?.raw ?? '', 'latin1').toString()).toMatch(
      /^Return-Path: <jörg@büro\.test>\r\n[^]* with UTF8SMTP id [^]*for <δοκιμή@lab\.test>/,
    )
    expect(mail?.entry.envelope?.mailFrom).toBe('jörg@büro.test')
  })
})

describe('an open directory', () => {
  const usersOf = (lab: { readonly lab: Lab }): string[] =>
    lab.lab.directory
      .accounts()
      .map(({ user }) => user)
      .filter((user) => !['alice', 'bob'].includes(user))

  test('RCPT creates no account; a stored message does', async () => {
    await using lab = await startMailLab(smtp, { mode: 'open' })
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    for (const name of ['one', 'two', 'three']) {
      expect(await ask(client, `RCPT TO:<${name}@lab.test>`)).toMatch(/^250 /)
    }
    expect(await ask(client, 'RSET')).toMatch(/^250 /)
    expect(usersOf(lab)).toEqual([])
    await startData(client, 'Four@lab.test', 'four+tag@lab.test')
    expect(await ask(client, 'Subject: x\r\n\r\nx\r\n.')).toMatch(/^250 /)
    expect(usersOf(lab)).toEqual(['Four'])
    expect(await lab.inbox('Four')).toHaveLength(1)
  })

  test('a message that cannot be stored creates no account', async () => {
    const store = new MemoryStore({ clock: systemClock })
    vi.spyOn(store, 'append').mockRejectedValue(new StoreError('no-space', 'full'))
    await using lab = await startMailLab(smtp, { mode: 'open', store })
    using client = await greeted(lab)
    await startData(client, 'one@lab.test', 'two@lab.test')
    expect(await ask(client, 'Subject: x\r\n\r\nx\r\n.')).toMatch(/^452 4\.3\.1 /)
    expect(usersOf(lab)).toEqual([])
  })

  test('a message of which it is not known whether it is stored keeps its account, and the reply promises nothing', async () => {
    const store = new MemoryStore({ clock: systemClock })
    vi.spyOn(store, 'append').mockRejectedValue(new StoreError('unknown', 'lost'))
    await using lab = await startMailLab(smtp, { mode: 'open', store })
    using client = await greeted(lab)
    await startData(client, 'one@lab.test')
    expect(await ask(client, 'Subject: x\r\n\r\nx\r\n.')).toBe(
      '451 4.3.0 The message store failed. It is not known whether the message was stored',
    )
    expect(usersOf(lab)).toEqual(['one'])
  })

  test('a message that does not fit into the store leaves no mailbox, except those that a message has reached', async () => {
    const store = new MemoryStore({ clock: systemClock, limits: { octets: 20_000 } })
    await using lab = await startMailLab(smtp, { mode: 'open', store })
    using client = await greeted(lab)
    await startData(client, 'one@lab.test')
    expect(await ask(client, 'Subject: x\r\n\r\nx\r\n.')).toMatch(/^250 /)
    const [owners, mailboxes] = [await store.listOwners(), await store.listFolders('user:one')]
    await startData(client, 'one@lab.test', 'two@lab.test', 'three@lab.test')
    expect(await ask(client, `Subject: x\r\n\r\n${'x'.repeat(70)}\r\n${`${'y'.repeat(70)}\r\n`.repeat(500)}.`)).toMatch(
      /^452 4\.3\.1 /,
    )
    expect(await store.listOwners()).toEqual(owners)
    expect(await store.listFolders('user:one')).toEqual(mailboxes)
    expect(await store.subscriptions('user:two')).toEqual([])
    expect(usersOf(lab)).toEqual(['one'])
  })

  test('a log-on creates an account only if it succeeds', async () => {
    await using lab = await startMailLab(smtp, { mode: 'open' })
    const plain = (message: string): string => `AUTH PLAIN ${Buffer.from(message).toString('base64')}`
    using client = await greeted(lab)
    expect(await ask(client, plain('other\0erik\0x'))).toMatch(/^535 /)
    expect(usersOf(lab)).toEqual([])
    expect(await ask(client, plain('Erik\0erik\0x'))).toMatch(/^235 /)
    expect(usersOf(lab)).toEqual(['erik'])
  })
})
