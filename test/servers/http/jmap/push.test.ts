import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret', quota: { messages: 100 } },
      { user: 'bob', password: 'secret', quota: { messages: 100 } },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', jmap: { maxSizeRequest: '100KB', maxConcurrentRequests: 2 } },
  ],
})
const alice = new JmapClient(http)
const CORE = 'urn:ietf:params:jmap:core'

/** Puts a message into the INBOX of an account. */
const put = (user = 'alice') => {
  const body = 'From: a@b.test\r\nSubject: New\r\n\r\nNew\r\n'
  return http.request(`messages/import?to=${user}`, { body, headers: { 'content-type': 'message/rfc822' } })
}

const open = new Set<{ close: () => void }>()
afterEach(() => {
  for (const one of open) one.close()
  open.clear()
})

/** The frames of an event source. */
class EventSource {
  readonly #closing = new AbortController()
  #text = ''
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  response: Response | undefined

  async connect(query: string, headers: Record<string, string> = {}): Promise<this> {
    open.add(this)
    const init = { headers: { ...alice.headers, ...headers }, signal: this.#closing.signal }
    this.response = await fetch(`${http.base}/jmap/eventsource${query}`, init)
    this.#reader = this.response.body?.getReader()
    return this
  }

  /** Returns the next event, without comments; undefined at the end of the stream. */
  async next(): Promise<{ event: string; id: string | undefined; data: Record<string, unknown> } | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end !== -1) {
        const lines = this.#text.slice(0, end).split('\n')
        this.#text = this.#text.slice(end + 2)
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const event = field('event')
        if (event !== undefined) return { event, id: field('id'), data: JSON.parse(field('data') ?? '') }
        continue
      }
      const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined }
      if (done) return undefined
      this.#text += Buffer.from(value ?? []).toString()
    }
  }

  close(): void {
    this.#closing.abort()
  }
}

/** A client of RFC 8887. */
class Socket {
  readonly #socket: WebSocket
  readonly #received: unknown[] = []
  #wake = (): void => {}
  closed: number | undefined

  constructor(client = alice, protocol = 'jmap', headers: Record<string, string> = {}) {
    open.add(this)
    const url = `${http.base.replace('http', 'ws')}/jmap/ws`
    this.#socket = new WebSocket(url, protocol === '' ? [] : [protocol], {
      headers: { ...client.headers, ...headers },
    })
    this.#socket.on('message', (data: Buffer) => {
      this.#received.push(JSON.parse(data.toString()))
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', (code: number) => {
      this.closed = code
      this.#wake()
    })
  }

  async opened(): Promise<this> {
    await once(this.#socket, 'open')
    return this
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape of the answer themselves
  async next(): Promise<any> {
    while (this.#received.length === 0 && this.closed === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    return this.#received.shift()
  }

  /** Returns the status with which the server refuses. */
  async refused(): Promise<number> {
    const [, response] = (await once(this.#socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    return response.statusCode
  }

  close(): void {
    this.#socket.terminate()
  }
}

describe('the event source', () => {
  it('tells the states that have changed, with an id after which a client can continue', async () => {
    const stream = await new EventSource().connect('?types=*&closeafter=no&ping=0')
    expect(stream.response?.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const state = async () => (await alice.ask('Quota/get', { ids: [] })).state
    const before = await state()
    await put()
    const { event, id, data } = (await stream.next()) ?? {}
    expect([event, data]).toMatchObject([
      'state',
      { '@type': 'StateChange', changed: { alice: { Quota: await state() } } },
    ])
    expect(await state()).not.toBe(before)
    stream.close()
    await put()
    const again = await new EventSource().connect('?types=Quota', { 'last-event-id': id ?? '' })
    expect((await again.next())?.data).toEqual({ '@type': 'StateChange', changed: { alice: { Quota: await state() } } })
  })

  it('ends after a state if the client wants that', async () => {
    const stream = await new EventSource().connect('?types=*&closeafter=state&ping=0')
    await put()
    expect((await stream.next())?.event).toBe('state')
    expect(await stream.next()).toBeUndefined()
  })

  it('tells neither other types nor other accounts, and pings', async () => {
    const stream = await new EventSource().connect('?types=Identity&closeafter=no&ping=1')
    await put()
    await put('bob')
    expect(await stream.next()).toEqual({ event: 'ping', id: undefined, data: { interval: 1 } })
  })

  it('ends when the account may no longer log on', async () => {
    const bob = new JmapClient(http, 'bob')
    const stream = await new EventSource().connect('?types=*&closeafter=no&ping=0', bob.headers)
    await http.request('accounts/bob', { method: 'PATCH', json: { password: 'another' } })
    expect(await stream.next()).toBeUndefined()
    await http.request('accounts/bob', { method: 'PATCH', json: { password: 'secret' } })
  })

  it.each(['?closeafter=x', '?ping=-1', '?ping=x'])('refuses %s', async (query) => {
    expect((await new EventSource().connect(query)).response?.status).toBe(400)
  })
})

describe('WebSocket', () => {
  it('answers requests, also several at once', async () => {
    const socket = await new Socket().opened()
    expect(socket.protocol).toBe('jmap')
    const { capabilities } = await alice.session()
    expect(capabilities['urn:ietf:params:jmap:websocket']).toEqual({
      url: `${http.base.replace('http', 'ws')}/jmap/ws`,
      supportsWebSocketPush: true,
    })
    const request = { '@type': 'Request', using: [CORE], methodCalls: [['Core/echo', { a: 1 }, 'c']] }
    socket.send({ ...request, id: 'R1' })
    expect(await socket.next()).toMatchObject({
      '@type': 'Response',
      requestId: 'R1',
      methodResponses: request.methodCalls,
    })
    socket.send(request)
    expect(await socket.next()).not.toHaveProperty('requestId')
  })

  it.each([
    ['{', 'notJSON', undefined],
    ['[]', 'notRequest', undefined],
    [{ '@type': 'Other', id: 'x' }, 'notRequest', 'x'],
    [{ '@type': 'Request', id: 'y', using: ['urn:x'], methodCalls: [] }, 'unknownCapability', 'y'],
    [{ '@type': 'WebSocketPushEnable', dataTypes: 7 }, 'notRequest', undefined],
  ])('answers %j with an error, and continues', async (message, type, requestId) => {
    const socket = await new Socket().opened()
    socket.send(message)
    expect(await socket.next()).toMatchObject({
      '@type': 'RequestError',
      ...(requestId !== undefined && { requestId }),
      type: `urn:ietf:params:jmap:error:${type}`,
      status: 400,
    })
    socket.send({ '@type': 'Request', using: [CORE], methodCalls: [] })
    expect(await socket.next()).toMatchObject({ methodResponses: [] })
  })

  it('tells changes after WebSocketPushEnable, until WebSocketPushDisable', async () => {
    const socket = await new Socket().opened()
    socket.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Quota'] })
    socket.send({ '@type': 'Request', using: [CORE], methodCalls: [] })
    await socket.next()
    await put()
    const { pushState, ...change } = await socket.next()
    expect(change).toEqual({ '@type': 'StateChange', changed: { alice: { Quota: expect.any(String) } } })
    socket.send({ '@type': 'WebSocketPushDisable' })
    await put()
    const other = await new Socket().opened()
    other.send({ '@type': 'WebSocketPushEnable', dataTypes: null, pushState })
    expect(await other.next()).toMatchObject({
      '@type': 'StateChange',
      changed: { alice: { Quota: expect.any(String) } },
    })
    socket.send({ '@type': 'Request', using: [CORE], methodCalls: [] })
    expect(await socket.next()).toMatchObject({ '@type': 'Response' })
  })

  it('closes for messages that are too large', async () => {
    const socket = await new Socket().opened()
    socket.send(`"${'x'.repeat(100_001)}"`)
    expect(await socket.next()).toBeUndefined()
    expect(socket.closed).toBe(1009)
  })

  it('refuses clients without the subprotocol, without a log-on, and pages of other sites', async () => {
    expect(await new Socket(alice, '').refused()).toBe(400)
    expect(await new Socket(alice, 'jmap', { authorization: '' }).refused()).toBe(401)
    expect(await new Socket(alice, 'jmap', { origin: 'https://other.example' }).refused()).toBe(403)
  })
})
