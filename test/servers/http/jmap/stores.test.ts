import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/folder.ts'
import { freshDatabase, needsPostgres } from '../../../support/postgres.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const lab = {
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' as const }, { protocol: 'http' as const }],
}

/** The account alice, with the steps of the walk. */
class Walker extends JmapClient {
  readonly #http: HttpLab

  constructor(http: HttpLab) {
    super(http)
    this.#http = http
  }

  async upload(content: string): Promise<string> {
    const { body } = await this.#http.request('/jmap/upload/alice', { body: content, headers: this.headers })
    return body.blobId
  }

  async download(blobId: string): Promise<string> {
    return (await this.#http.request(`/jmap/download/alice/${blobId}/x.txt`, { headers: this.headers })).body
  }

  async mailbox(role: string): Promise<string> {
    return (await this.ask('Mailbox/query', { filter: { role } })).ids[0]
  }

  /** Imports a message into the inbox. Returns its id. */
  async import(subject: string): Promise<string> {
    const blobId = await this.upload(
      `From: alice@lab.test\r\nTo: bob@lab.test\r\nMessage-ID: <${subject}@lab.test>\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`,
    )
    const emails = { k: { blobId, mailboxIds: { [await this.mailbox('inbox')]: true } } }
    return (await this.ask('Email/import', { emails })).created.k.id
  }

  async update(id: string, patch: object): Promise<void> {
    expect(await this.ask('Email/set', { update: { [id]: patch } })).toMatchObject({ updated: { [id]: null } })
  }

  /** Submits an Email that waits an hour. Returns the id of the submission. */
  async submitLater(emailId: string): Promise<string> {
    const { list } = await this.ask('Identity/get')
    const mailFrom = { email: 'alice@lab.test', parameters: { HOLDFOR: '3600' } }
    const create = {
      k: { identityId: list[0].id, emailId, envelope: { mailFrom, rcptTo: [{ email: 'bob@lab.test' }] } },
    }
    return (await this.ask('EmailSubmission/set', { create })).created.k.id
  }

  async undoStatus(id: string): Promise<string | undefined> {
    return (await this.ask('EmailSubmission/get', { ids: [id] })).list[0]?.undoStatus
  }

  cancel(id: string) {
    return this.ask('EmailSubmission/set', { update: { [id]: { undoStatus: 'canceled' } } })
  }

  async createIdentity(name: string): Promise<string> {
    const create = { k: { name, email: 'alice+other@lab.test' } }
    return (await this.ask('Identity/set', { create })).created.k.id
  }

  async createScript(name: string): Promise<string> {
    const create = { k: { name, blobId: await this.upload('require "fileinto"; fileinto "Junk";') } }
    return (await this.ask('SieveScript/set', { create, onSuccessActivateScript: '#k' })).created.k.id
  }

  /** Returns the objects and the states of all types. */
  async everything(): Promise<object> {
    const got: Record<string, unknown> = {}
    for (const name of [
      'Email',
      'Thread',
      'Mailbox',
      'Identity',
      'EmailSubmission',
      'VacationResponse',
      'SieveScript',
    ]) {
      const ids = name === 'Email' ? (await this.ask('Email/query')).ids : name === 'Thread' ? [] : null
      const { state, list } = await this.ask(`${name}/get`, { ids })
      // The order of objects means nothing.
      got[name] = { state, list: new Map(list.map((one: { id: string }) => [one.id, one])) }
    }
    return { ...got, order: await this.ask('Email/query', { sort: [{ property: 'subject' }] }) }
  }
}

const changes = async (client: JmapClient, name: string, sinceState: string) => {
  const { created, updated, destroyed, newState } = await client.ask(`${name}/changes`, { sinceState })
  return { created, updated, destroyed, newState }
}

const stateOf = async (client: JmapClient, name: string): Promise<string> =>
  (await client.ask(`${name}/get`, { ids: [] })).state

describe('the store on disk', () => {
  it('keeps objects, states and uploads over a restart', async () => {
    const store = { lmdb: newFolder() }
    let before: object
    let state: Record<string, string>
    let ids: Record<string, string>
    {
      await using http = await HttpLab.start({ ...lab, store })
      const alice = new Walker(http)
      const [one, two, three] = [await alice.import('one'), await alice.import('two'), await alice.import('three')]
      const start = await stateOf(alice, 'Email')
      const made = await alice.ask('Mailbox/set', { create: { k: { name: 'Project' } } })
      const mailbox: string = made.created.k.id
      await alice.update(one, { 'keywords/$flagged': true, [`mailboxIds/${mailbox}`]: true })
      await alice.ask('Email/set', { destroy: [two] })
      const identity = await alice.createIdentity('Other')
      const script = await alice.createScript('junk')
      const vacation = { singleton: { isEnabled: true, textBody: 'Away' } }
      await alice.ask('VacationResponse/set', { update: vacation })
      const submission = await alice.submitLater(three)
      const upload = await alice.upload('kept')
      ids = { one, two, three, mailbox, identity, script, submission, upload }
      state = { start, identity: await stateOf(alice, 'Identity'), submission: await stateOf(alice, 'EmailSubmission') }
      before = await alice.everything()
    }
    await using http = await HttpLab.start({ ...lab, store })
    const alice = new Walker(http)
    expect(await alice.everything()).toEqual(before)
    expect(await alice.download(`${ids.upload}`)).toBe('kept')
    expect(await changes(alice, 'Email', `${state.start}`)).toMatchObject({
      created: [],
      updated: [ids.one],
      destroyed: [ids.two],
    })
    await alice.update(`${ids.three}`, { 'keywords/$seen': true })
    const last = await changes(alice, 'Email', `${state.start}`)
    expect(last).toMatchObject({ updated: [ids.one, ids.three], destroyed: [ids.two] })
    expect(await stateOf(alice, 'Email')).toBe(last.newState)
    expect(await alice.undoStatus(`${ids.submission}`)).toBe('pending')
    expect(await alice.cancel(`${ids.submission}`)).toMatchObject({ updated: { [`${ids.submission}`]: null } })
    expect(await alice.undoStatus(`${ids.submission}`)).toBe('canceled')
    expect(await changes(alice, 'EmailSubmission', `${state.submission}`)).toMatchObject({ updated: [ids.submission] })
    await alice.ask('Identity/set', { update: { [`${ids.identity}`]: { name: 'New' } } })
    expect(await changes(alice, 'Identity', `${state.identity}`)).toMatchObject({ updated: [ids.identity] })
  })

  it('sends a submission that waited during a restart', async () => {
    const store = { lmdb: newFolder() }
    let id: string
    {
      await using http = await HttpLab.start({ ...lab, store })
      const alice = new Walker(http)
      id = await alice.submitLater(await alice.import('later'))
    }
    await using http = await HttpLab.start({ ...lab, store })
    const alice = new Walker(http)
    await http.lab.clock.advance('61m')
    await http.lab.waitForMessage({ to: 'bob', subject: 'later' })
    await expect.poll(() => alice.undoStatus(id)).toBe('final')
  })
})

describe.skipIf(!needsPostgres())('two nodes', { timeout: 120_000 }, () => {
  it('show the same objects and states, each what the other has committed', async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start({ ...lab, store: { postgres: url, pool: 4 }, cluster: { name: schema, node } })
    await using first = await start('one')
    await using second = await start('two')
    const [one, two] = [new Walker(first), new Walker(second)]
    const begin = await stateOf(two, 'Email')
    const [a, b] = [await one.import('a'), await two.import('b')]
    expect((await two.ask('Email/query', { sort: [{ property: 'subject' }] })).ids).toEqual([a, b])
    expect((await one.ask('Email/query', { filter: { subject: 'b' } })).ids).toEqual([b])
    const query = await one.ask('Email/query', { filter: { inMailbox: await one.mailbox('inbox') } })
    const made = await one.ask('Mailbox/set', { create: { k: { name: 'Project' } } })
    const mailbox: string = made.created.k.id
    await two.update(a, { 'keywords/$flagged': true, mailboxIds: { [mailbox]: true } })
    expect((await one.ask('Email/query', { filter: { inMailbox: mailbox, hasKeyword: '$flagged' } })).ids).toEqual([a])
    const { removed } = await one.ask('Email/queryChanges', {
      filter: { inMailbox: await one.mailbox('inbox') },
      sinceQueryState: query.queryState,
    })
    expect(removed).toContain(a)
    await one.ask('Email/set', { destroy: [b] })
    expect((await two.ask('Email/get', { ids: [a, b] })).notFound).toEqual([b])
    const found = await changes(two, 'Email', begin)
    expect(found).toMatchObject({ created: [a], updated: [], destroyed: [] })
    expect(await changes(one, 'Email', begin)).toEqual(found)
    expect(await two.download(await one.upload('kept'))).toBe('kept')
    const submissionState = await stateOf(two, 'EmailSubmission')
    const submission = await one.submitLater(a)
    expect(await changes(two, 'EmailSubmission', submissionState)).toMatchObject({ created: [submission] })
    // Right after the start, no node sends yet.
    await expect
      .poll(() => two.cancel(submission), { timeout: 60_000 })
      .toMatchObject({ updated: { [submission]: null } })
    expect(await one.undoStatus(submission)).toBe('canceled')
    await two.createIdentity('Other')
    await one.createScript('junk')
    await two.ask('VacationResponse/set', { update: { singleton: { isEnabled: true, textBody: 'Away' } } })
    expect(await one.everything()).toEqual(await two.everything())
  })

  it('tells clients of the other node of new states', async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start({ ...lab, store: { postgres: url, pool: 4 }, cluster: { name: schema, node } })
    await using first = await start('one')
    await using second = await start('two')
    const one = new Walker(first)
    const query = '?types=Email&closeafter=state&ping=0'
    const response = await fetch(`${second.base}/jmap/eventsource${query}`, { headers: one.headers })
    const text = response.text()
    await one.import('new')
    expect(await text).toContain(JSON.stringify({ Email: await stateOf(one, 'Email') }))
  })

  it('sends to push subscriptions from the other node after the first has ended', async () => {
    const received: { '@type': string; changed: object; verificationCode: string; pushSubscriptionId: string }[] = []
    const receiver = createServer(async (request, response) => {
      received.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
      response.end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/push`
    const { url, schema } = await freshDatabase()
    const webhooks = [{ url: hook, events: ['lab.reset' as const], secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }]
    const start = (node: string) =>
      HttpLab.start({ ...lab, webhooks, store: { postgres: url, pool: 4 }, cluster: { name: schema, node } })
    const first = await start('one')
    await using second = await start('two')
    const [one, two] = [new Walker(first), new Walker(second)]
    const told = (client: Walker, name: string) =>
      expect.poll(
        async () => {
          const changed = { alice: { [name]: await stateOf(client, name) } }
          return received.some((message) => JSON.stringify(message.changed) === JSON.stringify(changed))
        },
        { timeout: 60_000 },
      )
    const given = { deviceClientId: 'd', url: hook, types: ['Email', 'Identity'] }
    await one.ask('PushSubscription/set', { create: { a: given } })
    await expect.poll(() => received.length, { timeout: 60_000 }).toBe(1)
    const { verificationCode, pushSubscriptionId } = received[0] as (typeof received)[0]
    await one.ask('PushSubscription/set', { update: { [pushSubscriptionId]: { verificationCode } } })
    await two.import('before')
    await told(one, 'Email').toBe(true)
    await two.createIdentity('Other')
    await told(one, 'Identity').toBe(true)
    await first[Symbol.asyncDispose]()
    received.length = 0
    await two.ask('PushSubscription/set', { update: { [pushSubscriptionId]: { types: ['Email'] } } })
    await two.import('after')
    await told(two, 'Email').toBe(true)
    receiver.closeAllConnections()
    receiver.close()
  })
})
