import { afterEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', jmap: { maxSizeRequest: '100KB' } },
  ],
})
const alice = new JmapClient(http)
const CORE = 'urn:ietf:params:jmap:core'
const echo = (args: object, id = 'c') => ['Core/echo', args, id] as const
const post = (...methodCalls: readonly unknown[]) => alice.post({ using: [CORE], methodCalls })

const add = (when: object, action: object, more: object = {}) =>
  http.request('faults', { json: { when: { protocol: 'jmap', ...when }, do: action, ...more } })
afterEach(async () => {
  const { body } = await http.request('faults')
  for (const { id } of body.items) await http.request(`faults/${id}`, { method: 'DELETE' })
})

describe('a fault', () => {
  it('puts an error in the place of a call, and lets the others run', async () => {
    expect((await add({ method: 'Mailbox/get' }, { error: 'serverUnavailable' }, { times: 1 })).status).toBe(201)
    const calls = [
      ['Core/echo', {}],
      ['Mailbox/get', {}],
      ['Core/echo', {}],
    ] as const
    const names = async () => (await alice.call(...calls)).map(([name, { type }]) => [name, type])
    expect(await names()).toEqual([
      ['Core/echo', undefined],
      ['error', 'serverUnavailable'],
      ['Core/echo', undefined],
    ])
    expect((await names())[1]).toEqual(['Mailbox/get', undefined])
  })

  it('matches the arguments', async () => {
    await add({ method: 'Core/echo', matching: '"bad":true' }, { error: 'stateMismatch' })
    const { body } = await post(echo({ bad: false }), echo({ bad: true }))
    expect(body.methodResponses.map(([name]: [string]) => name)).toEqual(['Core/echo', 'error'])
  })

  it('refuses a whole request', async () => {
    await add({}, { error: 'limit' })
    const { status, body } = await post(echo({}))
    expect([status, body]).toMatchObject([400, { type: 'urn:ietf:params:jmap:error:limit', limit: expect.any(String) }])
  })

  it.each(['before', 'rst'])('closes the connection: %s', async (drop) => {
    await add({ method: 'Core/echo' }, { drop })
    await expect(post(echo({}))).rejects.toThrow()
  })

  it('cuts the response in the middle, after the work is done', async () => {
    await add({ method: 'Mailbox/set' }, { drop: 'mid-reply' }, { times: 1 })
    const create = { k: { name: 'Cut' } }
    const using = ['core', 'mail'].map((name) => `urn:ietf:params:jmap:${name}`)
    const methodCalls = [['Mailbox/set', { accountId: 'alice', create }, 'c']]
    const response = await fetch(`${http.base}/jmap/api`, {
      method: 'POST',
      headers: { ...alice.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ using, methodCalls }),
    })
    const length = Number(response.headers.get('content-length'))
    let text = ''
    const whole = (async () => {
      for await (const part of response.body ?? []) text += Buffer.from(part)
    })()
    await expect(whole).rejects.toThrow()
    expect([response.status, text.length]).toEqual([200, Math.floor(length / 2)])
    expect(text).toMatch(/^\{"methodResponses":\[\["Mailbox\/set"/)
    expect((await alice.ask('Mailbox/query', { filter: { name: 'Cut' } })).ids).toHaveLength(1)
  })

  it('delays', async () => {
    await add({ method: 'Core/echo', matching: 'slow' }, { delay: '2s' })
    const order: string[] = []
    const slow = post(echo({ slow: true })).then(({ status }) => order.push(`slow ${status}`))
    await expect.poll(async () => (await http.request('faults')).body.items[0].hits).toBe(1)
    order.push(`fast ${(await post(echo({}))).status}`)
    await slow
    expect(order).toEqual(['fast 200', 'slow 200'])
  })

  it.each([
    [{ protocol: 'imap4', method: 'Email/get' }, { drop: 'before' }],
    [{ protocol: 'imap4' }, { error: 'serverFail' }],
    [{}, { reply: 'NO' }],
    [{}, { drop: 'after' }],
    [{ on: 'connect' }, { drop: 'before' }],
    [{ method: 'Email' }, { error: 'serverFail' }],
    [{ verb: 'NOOP' }, { error: 'serverFail' }],
  ])('is refused for %j: %j', async (when, action) => {
    expect((await add(when, action)).status).toBe(422)
  })

  it('for all protocols leaves JMAP alone', async () => {
    const json = { when: { on: 'command' }, do: { drop: 'before' } }
    expect((await http.request('faults', { json })).status).toBe(201)
    expect((await post(echo({}))).status).toBe(200)
  })
})

it('results that multiply by references end in an error', async () => {
  const reference = { resultOf: 'c', name: 'Core/echo', path: '' }
  const double = ['Core/echo', { '#a': reference, '#b': reference }, 'c2']
  const doubled = [
    'Core/echo',
    { '#a': { ...reference, resultOf: 'c2' }, '#b': { ...reference, resultOf: 'c2' } },
    'c3',
  ]
  const { status, body } = await post(echo({ x: 'x'.repeat(20_000) }), double, doubled)
  expect(status).toBe(200)
  expect(body.methodResponses.map(([name, { type }]: [string, { type?: string }]) => type ?? name)).toEqual([
    'Core/echo',
    'Core/echo',
    'invalidResultReference',
  ])
})

it.each([
  ['deep', '['.repeat(100_00)],
  ['deep and whole', `{"using":[],"methodCalls":[["Core/echo",${'{"a":'.repeat(40)}1${'}'.repeat(40)},"c"]]}`],
  ['large', `{"using":["${'x'.repeat(100_000)}"]}`],
])('a request that is %s is refused', async (_, body) => {
  const headers = { ...alice.headers, 'content-type': 'application/json' }
  const answer = await http.request('/jmap/api', { method: 'POST', headers, body })
  expect([answer.status, answer.body.type]).toEqual([400, 'urn:ietf:params:jmap:error:limit'])
})

it('the record of the session has the methods and their errors, without arguments', async () => {
  await post(echo({ password: 'hidden' }, 'first'), ['Nothing/get', {}, 'second'])
  const { body } = await http.request('sessions?protocol=http&limit=20')
  const found = await Promise.all(body.items.map(({ id }: { id: string }) => http.request(`sessions/${id}`)))
  const text = JSON.stringify(found.map((one) => one.body))
  expect(text).toContain('Core/echo first')
  expect(text).toContain('error unknownMethod second')
  expect(text).not.toContain('hidden')
})
