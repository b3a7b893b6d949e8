import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { startLab } from '../../../src/testing/index.ts'
import { DeliveryError } from '../../../src/transport/delivery/types.ts'
import { allGroups } from '../../../src/transport/news/inject.ts'
import { ask, greeted, startData, withoutTrace } from '../../servers/smtp/support.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'

const smtp = { protocol: 'smtp' } as const

/** The two ways into a mailbox: each delivers `raw` from a@b.test to the recipients. */
const ways = {
  async SMTP(lab: MailLab, raw: string, recipients: readonly string[]) {
    using client = await greeted(lab)
    await startData(client, ...recipients)
    expect(await ask(client, `${raw}.`)).toMatch(/^250 /)
  },
  async 'lab.deliver'(lab: MailLab, raw: string, recipients: readonly string[]) {
    await lab.lab.deliver({ from: 'a@b.test', to: recipients, raw: Buffer.from(raw, 'latin1') })
  },
}

describe.each(Object.entries(ways))('delivery by %s', (_, deliver) => {
  const before = 'To: alice@lab.test\r\n'
  const bcc = 'Bcc: Bob <bob@lab.test>\r\n'
  const after = 'Subject: hush\r\n\r\nBcc: this is the body\r\n'

  test('RFC 5322 section 3.6.3: Bcc is visible only to the recipients it names, and in captured mail', async () => {
    await using lab = await startMailLab(smtp)
    await deliver(lab, before + bcc + after, ['alice@lab.test', 'bob@lab.test', 'carol@elsewhere.test'])
    const copies = async (user?: string) => (await lab.inbox(user)).map(({ raw }) => withoutTrace(raw))
    expect(await copies('alice')).toEqual([before + after])
    expect(await copies('bob')).toEqual([before + bcc + after])
    expect(await copies()).toEqual([before + bcc + after])
  })

  test('a mailbox that is addressed twice gets one copy, with Bcc if it names one of the addresses', async () => {
    await using lab = await startMailLab(smtp)
    for (const addresses of [
      ['bob+x@lab.test', 'bob@lab.test'],
      ['bob@lab.test', 'bob+x@lab.test'],
    ]) {
      await deliver(lab, before + bcc + after, addresses)
    }
    const copies = (await lab.inbox('bob')).map(({ raw }) => withoutTrace(raw))
    expect(copies).toEqual([before + bcc + after, before + bcc + after])
  })

  test.each([
    ['another case and a space', 'bcc : BOB@LAB.TEST'],
    ['Resent-Bcc', 'Resent-Bcc: bob@lab.test'],
    ['a group', 'Bcc: Team: carol@lab.test, Bob <bob@lab.test>;'],
    ['a quoted local part', 'Bcc: "bob"@lab.test'],
    ['several fields', 'Bcc: carol@lab.test\r\nBcc: bob@lab.test\r\nResent-Bcc: dave@lab.test'],
  ])('Bcc with %s, also in a message without a body', async (_, field) => {
    await using lab = await startMailLab(smtp)
    for (const rest of [after, 'Subject: hush\r\n']) {
      await deliver(lab, `${before}${field}\r\n${rest}`, ['alice@lab.test', 'bob@lab.test'])
      const copy = async (user: string) => withoutTrace((await lab.inbox(user)).at(-1)?.raw ?? '')
      expect(await copy('alice')).toBe(before + rest)
      expect(await copy('bob')).toBe(`${before}${field}\r\n${rest}`)
    }
  })

  test('Bcc is found after thousands of other fields', async () => {
    await using lab = await startMailLab(smtp)
    const fields = 'X: y\r\n'.repeat(12_000)
    const blind = 'Bcc: bob@lab.test\r\n'.repeat(2_000)
    const body = '\r\nBcc: this is the body\r\n'
    await deliver(lab, fields + blind + fields + body, ['alice@lab.test', 'bob@lab.test'])
    const copy = async (user: string) => withoutTrace((await lab.inbox(user))[0]?.raw ?? '')
    expect((await copy('alice')) === fields + fields + body).toBe(true)
    expect((await copy('bob')) === fields + blind + fields + body).toBe(true)
  })

  test('Bcc that names a quoted recipient address', async () => {
    await using lab = await startMailLab(smtp, { mode: 'open' })
    const field = 'Bcc: "J. Doe"@lab.test\r\n'
    await deliver(lab, before + field + after, ['alice@lab.test', '"j. doe"@lab.test'])
    expect((await lab.inbox('alice')).map(({ raw }) => withoutTrace(raw))).toEqual([before + after])
    expect((await lab.inbox('j. doe')).map(({ raw }) => withoutTrace(raw))).toEqual([before + field + after])
  })

  test('the envelope is kept with the message', async () => {
    await using lab = await startMailLab(smtp)
    await deliver(lab, after, ['alice+tag@lab.test', 'carol@elsewhere.test'])
    const [{ entry } = { entry: undefined }] = await lab.inbox('alice')
    expect(entry?.envelope).toMatchObject({
      mailFrom: 'a@b.test',
      rcptTo: ['alice+tag@lab.test', 'carol@elsewhere.test'],
    })
  })

  test('mail to two newsgroups becomes one article; the same mail again is accepted and adds none', async () => {
    await using lab = await startMailLab(smtp, {
      config: {
        news: {
          groups: [
            { name: 'lab.general', addresses: ['general@lab.test'] },
            { name: 'lab.test', addresses: ['tests@lab.test'] },
          ],
        },
      },
    })
    const raw = `From: alice@lab.test\r\nMessage-ID: <1@lab.test>\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n${after}`
    const recipients = ['general@lab.test', 'tests@lab.test', 'alice@lab.test']
    await deliver(lab, raw, recipients)
    await deliver(lab, raw, recipients)
    const locations = await lab.store.locate('<1@lab.test>')
    expect(locations.map(({ folder, uid }) => [folder.name, uid])).toEqual([
      ['lab.general', 1],
      ['lab.test', 1],
    ])
    expect(await lab.inbox('alice')).toHaveLength(2)
  })
})

/** Returns where each way delivers mail for an address: a user, `captured` or `rejected`. */
async function outcomes(address: string): Promise<string[]> {
  const found = []
  for (const way of Object.values(ways)) {
    await using lab = await startMailLab(smtp, {
      config: {
        directory: {
          accounts: [
            { user: 'alice', password: 'secret', addresses: ['alice@lab.test', 'alice@other.test'] },
            { user: 'bob', password: 'geheim', addresses: ['robert@lab.test'] },
          ],
        },
      },
    })
    const refused = await way(lab, 'Subject: x\r\n\r\n', [address]).then(
      () => false,
      (error: Error) => error.message.includes('No mailbox for') || error.message.includes('need RCPT'),
    )
    const counts = {
      alice: await lab.inbox('alice'),
      bob: await lab.inbox('bob'),
      captured: await lab.inbox(undefined),
    }
    const places = Object.entries(counts).filter(([, mails]) => mails.length > 0)
    found.push(refused ? 'rejected' : places.map(([place]) => place).join())
  }
  return found
}

describe('SMTP and lab.deliver decide alike', () => {
  test.each([
    ['alice@lab.test', 'alice'],
    ['ALICE@LAB.TEST', 'alice'],
    ['alice+tag@lab.test', 'alice'],
    ['"alice"@lab.test', 'alice'],
    ['alice@other.test', 'alice'],
    ['robert@lab.test', 'bob'],
    ['postmaster@lab.test', 'captured'],
    ['Postmaster@LAB.test', 'captured'],
    ['postmaster', 'captured'],
    ['someone@elsewhere.test', 'captured'],
    ['postmaster@elsewhere.test', 'captured'],
    ['alice@elsewhere.test', 'captured'],
    ['bob@lab.test', 'rejected'],
    ['nobody@lab.test', 'rejected'],
  ])('%s: %s', async (address, place) => {
    expect(await outcomes(address)).toEqual([place, place])
  })
})

test('an account may have the address of the postmaster', async () => {
  const accounts = [{ user: 'root', password: 'secret', addresses: ['postmaster@lab.test'] }]
  await using lab = await startMailLab(smtp, { config: { directory: { accounts } } })
  for (const way of Object.values(ways)) await way(lab, 'Subject: x\r\n\r\n', ['Postmaster'])
  expect(await lab.inbox('root')).toHaveLength(2)
  expect(await lab.inbox(undefined)).toEqual([])
})

test('RFC 6532 section 3.2: a Bcc field may name an address in UTF-8', async () => {
  await using lab = await startMailLab(smtp, { mode: 'open' })
  const header = 'To: alice@lab.test\r\nBcc: ΔΟΚΙΜΉ@lab.test\r\n'
  await lab.lab.deliver({ from: '', to: ['alice@lab.test', 'δοκιμή@lab.test'], raw: Buffer.from(header) })
  const copies = async (user: string) => (await lab.inbox(user)).map(({ raw }) => Buffer.from(raw, 'latin1').toString())
  expect(await copies('alice')).toEqual(['To: alice@lab.test\r\n'])
  expect(await copies('δοκιμή')).toEqual([header])
})

describe('a newsgroup that cannot accept mail now', () => {
  const config = { news: { groups: [{ name: 'lab.general', addresses: ['general@lab.test'] }] } }
  const raw = 'From: alice@lab.test\r\nSubject: x\r\n\r\nx\r\n.'

  test.each([
    ['a full store', () => new StoreError('no-space', 'full'), '451 4.3.0 full'],
    ['a defect', () => new TypeError('a detail'), '451 4.3.0 Internal server error'],
  ])('%s: the client may try again, and nobody has the message', async (_, error, expected) => {
    const store = new MemoryStore({ clock: systemClock })
    await using lab = await startMailLab(smtp, { config, store })
    vi.spyOn(store, 'append').mockRejectedValueOnce(error())
    using client = await greeted(lab)
    await startData(client, 'alice@lab.test', 'general@lab.test')
    expect(await ask(client, raw)).toBe(expected)
    expect(await lab.inbox('alice')).toEqual([])
    await startData(client, 'alice@lab.test', 'general@lab.test')
    expect(await ask(client, raw)).toMatch(/^250 /)
    expect(await lab.inbox('alice')).toHaveLength(1)
  })
})

describe('lab.deliver', () => {
  test('delivers to a log-on name, even if no account has its address', async () => {
    await using lab = await startMailLab(smtp, {
      config: { directory: { accounts: [{ user: 'bob', password: 'geheim', addresses: ['robert@lab.test'] }] } },
    })
    await lab.lab.deliver({ from: '', to: ['bob'], raw: Buffer.from('Subject: x\r\n\r\n') })
    const [mail] = await lab.inbox('bob')
    expect(mail?.raw).toBe('Subject: x\r\n\r\n')
    expect(mail?.entry.envelope?.rcptTo).toEqual(['bob@lab.test'])
  })

  test('a name that is the address of a newsgroup stands for the newsgroup', async () => {
    await using lab = await startMailLab(smtp, {
      mode: 'open',
      config: { news: { groups: [{ name: 'lab.general', addresses: ['general@lab.test'] }] } },
    })
    const raw = Buffer.from('From: alice@lab.test\r\nMessage-ID: <1@lab.test>\r\nSubject: x\r\n\r\nx\r\n')
    await lab.lab.deliver({ from: '', to: ['general'], raw })
    expect((await lab.store.locate('<1@lab.test>')).map(({ folder }) => folder.name)).toEqual(['lab.general'])
    expect(lab.lab.directory.accounts().map(({ user }) => user)).not.toContain('general')
  })

  test('rejects with a DeliveryError if a recipient does not exist, and delivers to no recipient', async () => {
    await using lab = await startMailLab(smtp)
    const mail = { from: '', to: ['alice', 'nobody'], raw: Buffer.from('x\r\n') }
    const error: unknown = await lab.lab.deliver(mail).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DeliveryError)
    expect(error).toMatchObject({ reason: 'no-mailbox', message: 'No mailbox for nobody@lab.test' })
    expect(await lab.inbox('alice')).toEqual([])
  })

  test('rejects if a newsgroup refuses the message, and delivers to no recipient', async () => {
    await using lab = await startMailLab(smtp, {
      config: { news: { groups: [{ name: 'lab.closed', posting: 'no', addresses: ['closed@lab.test'] }] } },
    })
    const raw = Buffer.from('From: a@b.test\r\nSubject: x\r\n\r\nx\r\n')
    await expect(lab.lab.deliver({ from: '', to: ['alice', 'closed'], raw })).rejects.toMatchObject({
      name: 'DeliveryError',
      reason: 'article-refused',
    })
    expect(await lab.inbox('alice')).toEqual([])
  })

  test('a test can deliver to the postmaster, and wait for the message', async () => {
    await using lab = await startLab({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
    await lab.deliver({ subject: 'to the postmaster', text: 'x' }, { to: 'postmaster@lab.test' })
    const mail = await lab.waitForMessage({ to: 'postmaster@lab.test' }, { timeout: 5_000 })
    expect(mail.subject).toBe('to the postmaster')
  })

  test('a test that delivers with Bcc sees it only in the mailbox that it names', async () => {
    await using lab = await startLab()
    const headers = { Bcc: 'bob@lab.test' }
    await lab.deliver({ subject: 'hush', headers, text: 'x' }, { to: ['alice@lab.test', 'bob@lab.test'] })
    const client = await LineClient.open(lab.server('pop3').port)
    client.send('USER alice\r\nPASS any\r\nRETR 1\r\nQUIT\r\n')
    const alice = (await client.rest()).join('\n')
    expect(alice).toContain('Subject: hush')
    expect(alice).not.toContain('Bcc')
  })
})

test('a moderator may be the postmaster', async () => {
  await using lab = await startMailLab(smtp, {
    config: { news: { groups: [{ name: 'lab.announce', posting: 'moderated', moderator: 'postmaster@lab.test' }] } },
  })
  const raw = 'From: alice@lab.test\r\nNewsgroups: lab.announce\r\nSubject: x\r\n\r\nx\r\n'
  const { moderator } = await lab.lab.news.service.post(Buffer.from(raw), { host: '127.0.0.1', rights: allGroups })
  expect(moderator).toBe('postmaster@lab.test')
  expect((await lab.inbox(undefined)).map(({ entry }) => entry.envelope?.rcptTo)).toEqual([['postmaster@lab.test']])
})
