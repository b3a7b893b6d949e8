import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Agent } from '../../api/mcp/client.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { basic, bearer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'
import { RawClient } from './raw-client.ts'

vi.mock('../../../src/core/time/real-timers.ts', async (original) => {
  const { lateTimers } = await import('../../support/late-timers.ts')
  return lateTimers('setInterval', 'clearInterval')(original)
})

const [ci, viewer] = ['ci-token-ci-token-ci', 'viewer-token-viewer-token']
const text = `certificates: { store: memory, key: p256 }
access:
  tokens:
    - { name: ci, token: ${ci} }
    - { name: viewer, role: reader, token: ${viewer} }
directory:
  accounts: [{ user: alice, password: alices-secret }]
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: off }
  - { protocol: imap4, port: 0, tlsPort: off }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic], limits: { failedLogonDelay: 1ms } }
`
const admin = bearer(ci)

const folder = newFolder()
writeFileSync(join(folder, 'lab.yaml'), text)
const http = await HttpLab.ofFile(join(folder, 'lab.yaml'))
afterAll(() => http[Symbol.asyncDispose]())

afterEach(() => {
  vi.useRealTimers()
})

type Headers = Record<string, string>

/** Opens a stream of events and a WebSocket, and returns what resolves when both have ended. */
async function listen(headers: Headers): Promise<{ ended: Promise<unknown>; close: () => void }> {
  const gone = new AbortController()
  const response = await fetch(`${http.base}/api/v1/events`, { headers, signal: gone.signal })
  expect(response.status).toBe(200)
  const socket = new WebSocket(`${http.base.replace('http', 'ws')}/mailpit/api/events`, { headers })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  const ended = Promise.all([response.text(), closed]).catch(() => {})
  return {
    ended,
    close: () => {
      gone.abort()
      socket.terminate()
    },
  }
}

const account = (user: string, method: string, json?: object) =>
  http.request(method === 'POST' ? 'accounts' : `accounts/${user}`, { method, json, headers: admin })
const create = (user: string, password: string) => account(user, 'POST', { user, password })

/** Logs a browser on, and returns its cookie. */
async function logOn(headers: Headers): Promise<Headers> {
  const answer = await http.request('session', { method: 'POST', json: {}, headers })
  return { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

const nameOf = async (headers: Headers): Promise<string | number> => {
  const { status, body } = await http.request('session', { headers })
  return status === 200 ? body.name : status
}

describe('streams and WebSockets end when their caller', () => {
  it('has another password, is locked, is deleted, logs off, or has no token any more; others continue', async () => {
    for (const user of ['carol', 'dora', 'emil', 'fritz', 'gerd']) await create(user, 'secret')
    const staying = await EventReader.open(http, 'types=message', admin)
    const cookie = await logOn(basic('gerd', 'secret'))
    const steps: readonly (readonly [headers: Headers, end: () => Promise<{ status: number }>])[] = [
      [basic('carol', 'secret'), () => account('carol', 'PATCH', { password: 'other' })],
      [basic('dora', 'secret'), () => account('dora', 'PATCH', { state: 'disabled' })],
      [basic('fritz', 'secret'), () => account('fritz', 'DELETE')],
      [cookie, () => http.request('session', { method: 'DELETE', headers: cookie })],
      [
        bearer(viewer),
        () =>
          http.request('configuration', {
            method: 'PATCH',
            json: { changes: [{ op: 'remove', path: '/tokens/1' }] },
            headers: admin,
          }),
      ],
    ]
    const emil = await listen(basic('emil', 'secret'))
    let isEmilThere = true
    void emil.ended.then(() => {
      isEmilThere = false
    })
    for (const [headers, end] of steps) {
      const { ended } = await listen(headers)
      expect((await end()).status).toBeLessThan(300)
      await ended
      expect(await nameOf(headers)).toBeOneOf([401, 403])
    }
    await http.lab.deliver({ subject: 'still here' }, 'alice')
    expect(await staying.next('message.received')).toMatchObject({ message: { subject: 'still here' } })
    expect(isEmilThere).toBe(true)
    staying.close()
    emil.close()
    await emil.ended
  })
})

describe('a stream ends when its access token', () => {
  const opened = async (user: string, expiresIn: string) => {
    await create(user, 'secret')
    const json = { user, expiresIn }
    const { accessToken } = (await http.request('access-tokens', { json, headers: admin })).body
    return { token: accessToken as string, stream: await listen(bearer(accessToken)) }
  }

  it('is revoked', async () => {
    const { token, stream } = await opened('klara', '1h')
    const body = new URLSearchParams({ token, client_id: 'sealpost' })
    expect((await fetch(`${http.base}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200)
    await stream.ended
    expect(await nameOf(bearer(token))).toBe(401)
  })

  it('expires', async () => {
    const { token, stream } = await opened('ludwig', '1h')
    const clock = (json: object) => http.request('clock', { method: 'PATCH', json, headers: admin })
    expect((await clock({ advance: '2h' })).status).toBe(200)
    await stream.ended
    expect(await nameOf(bearer(token))).toBe(401)
    await clock({ reset: true })
  })
})

it('a stream whose client does not read ends with the rights of its caller', async () => {
  await create('nora', 'secret')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  using client = new RawClient(http.lab.server('http').port)
  const { authorization } = basic('nora', 'secret')
  client.send(`GET /api/v1/events?types=message HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`)
  await client.answer()
  client.socket.pause()
  const session = () => http.lab.sessions().find(({ user }) => user === 'nora')
  await http.lab.deliver({ subject: 'long '.repeat(20_000) }, 'nora')
  const [{ id }] = (await http.request('messages?account=nora', { headers: admin })).body.items
  // More than the buffers of the connection take.
  for (let count = 0; count < 120; count++) {
    const json = { flagged: count % 2 === 0 }
    expect((await http.request(`messages/${id}`, { method: 'PATCH', json, headers: admin })).status).toBe(200)
  }
  expect(session()?.endedAt).toBeUndefined()
  await account('nora', 'PATCH', { state: 'disabled' })
  await expect.poll(() => session()?.endedAt, { timeout: 30_000 }).toBeDefined()
  // Nothing writes to it any more.
  vi.advanceTimersByTime(60_000)
  await http.lab.deliver({ subject: 'after the end' }, 'nora')
})

it('a stream ends with the rights of its caller while the timers of the process are fake', async () => {
  await create('otto', 'secret')
  const { ended } = await listen(basic('otto', 'secret'))
  vi.useFakeTimers()
  await account('otto', 'PATCH', { state: 'disabled' })
  await ended
})

describe('a wait whose caller loses its rights', () => {
  const wait = (headers: Headers, subject: string, timeout = '5m') =>
    http.request('wait', { json: { subject, timeout }, headers })
  const isWaiting = (user: string) =>
    expect.poll(() => http.lab.sessions().some((session) => session.user === user)).toBe(true)

  it('ends immediately, and leaves the message to a later one', async () => {
    await create('jana', 'secret')
    const locked = wait(basic('jana', 'secret'), 'secret of jana')
    await isWaiting('jana')
    await account('jana', 'PATCH', { state: 'disabled' })
    await http.lab.deliver({ subject: 'secret of jana' }, 'jana')
    const { status, body } = await locked
    expect([status, JSON.stringify(body)]).toEqual([403, expect.not.stringContaining('sender@example')])
    await account('jana', 'PATCH', { state: null })
    expect((await wait(basic('jana', 'secret'), 'secret of jana', '1m')).body.subject).toBe('secret of jana')
  })

  it('is told to log on if its account is gone', async () => {
    await create('paul', 'secret')
    const waiting = wait(basic('paul', 'secret'), 'for paul')
    await isWaiting('paul')
    await account('paul', 'DELETE')
    const { status, headers } = await waiting
    expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Basic realm=')])
  })

  it('answers nothing over MCP', async () => {
    const { token } = (await http.request('tenants', { json: { name: 'tm' }, headers: admin })).body
    await using agent = await Agent.of(http, { token })
    let reported = (): void => {}
    const progress = new Promise<void>((resolve) => {
      reported = resolve
    })
    const options = { onprogress: () => reported() }
    const waiting = agent.call('wait_for_message', { subject: 'for tm', timeout: '5m' }, options)
    await progress
    await http.request('tenants/tm', { method: 'DELETE', headers: admin })
    const { isError, content } = await waiting
    expect([isError, content[0]?.text]).toEqual([true, expect.stringMatching(/log on again/)])
  })
})

describe('a browser must log on again', () => {
  it('once the password of its account has changed', async () => {
    await create('hans', 'first')
    const cookie = await logOn(basic('hans', 'first'))
    expect(await nameOf(cookie)).toBe('hans')
    await account('hans', 'PATCH', { password: 'second' })
    expect(await nameOf(cookie)).toBe(401)
    const again = await logOn(basic('hans', 'second'))
    await account('hans', 'PATCH', { outOfOffice: { text: 'Away' } })
    expect(await nameOf(again)).toBe('hans')
  })

  it('if its account was deleted and created again', async () => {
    await create('ida', 'first')
    const cookie = await logOn(basic('ida', 'first'))
    await account('ida', 'DELETE')
    expect(await nameOf(cookie)).toBe(401)
    await create('ida', 'third')
    expect(await nameOf(cookie)).toBe(401)
  })
})

describe('a tenant that is deleted', () => {
  it('ends its sessions and streams, and leaves nothing to the next one of its name', async () => {
    const post = (path: string, json: object) => http.request(path, { json, headers: admin })
    const remove = () => http.request('tenants/tz', { method: 'DELETE', headers: admin })
    const before = (await post('tenants', { name: 'tz' })).body
    const [{ user, password, address }] = before.accounts
    const send = (to: string[], subject: string) =>
      createTransport({
        port: http.lab.server('smtp').port,
        tls: { ca: http.lab.ca },
        auth: { user, pass: password },
      }).sendMail({ from: address, to, subject, text: 'Text' })
    await send([address], 'to itself')
    await send(['customer@shop.example'], 'captured')
    await send(['alice@lab.test', 'customer@shop.example'], 'captured with alice')
    const streams = await Promise.all([bearer(before.token), basic(user, password)].map(listen))
    const imap = await LineClient.greeted(http.lab.server('imap4').port)
    imap.send(`a LOGIN ${user} ${password}\r\n`)
    while (!(await imap.line())?.startsWith('a OK'));
    expect((await remove()).status).toBe(204)
    await Promise.all(streams.map(({ ended }) => ended))
    for (let line = await imap.line(); line !== undefined; line = await imap.line()) expect(line).toMatch(/^\* BYE/)

    const after = (await post('tenants', { name: 'tz' })).body
    const own = bearer(after.token)
    const { items } = (await http.request('messages?limit=100', { headers: own })).body
    expect(items.map(({ subject }: { subject: string }) => subject)).toEqual(['captured with alice'])
    expect((await http.request('sessions', { headers: own })).body.items).toEqual([])
    const events = await EventReader.open(http, 'types=message,session&lastEventId=0', own)
    await http.lab.deliver({ subject: 'new' }, `${after.accounts[0].user}`)
    await events.next('message.received', ({ message }) => message?.subject === 'new')
    expect(JSON.stringify(events.received)).not.toMatch(/to itself|"subject":"captured"|session\./)
    events.close()
    expect(await nameOf(bearer(before.token))).toBe(401)
    await remove()
  })
})
