import { pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import { fetchedClient } from '../../support/fetched-client.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { basic, HttpLab } from './client.ts'
import { fakeCypress } from './fake-cypress.ts'

/** The first attempt loads the client, which takes a while on a busy machine. */
const LONG = { timeout: 15_000 }

const mailpitApi = fetchedClient('mailpit-api-2.1.0/dist/index.mjs')
const cypressMailpit = fetchedClient('cypress-mailpit-2.0.0/dist/src/MailpitCommands.js')

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  access: { administrators: ['alice'] },
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

/** The class of a fetched module, which has no types here. */
// biome-ignore lint/suspicious/noExplicitAny: the client is another program
const load = async (path: string, name: string): Promise<any> => (await import(pathToFileURL(path).href))[name]

const welcome = {
  From: { Email: 'shop@example.com', Name: 'Shop' },
  To: [{ Email: 'alice@lab.test', Name: 'Alice' }],
  Cc: [{ Email: 'bob@lab.test' }],
  Subject: 'Welcome',
  Text: 'Hello',
  HTML: '<p>Hello</p>',
  Tags: ['Tag 1'],
  Attachments: [{ Filename: 'a.pdf', ContentType: 'application/pdf', Content: btoa('pdf') }],
}

describe.skipIf(!mailpitApi)('mailpit-api', () => {
  const client = async (options?: object) =>
    new (await load(mailpitApi as string, 'MailpitClient'))(`${http.base}/mailpit`, options)

  it('sends, waits, reads and changes', async () => {
    const mailpit = await client()
    const waiting = mailpit.waitForMessage({ query: 'subject:Welcome' }, { timeout: 20_000, interval: 10 })
    const { ID } = await mailpit.sendMessage(welcome)
    const message = await waiting
    expect(message).toMatchObject({ ID, Subject: 'Welcome', Text: 'Hello', HTML: '<p>Hello</p>', Tags: ['Tag 1'] })
    expect(await mailpit.waitForMessages({ count: 1, exact: true })).toMatchObject({ messages_count: 1, unread: 0 })
    const blob = await mailpit.getMessageAttachment(ID, message.Attachments[0].PartID)
    expect([blob.type, await blob.text()]).toEqual(['application/pdf', 'pdf'])
    expect((await mailpit.getMessageHeaders()).Subject).toEqual(['Welcome'])
    expect(await mailpit.getMessageSource(ID)).toContain('Subject: Welcome')
    expect(await mailpit.renderMessageHTML()).toBe('<p>Hello</p>')
    expect(await mailpit.renderMessageText(ID)).toBe('Hello')
    expect(await mailpit.setReadStatus({ Search: 'after:2025-04-30' }, { tz: 'America/Chicago' })).toBe('ok')
    expect((await mailpit.getInfo()).Unread).toBe(1)
    expect((await mailpit.getConfiguration()).ChaosEnabled).toBe(true)
  })

  it('tags, and deletes', async () => {
    const mailpit = await client()
    const { ID } = await mailpit.sendMessage(welcome)
    expect(await mailpit.getTags()).toEqual(['Tag 1'])
    await mailpit.setTags({ IDs: [ID], Tags: ['Two words', 'b'] })
    await mailpit.renameTag('Two words', 'Three more words')
    await mailpit.deleteTag('b')
    expect((await mailpit.listMessages()).messages[0].Tags).toEqual(['Three more words'])
    expect((await mailpit.searchMessages({ query: 'tag:"Three more words"', limit: 1 })).messages_count).toBe(1)
    expect(await mailpit.deleteMessagesBySearch({ query: 'subject:other' })).toBe('ok')
    await mailpit.sendMessage({ ...welcome, Subject: 'Second' })
    expect(await mailpit.deleteMessages({ IDs: [ID] })).toBe('ok')
    expect((await mailpit.waitForMessages({ count: 1 })).messages[0].Subject).toBe('Second')
    await mailpit.deleteMessages()
    expect((await mailpit.waitForMessages({ count: 0 })).total).toBe(0)
  })

  it('sets Chaos triggers', async () => {
    const mailpit = await client()
    const triggers = await mailpit.setChaosTriggers({ Sender: { ErrorCode: 451, Probability: 5 } })
    expect(triggers.Sender).toEqual({ ErrorCode: 451, Probability: 5 })
    expect(await mailpit.getChaosTriggers()).toEqual(triggers)
    expect((await mailpit.setChaosTriggers()).Sender.Probability).toBe(0)
  })

  it('checks a message, and learns what is not offered', async () => {
    const mailpit = await client()
    await mailpit.sendMessage(welcome)
    expect((await mailpit.htmlCheck()).Total.Nodes).toBeGreaterThan(0)
    expect(await mailpit.linkCheck()).toMatchObject({ Errors: expect.any(Number), Links: expect.any(Array) })
    // As Mailpit without SpamAssassin.
    await expect(mailpit.spamAssassinCheck()).rejects.toThrow(/400/)
    await expect(mailpit.releaseMessage('latest', ['a@b.example'])).rejects.toThrow(/501/)
    expect((await mailpit.getAttachmentThumbnail('latest', '2')).type).toBe('image/jpeg')
    await expect(mailpit.getMessageSummary('0.1')).rejects.toThrow(/404/)
  })

  it('releases a message by a connector', async () => {
    await using host = await startHost()
    const smartHost = { host: '127.0.0.1', port: host.port, tls: 'none' as const }
    await using other = await HttpLab.start({ outgoing: { connectors: [{ name: 'Outside', smartHost }] } })
    const mailpit = new (await load(mailpitApi as string, 'MailpitClient'))(`${other.base}/mailpit`)
    await mailpit.sendMessage({ ...welcome, Cc: [], To: [{ Email: 'customer@example.test' }] })
    expect(await mailpit.releaseMessage('latest', { To: ['dev@example.test'] })).toBe('ok')
    await other.lab.waitForSent('dev@example.test', LONG)
    expect(host.received).toMatchObject([{ from: 'shop@example.com', to: [{ address: 'dev@example.test' }] }])
    expect((await mailpit.getConfiguration()).MessageRelay).toMatchObject({ Enabled: true })
  })

  it('logs on', async () => {
    const alice = await client({ auth: { username: 'alice', password: 'secret' } })
    await alice.sendMessage({ ...welcome, To: [], Cc: [], Bcc: ['alice@lab.test'] })
    expect((await alice.listMessages()).messages[0].Bcc).toEqual([{ Name: '', Address: 'alice@lab.test' }])
    const bob = await client({ fetchOptions: { headers: basic('bob', 'secret') } })
    expect((await bob.listMessages()).total).toBe(0)
    const wrong = await client({ auth: { username: 'alice', password: 'wrong' } })
    await expect(wrong.getInfo()).rejects.toThrow(/401/)
  })
})

describe.skipIf(!cypressMailpit)('cypress-mailpit', () => {
  it('passes with its own requests', async () => {
    fakeCypress(`${http.base}/mailpit`)
    const commands = new (await load(cypressMailpit as string, 'MailpitCommands'))()
    await commands.mailpitDeleteAllEmails()
    await commands.mailpitSendMail({ attachments: [{ Content: btoa('text'), FileName: 'a.txt' }] })
    await commands.mailpitSendMail({ subject: 'Second', to: [{ Email: 'alice@lab.test', Name: 'Alice' }] })
    expect((await commands.mailpitGetAllMails()).messages).toHaveLength(2)
    await commands.mailpitHasEmailsBySubject('Hello Mailpit')
    await commands.mailpitHasEmailsByTo('alice@lab.test')
    await commands.mailpitNotHasEmailsBySubject('Third')
    const [{ ID }] = (await commands.mailpitGetEmailsBySubject('Hello')).messages
    const mail = await commands.mailpitGetMail(ID)
    expect(await commands.mailpitGetFromAddress(mail)).toBe('from@example.com')
    expect(await commands.mailpitGetRecipientAddress(mail)).toEqual(['jane@example.com'])
    expect(mail.Bcc).toEqual([{ Name: '', Address: 'bcc@example.com' }])
    expect(await commands.mailpitGetAttachments(mail)).toEqual(['a.txt'])
    expect(await commands.mailpitGetMailTextBody(mail)).toBe('hello from mailpit')
    expect(await commands.mailpitGetMailHTMlBody(mail)).toBe('<p>hello from mailpit</p>')
    await commands.mailpitSetStatusAsUnRead(mail)
    expect((await commands.mailpitSearchEmails('is:unread')).messages_count).toBe(2)
    await commands.mailpitSetAllEmailStatusAsRead()
    await commands.mailpitNotHasEmailsBySearch('is:unread')
    await commands.mailpitDeleteEmailsBySearch('subject:Second')
    await commands.mailpitNotHasEmailsByTo('alice@lab.test')
    // As Mailpit without SpamAssassin.
    await expect(commands.mailpitGetMailSpamAssassinSummary(mail)).rejects.toThrow(/400/)
  })
})
