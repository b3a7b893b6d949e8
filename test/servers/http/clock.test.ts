import { afterEach, beforeEach, expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { bearer, HttpLab } from './client.ts'

const reader = 'reader-token-of-the-test'
let http: HttpLab
beforeEach(async () => {
  http = await HttpLab.start({ access: { tokens: [{ name: 'watcher', role: 'reader', token: reader }] } })
})
afterEach(() => http[Symbol.asyncDispose]())

const move = (json: object, headers = {}) => http.request('clock', { method: 'PATCH', json, headers })

it('can be set, advanced, stopped and reset; mail and certificates follow', async () => {
  const start = Date.now()
  expect((await http.request('clock')).body).toMatchObject({ frozen: false, offsetMs: 0 })
  const { body } = await move({ now: '2031-02-03T04:05:06+01:00', frozen: true })
  expect(body).toMatchObject({ now: '2031-02-03T03:05:06.000Z', frozen: true })
  expect((await move({ advance: '40d' })).body).toMatchObject({ now: '2031-03-15T03:05:06.000Z', frozen: true })
  expect((await http.request('clock')).body.now).toBe('2031-03-15T03:05:06.000Z')
  expect((await http.request('status')).body.time).toBe('2031-03-15T03:05:06.000Z')
  await http.lab.deliver({ subject: 'Later' }, 'alice@lab.test')
  expect((await http.request('messages')).body.items[0].receivedAt).toBe('2031-03-15T03:05:06.000Z')
  const { items } = (await http.request('certificates')).body
  expect(items.some(({ notAfter }: { notAfter: string }) => Date.parse(notAfter) > Date.parse('2031-03-16'))).toBe(true)
  expect((await move({ frozen: false })).body.frozen).toBe(false)
  await move({ reset: true })
  const { now, offsetMs } = (await http.request('clock')).body
  expect([offsetMs, Date.parse(now) >= start]).toEqual([0, true])
})

it('is the one of lab.clock, and tells those who listen', async () => {
  await move({ now: '2031-01-01T00:00:00Z', frozen: true })
  expect(http.lab.clock.now()).toBe(Date.parse('2031-01-01T00:00:00Z'))
  await http.lab.clock.advance('1h')
  expect((await http.request('clock')).body.now).toBe('2031-01-01T01:00:00.000Z')
  const response = await fetch(`${http.base}/api/v1/events?types=clock&lastEventId=0`)
  const reading = response.body?.getReader()
  let text = ''
  while (!text.includes('01:00:00.000Z')) text += new TextDecoder().decode((await reading?.read())?.value)
  await reading?.cancel()
  expect(text.match(/^event: .*$/gm)).toEqual(['event: clock.changed', 'event: clock.changed'])
  expect(text).toContain('"now":"2031-01-01T00:00:00.000Z","frozen":true')
})

it('is moved by administrators only, and to a possible time', async () => {
  expect((await http.request('clock', { headers: bearer(reader) })).status).toBe(200)
  expect((await move({ advance: '1s' }, bearer(reader))).status).toBe(403)
  for (const json of [
    {},
    { advance: '40 dayz' },
    { now: 'tomorrow' },
    { now: '1950-01-01T00:00:00Z' },
    { now: '9999-01-01T00:00:00Z' },
    { advance: '1s', now: '2031-01-01T00:00:00Z' },
    { reset: true, advance: '1s' },
  ]) {
    expect((await move(json)).status, JSON.stringify(json)).toBe(422)
  }
  expect((await http.request('clock')).body.offsetMs).toBe(0)
})

it('does not end tokens, nor rates while it stands still', async () => {
  await using limited = await HttpLab.start({
    virtualServers: [{ protocol: 'http' }, { protocol: 'pop3', limits: { rate: { connections: 1, per: '1s' } } }],
    access: { tokens: [{ name: 'watcher', role: 'reader', token: reader }] },
  })
  await limited.request('clock', { method: 'PATCH', json: { now: '2040-01-01T00:00:00Z', frozen: true } })
  expect((await limited.request('status', { headers: bearer(reader) })).status).toBe(200)
  const greeting = async (): Promise<string | undefined> => {
    const client = await LineClient.open(limited.lab.server('pop3').port)
    const line = await client.line()
    client.destroy()
    return line
  }
  expect(await greeting()).toMatch(/^\+OK/)
  // The second of the limit passes in real time.
  await expect.poll(greeting, { timeout: 30_000, interval: 200 }).toMatch(/^\+OK/)
})
