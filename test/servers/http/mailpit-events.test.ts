import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { basic, bearer, HttpLab } from './client.ts'

const tenant = 'tenant-tenant-tenant'
const http = HttpLab.ofTests({
  hostname: 'lab.test',
  directory: { accounts: ['alice', 'bob', 't1-eve'].map((user) => ({ user, password: 'secret' })) },
  access: { tokens: [{ name: 't1', role: 'tenant', token: tenant }] },
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

interface Options {
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly origin?: string
}

interface Said {
  readonly Type: string
  readonly Data: Record<string, unknown> | null
}

/** A client of the events, with everything that it has received. */
class Client implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly said: Said[] = []
  readonly closed: Promise<number>

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.said.push(JSON.parse(data.toString())))
    this.closed = new Promise((resolve) => socket.on('close', resolve))
  }

  static async open({ path = '/mailpit/api/events', ...options }: Options = {}): Promise<Client> {
    const socket = new WebSocket(http.base.replace('http', 'ws') + path, options)
    const client = new Client(socket)
    await new Promise((resolve, reject) => {
      socket.on('open', resolve)
      socket.on('error', reject)
    })
    return client
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  /** Waits for the next event of a type, and returns the types before it and its data. */
  async next(type: string): Promise<{ before: string[]; data: Said['Data'] }> {
    await expect.poll(() => this.said.map(({ Type }) => Type)).toContain(type)
    const at = this.said.findIndex(({ Type }) => Type === type)
    const passed = this.said.splice(0, at + 1)
    return { before: passed.slice(0, -1).map(({ Type }) => Type), data: passed.at(-1)?.Data ?? null }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
    await this.closed
  }
}

const deliver = (to: string, subject = 'Mail'): Promise<void> =>
  http.lab.deliver({ from: 'shop@example.com', to: `${to}@lab.test`, subject }, { to })
const put = (path: string, json: object) => http.request(`/mailpit/api/v1/${path}`, { method: 'PUT', json })

describe('events', () => {
  it('tell what happens to messages, in the form of Mailpit', async () => {
    await using client = await Client.open()
    await deliver('alice', 'First')
    const { data } = await client.next('new')
    expect(data).toMatchObject({ ID: expect.any(String), Subject: 'First', Read: false, Tags: [] })
    expect(await client.next('stats')).toEqual({ before: [], data: { Total: 1, Unread: 1 } })
    await put('messages', { IDs: [data?.ID], Read: true })
    expect((await client.next('update')).data).toEqual({ ID: data?.ID, Read: true, Tags: [] })
    await put('tags', { IDs: [data?.ID], Tags: ['Tag 1'] })
    await expect
      .poll(() => client.said)
      .toContainEqual({ Type: 'update', Data: { ID: data?.ID, Read: true, Tags: ['Tag 1'] } })
    await deliver('alice', 'Second')
    await client.next('new')
    await http.request('/mailpit/api/v1/search?query=subject:first', { method: 'DELETE' })
    expect((await client.next('delete')).data).toEqual({ ID: data?.ID })
    await http.request('/mailpit/api/v1/messages', { method: 'DELETE' })
    expect(await client.next('truncate')).toMatchObject({ data: null })
    expect((await client.next('stats')).data).toEqual({ Total: 0, Unread: 0 })
  })

  it('tell of a message once, however many mailboxes have a copy', async () => {
    await using client = await Client.open()
    const From = { Email: 'shop@example.com' }
    const To = ['alice', 'bob'].map((user) => ({ Email: `${user}@lab.test` }))
    const { body } = await http.request('/mailpit/api/v1/send', { json: { From, To, Subject: 'Both' } })
    await deliver('alice', 'Last')
    expect((await client.next('new')).data).toMatchObject({ ID: body.ID })
    expect((await client.next('new')).data).toMatchObject({ Subject: 'Last' })
  })

  it('tell of a reset, and of what was there before', async () => {
    await deliver('alice')
    await deliver('alice')
    await using client = await Client.open()
    const [{ ID }] = (await http.request('/mailpit/api/v1/messages')).body.messages
    await http.request('/mailpit/api/v1/messages', { method: 'DELETE', json: { IDs: [ID] } })
    expect((await client.next('delete')).data).toEqual({ ID })
    await http.request('reset', { method: 'POST', json: {} })
    await client.next('truncate')
  })

  it('are those that the caller may see', async () => {
    await using eve = await Client.open({ headers: bearer(tenant) })
    await using narrowed = await Client.open({ path: '/t/t1/mailpit/api/events' })
    await using bob = await Client.open({ headers: basic('bob', 'secret') })
    await deliver('alice', 'To alice')
    await deliver('bob', 'To bob')
    await deliver('t1-eve', 'To eve')
    for (const client of [eve, narrowed]) expect((await client.next('new')).data).toMatchObject({ Subject: 'To eve' })
    expect((await bob.next('new')).data).toMatchObject({ Subject: 'To bob' })
    await expect(Client.open({ path: '/t/t2/mailpit/api/events', headers: bearer(tenant) })).rejects.toThrow(/403/)
  })
})

describe('the handshake', () => {
  it('is refused for pages of other sites, unknown hosts and callers, and other paths', async () => {
    await expect(Client.open({ origin: 'https://evil.example' })).rejects.toThrow(/403/)
    await expect(Client.open({ headers: { Host: 'evil.example' } })).rejects.toThrow(/421/)
    await expect(Client.open({ headers: bearer('wrong') })).rejects.toThrow(/401/)
    await expect(Client.open({ path: '/mailpit/api/none' })).rejects.toThrow(/404/)
    await expect(Client.open({ path: '/api/v1/events' })).rejects.toThrow(/200/)
    await using own = await Client.open({ origin: http.base })
    expect(own.said).toEqual([])
    const { status, body } = await http.request('/mailpit/api/events')
    expect(status).toBe(426)
    expect(body.detail).toMatch(/WebSocket/)
  })

  it('is in the transcript of the session', async () => {
    await using client = await Client.open()
    expect(client.said).toEqual([])
    const lines =
      http.lab
        .sessions()
        .at(-1)
        ?.transcript.map((entry) => JSON.stringify(entry)) ?? []
    expect(lines.join('\n')).toMatch(/GET \/mailpit\/api\/events.*\n.*HTTP\/1\.1 101/)
  })

  it('is followed by a limit of what the client may send', async () => {
    await using client = await Client.open()
    client.send('x'.repeat(4_096))
    await deliver('alice')
    await client.next('new')
    client.send('x'.repeat(4_097))
    // Message too big. RFC 6455 section 7.4.1
    expect(await client.closed).toBe(1009)
  })
})

describe('a request for another protocol', () => {
  it('is answered by HTTP/1.1, with its body', async () => {
    const socket = connect(http.lab.server('http').port ?? 0, '127.0.0.1')
    const body = JSON.stringify({ to: ['alice'], subject: 'By h2c' })
    socket.write(
      [
        'POST /api/v1/messages HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 201 /)
    // The connection stays open for more requests.
    socket.end('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await expect.poll(() => text).toMatch(/HTTP\/1\.1 200 OK[^]*ok$/)
    expect((await http.request('messages')).body.items[0].subject).toBe('By h2c')
  })

  it('is refused while the request before it is not answered', async () => {
    const socket = connect(http.lab.server('http').port ?? 0, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    const closed = new Promise((resolve) => socket.on('close', resolve))
    const json = '{"timeout":"60s"}'
    const wait = `POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`
    socket.write(
      `${wait}GET /mailpit/api/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    await closed
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*the previous request has no answer yet; wait for it/)
  })
})

describe('an account that is deleted', () => {
  it('loses its own connections, and nobody else loses one', async () => {
    await http.request('accounts', { json: { user: 'fritz', password: 'fritz-secret' } })
    await using other = await Client.open({ headers: basic('alice', 'secret') })
    await using own = await Client.open({ headers: basic('fritz', 'fritz-secret') })
    const idle = new Agent({ keepAlive: true })
    const answered = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { agent: idle, headers: basic('fritz', 'fritz-secret') }
      get(`${http.base}/api/v1/session`, options, resolve).on('error', reject)
    })
    const hungUp = once(answered.resume().socket, 'close')
    expect((await http.request('accounts/fritz', { method: 'DELETE' })).status).toBe(204)
    await hungUp
    expect(await own.closed).toBe(1001)
    await http.lab.deliver({ subject: 'still here' }, 'alice')
    expect((await other.next('new')).data).toMatchObject({ Subject: 'still here' })
    idle.destroy()
  })
})

describe('a lab that stops', () => {
  it('closes the connections', async () => {
    const own = await HttpLab.start()
    const socket = new WebSocket(`${own.base.replace('http', 'ws')}/mailpit/api/events`)
    await new Promise((resolve) => socket.on('open', resolve))
    const closed = new Promise((resolve) => socket.on('close', resolve))
    await own[Symbol.asyncDispose]()
    expect(await closed).toBe(1001)
  })
})
