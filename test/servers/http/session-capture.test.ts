import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { type Answer, bearer, HttpLab } from './client.ts'

const [admin, watcher] = ['admin-admin-admin', 'watcher-watcher-watcher'] as const
const SECTION_HEADER = '0a0d0d0a'

let http: HttpLab
afterEach(() => http[Symbol.asyncDispose]())

async function start(more: LabInput): Promise<void> {
  http = await HttpLab.start({
    access: {
      tokens: [
        { name: 'ci', token: admin },
        { name: 'watcher', role: 'reader', token: watcher },
      ],
    },
    virtualServers: [
      { protocol: 'pop3', certificate: 'none' },
      { protocol: 'http', authentication: ['basic'] },
    ],
    ...more,
  })
}

/** Talks to the POP3 server, and returns the id of the session. */
async function talk(words: string): Promise<string> {
  const socket = connect(http.lab.server('pop3').port, '127.0.0.1').end(`${words}\r\nQUIT\r\n`)
  socket.resume()
  await once(socket, 'close')
  const find = () =>
    http.lab.sessions().findLast(({ transcript }) => JSON.stringify(transcript).includes(words.slice(0, 9)))
  await expect.poll(() => find()?.endedAt).toBeDefined()
  return find()?.id as string
}

const download = async (
  id: string,
  token: string = admin,
): Promise<{ status: number; type: string | null; octets: Buffer }> => {
  const answer = await fetch(`${http.base}/api/v1/sessions/${id}/capture`, { headers: bearer(token) })
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    octets: Buffer.from(await answer.arrayBuffer()),
  }
}

const get = (path: string): Promise<Answer> => http.request(path, { headers: bearer(admin) })

it('downloads the traffic of one session, for administrators', async () => {
  await start({ testing: { packets: 'memory' } })
  const [first, second] = [await talk('first words'), await talk('other words')]
  const { status, type, octets } = await download(first)
  expect([status, type]).toEqual([200, 'application/vnd.tcpdump.pcap'])
  expect(octets.subarray(0, 4).toString('hex')).toBe(SECTION_HEADER)
  expect(octets.includes('first words')).toBe(true)
  expect(octets.includes('other words')).toBe(false)
  expect((await get(`sessions/${second}`)).body).toMatchObject({ captured: true })
  expect((await get('sessions?protocol=pop3')).body.items).toMatchObject([{ captured: true }, { captured: true }])
  expect((await download(first, watcher)).status).toBe(403)
  expect((await download('pop3-99')).status).toBe(404)
  await http.request('reset', { json: {}, headers: bearer(admin) })
  expect((await download(first)).status).toBe(404)
})

it('says how to capture if it was off', async () => {
  await start({})
  const id = await talk('quiet words')
  const { status, body } = await get(`sessions/${id}/capture`)
  expect([status, body.detail]).toEqual([
    409,
    expect.stringMatching(/was not captured; add `testing: { packets: memory }` to the conf/),
  ])
  expect((await get(`sessions/${id}`)).body.captured).toBe(false)
})

it('keeps the traffic of the latest sessions, and of each a part', async () => {
  await start({
    virtualServers: [
      { protocol: 'pop3', certificate: 'none', packets: { memory: '16KiB' } },
      { protocol: 'http', authentication: ['basic'] },
    ],
  })
  const long = await talk(`long long ${'x'.repeat(400)}`)
  const rest: string[] = []
  for (let n = 10; n < 34; n++) rest.push(await talk(`words ${n} ${'y'.repeat(400)}`))
  const dropped = await get(`sessions/${long}/capture`)
  expect([dropped.status, dropped.body.detail]).toEqual([
    409,
    expect.stringMatching(/have displaced it; raise `memory` of `packets`/),
  ])
  const kept = await Promise.all(rest.map(async (id) => (await download(id)).status))
  expect(kept.at(-1)).toBe(200)
  // The newest are kept, without a gap.
  expect(kept.lastIndexOf(409)).toBe(kept.indexOf(200) - 1)
  expect(http.lab.memory.captures).toBeLessThanOrEqual(16 * 1024)
  const large = await download(await talk(`too large\r\n${'NOOP of many words\r\n'.repeat(500)}`))
  expect(large.octets.includes('too large')).toBe(false)
  expect(large.octets.length).toBeLessThan(4096 + 200)
})

it('of a virtual server alone, and without a memory', async () => {
  await start({
    virtualServers: [
      { protocol: 'pop3', certificate: 'none', packets: 'memory' },
      { protocol: 'http', authentication: ['basic'] },
    ],
  })
  expect((await download(await talk('any words'))).status).toBe(200)
  const [session] = (await get('sessions?protocol=http')).body.items
  expect((await download(session.id)).status).toBe(409)
})
