import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../servers/http/client.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { isThorough } from '../../support/thorough.ts'

const TOKEN = 'cluster-token-cluster'
const WAIT = { timeout: 60_000, interval: 20 }
const NODES = ['one', 'two', 'three']
const ROUNDS = isThorough ? 100 : 9

/** Each request reaches the next of three nodes, as through a balancer. */
describe.skipIf(!needsPostgres())('callers that reach another node with each request', () => {
  const labs: HttpLab[] = []
  let turn = 0

  beforeAll(async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start({
        store: { postgres: url, pool: 4 },
        cluster: { name: schema, node },
        directory: { accounts: [{ user: 'alice', password: 'secret' }] },
        access: { tokens: [{ name: 'ci', token: TOKEN }] },
        virtualServers: [{ protocol: 'pop3', tlsPort: 'off' }, { protocol: 'http' }],
      })
    for (const node of NODES) labs.push(await start(node))
  })
  afterAll(async () => {
    for (const lab of labs.toReversed()) await lab[Symbol.asyncDispose]()
  })

  const next = (): HttpLab => labs[turn++ % labs.length] as HttpLab
  const call = async (path: string, json?: object) => {
    const answer = await next().request(path, { headers: bearer(TOKEN), ...(json && { json }) })
    expect([path, answer.status, answer.body?.detail]).toEqual([path, expect.toSatisfy((one) => one < 300), undefined])
    return answer.body
  }

  it('read every message once in pages, while mail arrives', async () => {
    for (let at = 0; at < 20; at++) await call('messages', { to: ['alice'], subject: `first ${at}` })
    const seen = async (at: number) =>
      (await labs[at]?.request('messages?limit=1&query=subject:first', { headers: bearer(TOKEN) }))?.body.total
    await expect.poll(async () => [await seen(0), await seen(1), await seen(2)], WAIT).toEqual([20, 20, 20])
    const wanted = Array.from({ length: 20 }, (_, at) => `first ${19 - at}`)
    for (let round = 0; round < ROUNDS; round++) {
      const subjects: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { items: { subject: string }[]; next: string | null } = await call(
          `messages?limit=7&query=subject:first${cursor && `&cursor=${cursor}`}`,
        )
        subjects.push(...page.items.map(({ subject }) => subject))
        cursor = page.next
      }
      expect(subjects).toEqual(wanted)
      if (round % 10 === 0) await call('messages', { to: ['alice'], subject: 'later' })
    }
  })

  it('read the lines of the log of all nodes once in pages', async () => {
    for (const { lab } of labs) {
      const socket = connect(lab.server('pop3').port ?? 0, '127.0.0.1')
      socket.once('data', () => socket.end('QUIT\r\n'))
      await once(socket.resume(), 'close')
    }
    await expect.poll(async () => (await call('log?query=POP3%20session')).total, WAIT).toBe(3)
    for (let round = 0; round < ROUNDS; round++) {
      const ids: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { items: { id: string }[]; next: string | null; total: number } = await call(
          `log?limit=2&query=POP3%20session${cursor && `&cursor=${cursor}`}`,
        )
        ids.push(...page.items.map(({ id }) => id.replace(/^\d+~/, '')))
        cursor = page.next
      }
      expect(ids.toSorted()).toEqual(['one', 'three', 'two'])
    }
  })

  it('start jobs, and read, list and cancel them', async () => {
    const started = []
    for (let at = 0; at < 3; at++) started.push(await call('audit', { protocols: ['pop3'], names: ['expired'] }))
    const ids = started.map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    for (let round = 0; round < ROUNDS; round++) {
      const id = ids[round % 3]
      expect((await call(`jobs/${id}`)).id).toBe(id)
    }
    const listed: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: { id: string }[]; next: string | null } = await call(
        `jobs?limit=1${cursor && `&cursor=${cursor}`}`,
      )
      listed.push(...page.items.map(({ id }) => id))
      cursor = page.next
    }
    expect(listed.toSorted()).toEqual(ids.toSorted())
    for (const id of ids) {
      await expect.poll(async () => (await call(`jobs/${id}`)).waitsForClient, WAIT).toBe(true)
      expect((await call(`jobs/${id}/targets`)).items.length).toBeGreaterThan(0)
      expect((await call(`jobs/${id}/cancel`, {})).state).toBe('cancelled')
    }
  })

  it('continue a stream of events with what happens from then on, and learn that events are missing', async () => {
    const before = await streamed(next())
    const last = before.ids.at(-1) ?? ''
    for (let round = 0; round < ROUNDS; round++) {
      const stream = await streamed(next(), last)
      const isSame = last.endsWith(`~${stream.node}`)
      expect(stream.names[0]).toBe(isSame ? 'message.received' : 'events.lost')
      const received = stream.names.filter((name) => name === 'message.received').length
      if (isSame) expect(received).toBe(round + 1)
      // The message of the round before may reach this node only now.
      else expect(received).toBeLessThanOrEqual(2)
    }
  })

  /** Reads a stream until it has the event of a message that is sent while it is open. */
  async function streamed(lab: HttpLab, last?: string) {
    const node = NODES[labs.indexOf(lab)]
    const sent = request({
      port: lab.lab.server('http').port,
      host: '127.0.0.1',
      path: '/api/v1/events?types=message.received',
      headers: { ...bearer(TOKEN), ...(last !== undefined && { 'Last-Event-ID': last }) },
    }).end()
    const [response] = await once(sent, 'response')
    const subject = `of ${Math.round(performance.now() * 1_000)}`
    let text = ''
    const isThere = (async () => {
      for await (const chunk of response.setEncoding('utf8')) {
        text += chunk
        if (text.includes(subject)) break
      }
    })()
    await lab.request('messages', { headers: bearer(TOKEN), json: { to: ['alice'], subject } })
    await isThere
    sent.destroy()
    return {
      node,
      names: [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name ?? ''),
      ids: [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? ''),
    }
  }
})
