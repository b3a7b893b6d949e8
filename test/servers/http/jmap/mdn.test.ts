import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { DEBIAN_PYTHON, needs } from '../../../support/programs.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
})
const alice = new JmapClient(http)
const bob = new JmapClient(http, 'bob')
const DISPOSITION = { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type: 'displayed' }

let identityId = ''
beforeAll(async () => {
  identityId = (await bob.ask('Identity/get')).list[0].id
})

/** Uploads a message. Returns the id of the blob. */
const uploaded = async (client: JmapClient, raw: string | Buffer) =>
  (await http.request(`/jmap/upload/${client.user}`, { body: Buffer.from(raw), headers: client.headers })).body.blobId

/** Stores a message in the INBOX of an account. Returns the id of the Email. */
async function stored(client: JmapClient, header: string, keywords: object = {}): Promise<string> {
  const { list } = await client.ask('Mailbox/get', { properties: ['role'] })
  const inbox = list.find(({ role }: { role: string }) => role === 'inbox').id
  const raw = `From: alice@lab.test\r\nTo: bob@lab.test\r\n${header.replaceAll('\n', '\r\n')}\r\n\r\nGrüße\r\n`
  const blobId = await uploaded(client, raw)
  const emails = { k: { blobId, mailboxIds: { [inbox]: true }, keywords } }
  return (await client.ask('Email/import', { emails })).created.k.id
}
const asking = (id: string, ...more: readonly string[]) =>
  [`Message-ID: <${id}@lab.test>`, 'Subject: =?utf-8?q?Caf=C3=A9?=', ...more].join('\n')
const TO_ALICE = 'Disposition-Notification-To: Alice <alice@lab.test>'

const send = (mdns: object, more: object = {}) => bob.call(['MDN/send', { identityId, send: mdns, ...more }])
const sendOne = async (mdn: object) => (await send({ k: mdn }))[0]?.[1]
const failure = async (forEmailId: string, more: object = {}) => {
  const { sent, notSent } = await sendOne({ forEmailId, disposition: DISPOSITION, ...more })
  expect(sent).toBeNull()
  return notSent.k
}
/** The MDN that refers to a message, once it is in the INBOX of alice. */
async function received(messageId: string) {
  const { ids } = await alice.ask('Email/query', { filter: { header: ['References', messageId] } })
  expect(ids).toHaveLength(1)
  const { list } = await alice.ask('Email/get', { ids, properties: ['from', 'to', 'subject', 'blobId'] })
  const url = `${http.base}/jmap/download/alice/${list[0].blobId}/mdn.eml`
  return { ...list[0], raw: await (await fetch(url, { headers: alice.headers })).text() }
}

describe('the session object', () => {
  it('has the capability, and the account too', async () => {
    const { capabilities, accounts, primaryAccounts } = await bob.session()
    const name = 'urn:ietf:params:jmap:mdn'
    expect(capabilities[name]).toEqual({})
    expect(accounts.bob.accountCapabilities[name]).toEqual({})
    expect(primaryAccounts[name]).toBe('bob')
  })
})

describe('MDN/send and MDN/parse', () => {
  it('send an MDN, set $mdnsent, and return what was sent', async () => {
    const question = asking('first', TO_ALICE, 'Original-Recipient: rfc822;list@lab.test')
    const original = await stored(alice, question)
    const forEmailId = await stored(bob, question)
    const mdn = {
      disposition: DISPOSITION,
      subject: 'Gelesen: Café',
      textBody: 'Ihre Nachricht wurde geöffnet.\nGrüße',
      reportingUA: 'lab.test; Reader 1',
      extensionFields: { 'X-Extension': 'value' },
      includeOriginalMessage: true,
    }
    const onSuccessUpdateEmail = { '#k': { 'keywords/$mdnsent': true }, '#other': { 'keywords/$seen': true } }
    const [[name, answer] = [], [second, set] = []] = await send(
      { k: { forEmailId, ...mdn } },
      { onSuccessUpdateEmail },
    )
    const facts = {
      finalRecipient: 'rfc822; bob@lab.test',
      originalRecipient: 'rfc822;list@lab.test',
      originalMessageId: '<first@lab.test>',
    }
    expect([name, answer.notSent, answer.sent.k]).toEqual([
      'MDN/send',
      null,
      { ...facts, mdnGateway: null, error: null },
    ])
    expect([second, set.updated]).toEqual(['Email/set', { [forEmailId]: null }])
    const { list } = await bob.ask('Email/get', { ids: [forEmailId], properties: ['keywords'] })
    expect(list[0].keywords).toEqual({ $mdnsent: true })
    expect(await failure(forEmailId)).toMatchObject({ type: 'mdnAlreadySent' })

    const { blobId, raw, ...one } = await received('<first@lab.test>')
    expect(one).toMatchObject({
      from: [{ email: 'bob@lab.test' }],
      to: [{ email: 'alice@lab.test' }],
      subject: 'Gelesen: Café',
    })
    expect(raw).toMatch(/^Return-Path: <>\r\n/)
    expect(raw).not.toContain('Auto-Submitted')
    const parsed = await alice.ask('MDN/parse', { blobIds: [blobId] })
    expect(parsed).toEqual({
      accountId: 'alice',
      notFound: null,
      notParsable: null,
      parsed: {
        [blobId]: {
          ...mdn,
          ...facts,
          textBody: expect.any(String),
          forEmailId: original,
          mdnGateway: null,
          error: null,
        },
      },
    })
    expect(parsed.parsed[blobId].textBody.trimEnd().split(/\r?\n/)).toEqual(mdn.textBody.split('\n'))
  })

  it.skipIf(!needs(DEBIAN_PYTHON))('send what the package email of Python reads as a report', async () => {
    const forEmailId = await stored(bob, asking('python', TO_ALICE))
    const disposition = { actionMode: 'automatic-action', sendingMode: 'mdn-sent-automatically', type: 'deleted' }
    const { sent } = await sendOne({ forEmailId, disposition, includeOriginalMessage: true })
    expect(sent).toMatchObject({ k: { subject: 'Read: Café', textBody: expect.any(String), reportingUA: null } })
    const { raw } = await received('<python@lab.test>')
    const script = `
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = list(m.iter_parts())
report = parts[1].get_payload()[0]
print(json.dumps([m.get_content_type(), m['Content-Type'].params['report-type'], str(m['Subject']), m['Auto-Submitted'],
  [p.get_content_type() for p in parts], str(report['Disposition']), str(report['Final-Recipient']),
  str(report['Original-Message-ID']), str(parts[2].get_payload()[0]['Subject']), [len(p.defects) for p in m.walk()]]))`
    const said = JSON.parse(execFileSync(DEBIAN_PYTHON, ['-c', script], { input: raw, encoding: 'utf8' }))
    expect(said.slice(0, -1)).toEqual([
      ...['multipart/report', 'disposition-notification', 'Read: Café', 'auto-replied'],
      ['text/plain', 'message/disposition-notification', 'message/rfc822'],
      ...['automatic-action/MDN-sent-automatically; deleted', 'rfc822; bob@lab.test', '<python@lab.test>', 'Café'],
    ])
    expect(said.at(-1).some((count: number) => count > 0)).toBe(false)
  })

  it('send to each address that the message names, also elsewhere', async () => {
    const forEmailId = await stored(bob, asking('two', `${TO_ALICE}, boss@elsewhere.test`))
    const { notSent } = await sendOne({ forEmailId, disposition: DISPOSITION })
    expect(notSent).toBeNull()
    expect((await received('<two@lab.test>')).raw).toContain('To: alice@lab.test, boss@elsewhere.test\r\n')
    expect((await http.lab.waitForMessage({ to: 'boss@elsewhere.test' })).from?.address).toBe('bob@lab.test')
  })
})

describe('MDN/send', () => {
  it('refuses what it must not send', async () => {
    const forEmailId = await stored(bob, asking('refused', TO_ALICE))
    expect(await failure('nothing')).toMatchObject({ type: 'notFound' })
    expect(await failure(await stored(bob, asking('unasked')))).toMatchObject({ type: 'forbidden' })
    expect(await failure(await stored(bob, asking('done', TO_ALICE), { $MDNSent: true }))).toMatchObject({
      type: 'mdnAlreadySent',
    })
    expect(await failure(forEmailId, { finalRecipient: 'rfc822; alice@lab.test' })).toMatchObject({
      type: 'forbiddenFrom',
    })
    const { ids } = await alice.ask('Email/query', { filter: { header: ['References', '<refused@lab.test>'] } })
    expect(ids).toEqual([])
  })

  it('refuses properties that are wrong, or that could not be written', async () => {
    const forEmailId = await stored(bob, asking('wrong', TO_ALICE))
    for (const more of [
      { disposition: null },
      { disposition: { ...DISPOSITION, type: 'read' } },
      { originalMessageId: '<x@y>' },
      { reportingUA: 'a\r\nFinal-Recipient: rfc822; x@y' },
      { extensionFields: { Disposition: 'x' } },
      { extensionFields: { 'a b': 'x' } },
      { textBody: 5 },
      { toString: 'x' },
    ])
      expect(await failure(forEmailId, more), JSON.stringify(more)).toMatchObject({
        type: 'invalidProperties',
        properties: [Object.keys(more)[0]],
      })
  })

  it('refuses an unknown identity', async () => {
    const { type } = await bob.ask('MDN/send', { identityId: 'nobody', send: {} })
    expect(type).toBe('invalidArguments')
  })
})

describe('MDN/parse', () => {
  it('reads MDNs of other programs, and tells the others', async () => {
    const plain = await uploaded(alice, 'Subject: No report\r\n\r\nText\r\n')
    const other = await uploaded(
      alice,
      [
        'Subject: Read',
        'Content-Type: multipart/report; report-type=disposition-notification; boundary=b',
        ...['', '--b', '', 'Read', '--b', 'Content-Type: message/disposition-notification', ''],
        ...['MDN-Gateway: dns; x', 'Final-Recipient: RFC822;', ' bob@lab.test', 'Error: one', 'Error: two', 'X-A: b'],
        ...['Disposition: Manual-Action / mdn-Sent-Manually ; Processed/error', '', '--b--', ''],
      ].join('\r\n'),
    )
    const { parsed, notParsable, notFound } = await alice.ask('MDN/parse', { blobIds: [plain, other, 'nothing'] })
    expect([notParsable, notFound]).toEqual([[plain], ['nothing']])
    expect(parsed[other]).toEqual({
      forEmailId: null,
      subject: 'Read',
      textBody: 'Read',
      includeOriginalMessage: false,
      reportingUA: null,
      mdnGateway: 'dns; x',
      originalRecipient: null,
      originalMessageId: null,
      error: ['one', 'two'],
      finalRecipient: 'RFC822; bob@lab.test',
      disposition: { ...DISPOSITION, type: 'processed' },
      extensionFields: { 'X-A': 'b' },
    })
  })
})
