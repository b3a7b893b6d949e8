import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

let folder: string
let http: HttpLab
const readers: EventReader[] = []

/** Starts the lab, again with the messages that it has on disk. Its log of events begins at the first request. */
async function start(): Promise<HttpLab> {
  const lab = await HttpLab.start({
    store: { lmdb: folder },
    certificates: 'memory',
    virtualServers: [
      { protocol: 'pop3', tlsPort: 'off' },
      { protocol: 'http', certificate: 'none' },
    ],
  })
  await lab.request('status')
  return lab
}

beforeEach(async () => {
  folder = newFolder()
  http = await start()
})
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close()
  await http[Symbol.asyncDispose]()
})

async function restart(): Promise<void> {
  await http[Symbol.asyncDispose]()
  http = await start()
}

async function deliver(...subjects: string[]): Promise<void> {
  for (const subject of subjects) await http.lab.deliver({ subject }, 'alice')
}

async function open(query: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const reader = await EventReader.open(http, query, headers)
  readers.push(reader)
  return reader
}

const subjectsOf = (reader: EventReader): string[] =>
  reader.received.flatMap(({ event, data }) => (event === 'message.received' ? [data.message.subject] : []))

describe('a stream of events', () => {
  it('says that events are missing after a restart, and sends what the lab has', async () => {
    const first = await open('types=message')
    await deliver('One', 'Two')
    await first.next('message.received', ({ message }) => message.subject === 'Two')
    await restart()
    await deliver('Three')
    const next = await open('types=message', { 'last-event-id': first.lastId })
    await next.next('message.received')
    expect(next.received.map(({ event }) => event)).toEqual(['events.lost', 'message.received'])
    expect(next.received[0]?.data).toEqual({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      detail: expect.stringMatching(/read .* again/),
    })
    expect(subjectsOf(next)).toEqual(['Three'])
  })

  it('says so once: the next connection continues after it', async () => {
    await deliver('One')
    const lost = await open('types=message', { 'last-event-id': '1' })
    await lost.next('events.lost')
    const again = await open('types=message', { 'last-event-id': lost.idOf('events.lost') })
    await again.next('message.received')
    expect(again.received.map(({ event }) => event)).toEqual(['message.received'])
  })

  it('says so to a client that was away for more events than are kept', async () => {
    const reader = await open('types=message')
    await deliver('One')
    await reader.next('message.received')
    reader.close()
    await deliver('Two')
    await deliver(...Array<string>(98).fill('Many'))
    // Each change is an event for each of the 100 messages.
    for (let changes = 0; changes < 210; changes++) {
      await http.request('messages', { method: 'PATCH', json: { all: true, read: changes % 2 === 0 } })
    }
    const next = await open('types=message.changed', { 'last-event-id': reader.lastId })
    await next.next('message.changed')
    expect(next.received[0]?.event).toBe('events.lost')
  }, 120_000)

  it('sends everything, without such a notice, to a client that names no event or the latest', async () => {
    await deliver('One')
    const all = await open('types=message&lastEventId=0')
    await all.next('message.received')
    const latest = await open('types=message', { 'last-event-id': all.lastId })
    const from = await open('types=message')
    await deliver('Two')
    for (const reader of [all, latest, from]) {
      await reader.next('message.received', ({ message }) => message.subject === 'Two')
      expect(reader.received.map(({ event }) => event)).not.toContain('events.lost')
    }
    expect(subjectsOf(latest)).toEqual(['Two'])
  })
})

describe('a cursor', () => {
  it('of messages is refused after a restart, because the order may be another', async () => {
    await deliver('One', 'Two', 'Three')
    const { next } = (await http.request('messages?limit=1')).body
    expect((await http.request(`messages?limit=1&cursor=${next}`)).body.items).toMatchObject([{ subject: 'Two' }])
    await restart()
    const { status, body } = await http.request(`messages?limit=1&cursor=${next}`)
    expect([status, body.type]).toEqual([410, expect.stringMatching(/#problem-gone$/)])
    expect(body.detail).toMatch(/has started again since .*; begin again without cursor/)
  })

  /** Has a session of POP3, from its start to its end. */
  const connect = async (): Promise<void> => {
    const client = await LineClient.open(http.lab.server('pop3').port)
    client.send('QUIT\r\n')
    await client.rest()
  }

  it('of sessions is refused once the lab has forgotten the session', async () => {
    for (let n = 0; n < 3; n++) await connect()
    const { next } = (await http.request('sessions?protocol=pop3&limit=1')).body
    expect((await http.request(`sessions?protocol=pop3&limit=1&cursor=${next}`)).body.items).toHaveLength(1)
    // The page continues even if the filter no longer finds the session.
    expect((await http.request(`sessions?protocol=http&limit=1&cursor=${next}`)).status).toBe(200)
    await http.request('reset', { json: {} })
    const { status, body } = await http.request(`sessions?protocol=pop3&limit=1&cursor=${next}`)
    expect([status, body.type]).toEqual([410, expect.stringMatching(/#problem-gone$/)])
    expect(body.detail).toMatch(/forgotten .*; begin again without cursor/)
  })

  it('of sessions does not mean a session of another start', async () => {
    for (let n = 0; n < 3; n++) await connect()
    const { next } = (await http.request('sessions?protocol=pop3&limit=1')).body
    await restart()
    for (let n = 0; n < 3; n++) await connect()
    expect((await http.request(`sessions?protocol=pop3&limit=1&cursor=${next}`)).status).toBe(410)
  })
})
