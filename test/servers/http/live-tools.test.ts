import { once } from 'node:events'
import { beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bearer, HttpLab } from './client.ts'

// The dialogs of @microsoft/signalr and socket.io-client, as they write them. `live-tools.interop.test.ts` runs the clients.

const READER = 'reader-token-0123456789'
const http = HttpLab.ofTests({
  hostname: 'lab.test',
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  tokens: [{ name: 'reader', role: 'reader', token: READER }],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

/** A client by WebSocket, with what it has received. */
class Client implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly said: string[] = []
  readonly #closed: Promise<unknown>

  private constructor(socket: WebSocket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('message', (data: Buffer) => this.said.push(...data.toString().split('\x1e').filter(Boolean)))
  }

  static async open(path: string): Promise<Client> {
    const socket = new WebSocket(http.base.replace('http', 'ws') + path)
    const client = new Client(socket)
    await once(socket, 'open')
    return client
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  /** Waits until the client has received a text, and returns it. */
  async next(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.said.some((text) => pattern.test(text)), { timeout: 60_000 }).toBe(true)
    return this.said.find((text) => pattern.test(text)) ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
    await this.#closed
  }
}

const deliver = (subject: string, ...to: string[]): Promise<void> =>
  http.lab.deliver({ from: 'shop@example.com', to: to.map((user) => `${user}@lab.test`), subject }, { to })

describe('the hub of smtp4dev (SignalR)', () => {
  it('tells that messages and sessions have changed', async () => {
    const asked = await http.request('/smtp4dev/hubs/notifications/negotiate?negotiateVersion=1', { method: 'POST' })
    expect(asked.body).toEqual({
      negotiateVersion: 1,
      connectionId: expect.any(String),
      connectionToken: expect.any(String),
      availableTransports: [{ transport: 'WebSockets', transferFormats: ['Text'] }],
    })
    await using client = await Client.open(`/smtp4dev/hubs/notifications?id=${asked.body.connectionToken}`)
    client.send('{"protocol":"json","version":1}\x1e')
    expect(await client.next(/^\{\}$/)).toBe('{}')
    await deliver('One', 'alice')
    expect(await client.next(/messageschanged/)).toBe('{"type":1,"target":"messageschanged","arguments":["Default"]}')
    client.said.length = 0
    await http.request('/smtp4dev/api/messages/*', { method: 'DELETE' })
    await client.next(/messageschanged/)
  })

  it('speaks JSON only, and by WebSocket only', async () => {
    await using client = await Client.open('/smtp4dev/hubs/notifications')
    client.send('{"protocol":"messagepack","version":1}\x1e')
    expect(await client.next(/error/)).toBe('{"error":"the only protocol is json"}')
    expect((await http.request('/smtp4dev/hubs/notifications')).status).toBe(426)
  })
})

describe('the events of MailDev (Socket.IO)', () => {
  it('are sent by WebSocket: new messages once, and deletions', async () => {
    await using client = await Client.open('/maildev/socket.io/?EIO=4&transport=websocket')
    expect(JSON.parse((await client.next(/^0/)).slice(1))).toMatchObject({ sid: expect.any(String), upgrades: [] })
    client.send('40')
    await client.next(/^40\{"sid":/)
    client.send('2')
    await client.next(/^3$/)
    await deliver('One', 'alice', 'bob')
    const [name, mail] = JSON.parse((await client.next(/^42\["newMail"/)).slice(2))
    expect([name, mail]).toMatchObject(['newMail', { subject: 'One', attachmentCount: 0, read: false }])
    await deliver('Two', 'alice')
    await client.next(/"subject":"Two"/)
    expect(client.said.filter((text) => text.includes('newMail'))).toHaveLength(2)
    await http.request(`/maildev/email/${mail.id}`, { method: 'DELETE' })
    expect(await client.next(/deleteMail/)).toBe(`42["deleteMail",{"id":"${mail.id}"}]`)
  })

  it('are sent by long polling', async () => {
    const path = '/maildev/socket.io/?EIO=4&transport=polling'
    const { sid } = JSON.parse((await http.request(path)).body.slice(1))
    const post = (body: string) =>
      http.request(`${path}&sid=${sid}`, { body, headers: { 'content-type': 'application/octet-stream' } })
    expect((await post('40')).body).toBe('ok')
    expect((await http.request(`${path}&sid=${sid}`)).body).toMatch(/^40\{"sid":/)
    const waiting = http.request(`${path}&sid=${sid}`)
    await deliver('One', 'alice')
    expect((await waiting).body).toMatch(/^42\["newMail",.*"subject":"One"/)
    await post('1')
    expect((await http.request(`${path}&sid=${sid}`)).status).toBe(400)
    expect((await http.request('/maildev/socket.io/?EIO=3&transport=polling')).status).toBe(400)
    expect((await http.request(`${path}&sid=unknown`, { headers: bearer(READER) })).body.message).toBe(
      'Session ID unknown',
    )
  })
})
