import { describe, expect, it } from 'vitest'
import { ImapClient } from '../../../support/imap-client.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret', addresses: ['alice@lab.test', 'sales@lab.test'] },
      { user: 'bob', password: 'secret' },
      { user: 'full', password: 'secret', quota: { messages: 0 } },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', limits: { recipients: 3 } },
    { protocol: 'http', name: 'slow', limits: { rate: { messages: 1, per: '1h' } } },
  ],
})
const alice = new JmapClient(http)
const bob = new JmapClient(http, 'bob')

const identityOf = async (email: string) =>
  (await alice.ask('Identity/get')).list.find((one: { email: string }) => one.email === email)

/** Stores a message by IMAP. Returns its EMAILID. */
async function stored(header: string, body = 'Text'): Promise<string> {
  const raw = `Message-ID: <${Math.random()}@lab.test>\r\n${header.replaceAll('\n', '\r\n')}\r\n\r\n${body}\r\n`
  const imap = await ImapClient.open(http.lab.server('imap4').port, 'alice', 'secret')
  await imap.ok(`APPEND Drafts (\\Draft) {${Buffer.byteLength(raw)}+}\r\n${raw}`)
  await imap.ok('EXAMINE Drafts')
  const lines = await imap.ok('FETCH * (EMAILID)')
  imap.send('LOGOUT')
  return /EMAILID \(([^)]+)\)/.exec(lines.join())?.[1] ?? ''
}

/** Sends a message with a header. Returns the created submission, or the error. */
async function sent(header: string, more: object = {}) {
  const { id } = await identityOf('alice@lab.test')
  const emailId = await stored(header)
  const { created, notCreated } = await alice.ask('EmailSubmission/set', {
    create: { k: { identityId: id, emailId, ...more } },
  })
  return created?.k ?? notCreated.k
}
const submission = async (id: string) => (await alice.ask('EmailSubmission/get', { ids: [id] })).list[0]
const envelope = (to: readonly string[], parameters: object | null = null) => ({
  mailFrom: { email: 'alice@lab.test', parameters },
  rcptTo: to.map((email) => ({ email })),
})
const FROM = 'From: Alice <alice@lab.test>\n'

describe('identities', () => {
  it('exist for each address of the account', async () => {
    const { list } = await alice.ask('Identity/get')
    expect(list).toEqual(
      ['alice@lab.test', 'sales@lab.test'].map((email) => ({
        id: expect.any(String),
        email,
        name: '',
        replyTo: null,
        bcc: null,
        textSignature: '',
        htmlSignature: '',
        mayDelete: false,
      })),
    )
  })

  it('are changed, and their changes are known', async () => {
    const { id } = await identityOf('sales@lab.test')
    const { state } = await alice.ask('Identity/get')
    const set = await alice.ask('Identity/set', {
      update: {
        [id]: { name: 'Sales', replyTo: [{ name: null, email: 'bob@lab.test' }], textSignature: '-- \nSales' },
      },
    })
    expect(set).toMatchObject({ oldState: state, updated: { [id]: null }, notUpdated: null })
    expect(await identityOf('sales@lab.test')).toMatchObject({ name: 'Sales', textSignature: '-- \nSales' })
    const changes = await alice.ask('Identity/changes', { sinceState: state })
    expect(changes).toMatchObject({ created: [], updated: [id], destroyed: [], newState: set.newState })
    expect((await alice.ask('Identity/changes', { sinceState: 'other' })).type).toBe('cannotCalculateChanges')
  })

  it('are created for addresses of the account only, and destroyed', async () => {
    const create = (email: string) => alice.ask('Identity/set', { create: { k: { name: 'K', email } } })
    expect((await create('bob@lab.test')).notCreated.k.type).toBe('forbiddenFrom')
    const { created, oldState } = await create('alice+k@lab.test')
    expect(created.k).toMatchObject({ mayDelete: true, replyTo: null })
    const { destroyed } = await alice.ask('Identity/set', { destroy: [created.k.id] })
    expect(destroyed).toEqual([created.k.id])
    const changes = await alice.ask('Identity/changes', { sinceState: oldState })
    expect(changes).toMatchObject({ created: [], updated: [], destroyed: [] })
    const { id } = await identityOf('alice@lab.test')
    const { notDestroyed } = await alice.ask('Identity/set', { destroy: [id] })
    expect(notDestroyed[id].type).toBe('forbidden')
  })

  it('refuse values of a wrong type', async () => {
    const { id } = await identityOf('alice@lab.test')
    const refused = async (patch: object) =>
      (await alice.ask('Identity/set', { update: { [id]: patch } })).notUpdated[id].properties
    expect(await refused({ name: 5 })).toEqual(['name'])
    expect(await refused({ replyTo: [{ name: 'without' }] })).toEqual(['replyTo'])
    expect(await refused({ email: 'sales@lab.test' })).toEqual(['email'])
    expect(await refused({ mayDelete: true })).toEqual(['mayDelete'])
  })
})

describe('EmailSubmission/set', () => {
  it('sends a message to the recipients of its header, without Bcc', async () => {
    const made = await sent(`${FROM}To: bob@lab.test\nBcc: hidden@elsewhere.test, sales@lab.test\nSubject: Now`)
    expect(made).toMatchObject({
      undoStatus: 'final',
      envelope: {
        mailFrom: { email: 'alice@lab.test', parameters: null },
        rcptTo: ['bob@lab.test', 'hidden@elsewhere.test', 'sales@lab.test'].map((email) => ({ email })),
      },
      deliveryStatus: {
        'bob@lab.test': { smtpReply: '250 2.1.5 OK', delivered: 'yes', displayed: 'unknown' },
        'hidden@elsewhere.test': { delivered: 'yes' },
      },
    })
    const got = await http.lab.waitForMessage({ to: 'bob', subject: 'Now' })
    expect(`${got.raw}`).toMatch(/^Return-Path: <alice@lab\.test>\r\nReceived: by /)
    expect(`${got.raw}`).not.toContain('hidden')
    const own = await http.lab.waitForMessage({ to: 'alice', subject: 'Now' })
    expect(`${own.raw}`).not.toContain('Bcc')
    expect(await submission(made.id)).toMatchObject({ ...made, emailId: expect.any(String) })
  })

  it('refuses what SMTP would refuse', async () => {
    const type = async (header: string, more?: object) => (await sent(header, more)).type
    expect(await type(`${FROM}Subject: None`)).toBe('noRecipients')
    expect(await type('From: bob@lab.test\nTo: bob@lab.test')).toBe('forbiddenFrom')
    expect(await type('To: bob@lab.test')).toBe('invalidEmail')
    expect(await type(`${FROM}To: a@x.test, b@x.test, c@x.test, d@x.test`)).toBe('tooManyRecipients')
    expect(await sent(`${FROM}To: bob@lab.test, nobody@lab.test`)).toMatchObject({
      type: 'invalidRecipients',
      invalidRecipients: ['nobody@lab.test'],
    })
    expect(await sent(FROM.trim(), { envelope: envelope(['no address']) })).toMatchObject({
      type: 'invalidRecipients',
      invalidRecipients: ['no address'],
    })
    const foreign = { mailFrom: { email: 'bob@lab.test' }, rcptTo: [{ email: 'bob@lab.test' }] }
    expect(await type(FROM.trim(), { envelope: foreign })).toBe('forbiddenMailFrom')
    expect(await sent(`${FROM}To: bob@lab.test`, { emailId: 'no-email' })).toMatchObject({
      type: 'invalidProperties',
      properties: ['emailId'],
    })
    expect(await sent(`${FROM}To: bob@lab.test`, { sendAt: '2030-01-01T00:00:00Z' })).toMatchObject({
      type: 'invalidProperties',
      properties: ['sendAt'],
    })
  })

  it('reports a recipient that refuses the message, and delivers to the others', async () => {
    const made = await sent(`${FROM}To: bob@lab.test, full@lab.test\nSubject: Half`)
    expect(made.deliveryStatus).toMatchObject({
      'bob@lab.test': { delivered: 'yes' },
      'full@lab.test': { delivered: 'no', smtpReply: expect.stringMatching(/^552 5\.2\.2 /) },
    })
    await http.lab.waitForMessage({ to: 'bob', subject: 'Half' })
    await http.lab.waitForMessage({ to: 'alice', subject: /^Undelivered mail/ })
  })

  it('counts messages against the rate limit of the virtual server', async () => {
    const { id } = await identityOf('alice@lab.test')
    const emailId = await stored(`${FROM}To: bob@lab.test`)
    const create = { k: { identityId: id, emailId }, l: { identityId: id, emailId } }
    const { port } = http.lab.server('slow')
    const response = await fetch(`http://127.0.0.1:${port}/jmap/api`, {
      method: 'POST',
      headers: { ...alice.headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:submission'],
        methodCalls: [['EmailSubmission/set', { accountId: 'alice', create }, 'c']],
      }),
    })
    const [[, result]] = ((await response.json()) as { methodResponses: [[string, Record<string, object>]] })
      .methodResponses
    expect(result).toMatchObject({ created: { k: {} }, notCreated: { l: { type: 'rateLimit' } } })
  })

  it('sends later, by the clock of the lab', async () => {
    const hold = { envelope: envelope(['bob@lab.test'], { holdfor: '3600' }) }
    const made = await sent(`${FROM}Subject: Later`, hold)
    expect(made.undoStatus).toBe('pending')
    expect(Date.parse(made.sendAt) - http.lab.clock.now()).toBeGreaterThan(3_500_000)
    const { state } = await alice.ask('EmailSubmission/get', { ids: [] })
    await http.lab.clock.advance('61m')
    const got = await http.lab.waitForMessage({ to: 'bob', subject: 'Later' })
    expect(got.envelope.from).toBe('alice@lab.test')
    await expect
      .poll(() => submission(made.id))
      .toMatchObject({
        undoStatus: 'final',
        deliveryStatus: { 'bob@lab.test': { delivered: 'yes' } },
      })
    expect(await alice.ask('EmailSubmission/changes', { sinceState: state })).toMatchObject({ updated: [made.id] })
  })

  it('takes back a message that waits', async () => {
    const until = new Date(http.lab.clock.now() + 60_000).toISOString()
    const hold = { envelope: envelope(['bob@lab.test'], { HOLDUNTIL: until }) }
    const { id } = await sent(`${FROM}Subject: Never`, hold)
    const cancel = () => alice.ask('EmailSubmission/set', { update: { [id]: { undoStatus: 'canceled' } } })
    expect(await cancel()).toMatchObject({ updated: { [id]: null } })
    expect((await submission(id)).undoStatus).toBe('canceled')
    await http.lab.clock.advance('2m')
    expect(await http.lab.messages({ to: 'bob', subject: 'Never' })).toHaveLength(0)
    const gone = await sent(`${FROM}To: bob@lab.test`)
    const late = await alice.ask('EmailSubmission/set', { update: { [gone.id]: { undoStatus: 'canceled' } } })
    expect(late.notUpdated[gone.id].type).toBe('cannotUnsend')
    const other = await alice.ask('EmailSubmission/set', { update: { [gone.id]: { identityId: 'x' } } })
    expect(other.notUpdated[gone.id]).toMatchObject({ type: 'invalidProperties', properties: ['identityId'] })
  })

  it('refuses parameters that it does not know, and times too far away', async () => {
    const refused = async (parameters: object) =>
      await sent(`${FROM}To: bob@lab.test`, { envelope: envelope(['bob@lab.test'], parameters) })
    for (const parameters of [{ X: '1' }, { HOLDFOR: '0' }, { HOLDFOR: '999999999' }, { SMTPUTF8: 'yes' }])
      expect(await refused(parameters)).toMatchObject({ type: 'invalidProperties', properties: ['envelope'] })
  })

  it('passes NOTIFY and ENVID on to the reports', async () => {
    const rcptTo = [{ email: 'bounce+550@lab.test', parameters: { NOTIFY: 'FAILURE', ORCPT: 'rfc822;old@lab.test' } }]
    const mailFrom = { email: 'alice@lab.test', parameters: { ENVID: 'env-42', RET: 'HDRS' } }
    await sent(`${FROM}Subject: Report`, { envelope: { mailFrom, rcptTo } })
    await http.lab.clock.advance('1m')
    const report = await http.lab.waitForMessage({ to: 'alice', matches: ({ raw }) => raw.includes('env-42') })
    expect(`${report.raw}`).toContain('Original-Recipient: rfc822;old@lab.test')
  })

  it('lists the delivery reports and the MDNs that have arrived for it, and what they say', async () => {
    const to = ['bounce+550@lab.test', 'bob@lab.test']
    const header = `${FROM}To: ${to}\nSubject: Reported\nDisposition-Notification-To: alice@lab.test`
    const { id } = await sent(header, { envelope: envelope(to) })
    const { id: other } = await sent(`${FROM}To: bob@lab.test\nSubject: Other`)
    const { state } = await alice.ask('EmailSubmission/get', { ids: [] })
    expect(await submission(id)).toMatchObject({ dsnBlobIds: [], mdnBlobIds: [] })
    await http.lab.clock.advance('1m')
    const { ids } = await bob.ask('Email/query', { filter: { subject: 'Reported' } })
    const disposition = { actionMode: 'manual-action', sendingMode: 'mdn-sent-manually', type: 'displayed' }
    const [identity] = (await bob.ask('Identity/get')).list
    const mdn = { forEmailId: ids[0], disposition }
    const answer = await bob.call(['MDN/send', { identityId: identity.id, send: { k: mdn, again: mdn } }])
    expect(answer[0]?.[1].notSent).toMatchObject({ again: { type: 'mdnAlreadySent' } })
    await expect.poll(async () => (await submission(id)).mdnBlobIds.length).toBe(1)
    const { dsnBlobIds, mdnBlobIds, deliveryStatus } = await submission(id)
    expect(deliveryStatus).toMatchObject({
      'bounce+550@lab.test': { delivered: 'no', displayed: 'unknown' },
      'bob@lab.test': { delivered: 'yes', displayed: 'yes' },
    })
    const { list } = await alice.ask('Email/get', { ids: [...dsnBlobIds, ...mdnBlobIds], properties: ['subject'] })
    expect(list.map((one: { subject: string }) => one.subject)).toEqual([
      expect.stringContaining('could not be delivered'),
      'Read: Reported',
    ])
    expect(await submission(other)).toMatchObject({ dsnBlobIds: [], mdnBlobIds: [] })
    expect(await alice.ask('EmailSubmission/changes', { sinceState: state })).toMatchObject({ updated: [id] })
  })
})

describe('EmailSubmission/query', () => {
  it('finds submissions and calculates changes', async () => {
    const first = await sent(`${FROM}To: bob@lab.test\nSubject: One`)
    const { queryState } = await alice.ask('EmailSubmission/query')
    const second = await sent(`${FROM}To: bob@lab.test\nSubject: Two`)
    const emails = [first, second].map(async ({ id }) => (await submission(id)).emailId)
    const filter = { operator: 'NOT', conditions: [{ emailIds: [await emails[0]] }] }
    const { ids } = await alice.ask('EmailSubmission/query', {
      filter,
      sort: [{ property: 'sentAt', isAscending: false }],
    })
    expect(ids).toContain(second.id)
    expect(ids).not.toContain(first.id)
    const changes = await alice.ask('EmailSubmission/queryChanges', { sinceQueryState: queryState })
    expect(changes.added.map(({ id }: { id: string }) => id)).toEqual([second.id])
    expect((await alice.ask('EmailSubmission/query', { filter: { nothing: 1 } })).type).toBe('unsupportedFilter')
  })
})

describe('after the submission', () => {
  it('Email/set moves, marks or destroys the message', async () => {
    const { list } = await alice.ask('Mailbox/get')
    const idOf = (role: string) => list.find((one: { role: string }) => one.role === role).id
    const { id: identityId } = await identityOf('alice@lab.test')
    const kept = await stored(`${FROM}To: bob@lab.test\nSubject: Kept`)
    const gone = await stored(`${FROM}To: bob@lab.test\nSubject: Gone`)
    const refused = await stored(`${FROM}Subject: Refused`)
    const responses = await alice.call([
      'EmailSubmission/set',
      {
        create: {
          k: { identityId, emailId: kept },
          g: { identityId, emailId: gone },
          r: { identityId, emailId: refused },
        },
        onSuccessUpdateEmail: {
          '#k': { mailboxIds: { [idOf('sent')]: true }, 'keywords/$draft': null },
          '#r': { 'keywords/$draft': null },
        },
        onSuccessDestroyEmail: ['#g'],
      },
    ])
    expect(responses.map(([name]) => name)).toEqual(['EmailSubmission/set', 'Email/set'])
    expect(responses[1]?.[1]).toMatchObject({ updated: { [kept]: null }, destroyed: [gone], notUpdated: null })
    const { list: emails, notFound } = await alice.ask('Email/get', {
      ids: [kept, gone, refused],
      properties: ['mailboxIds', 'keywords'],
    })
    expect(notFound).toEqual([gone])
    expect(emails[0]).toMatchObject({ mailboxIds: { [idOf('sent')]: true }, keywords: {} })
    expect(emails[1]).toMatchObject({ keywords: { $draft: true } })
  })
})
