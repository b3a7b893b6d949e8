import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import nodemailer from 'nodemailer'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'

const lab = await startLab({ virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }] })
afterAll(() => lab.stop())
beforeEach(() => lab.reset())

const FORM = 'application/x-www-form-urlencoded'
const ONE_CLICK = 'List-Unsubscribe=One-Click'

interface Sent {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly ca?: string
}

/** Sends a request. Returns status, fields and text of the answer. */
async function send(url: string, { method = 'POST', body = ONE_CLICK, headers = {}, ca = lab.ca }: Sent = {}) {
  const ofUrl = url.startsWith('https:') ? httpsRequest : httpRequest
  const request = ofUrl(url, { method, ca, agent: false, headers: { 'Content-Type': FORM, ...headers } })
  request.end(method === 'GET' ? undefined : body)
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece
  return { status: answer.statusCode, headers: answer.headers, text }
}

test('a sender of a list is tested end to end: the mail, the click, and no mail after it', async () => {
  const members = new Set(['alice@lab.test', 'bob@lab.test'])
  const transport = nodemailer.createTransport(lab.nodemailer())
  const sendIssue = async (): Promise<void> => {
    for (const to of members) {
      const url = lab.unsubscribeUrl(to, 'weekly')
      const headers = { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
      await transport.sendMail({ from: 'news@lab.test', to, subject: 'News', text: 'Hello', headers })
    }
  }
  await sendIssue()
  const mail = await lab.waitForMessage({ to: 'alice@lab.test' })
  expect((await mail.unsubscribe()).status).toBe(200)
  const one = await lab.waitForUnsubscribe('ALICE@lab.test')
  expect(one).toMatchObject({ list: 'weekly', recipient: 'alice@lab.test', problems: [], userAgent: 'Sealpost' })
  members.delete(one.recipient)
  await lab.waitForMessage({ to: 'bob@lab.test' })
  await sendIssue()
  await lab.waitForMessage({ to: 'bob@lab.test' })
  expect(await lab.messages({ to: 'alice@lab.test' })).toHaveLength(1)
})

test('a GET changes nothing, and other bodies and methods are refused', async () => {
  const url = lab.unsubscribeUrl('alice@lab.test', 'weekly')
  const opened = await send(url, { method: 'GET' })
  expect(opened).toMatchObject({ status: 200, text: expect.stringContaining('Opening this link changes nothing') })
  expect((await send(url, { body: 'List-Unsubscribe=Yes' })).status).toBe(400)
  expect((await send(url, { body: '' })).status).toBe(400)
  expect((await send(url, { headers: { 'Content-Type': 'text/plain' } })).status).toBe(400)
  expect((await send(url, { method: 'PUT' })).status).toBe(405)
  expect(lab.unsubscribes()).toEqual([])
  await expect(lab.waitForUnsubscribe({ list: 'weekly' }, { timeout: 1 })).rejects.toThrow(
    'no unsubscribe with list "weekly" within 1 ms\nunsubscribes that arrived: none',
  )
})

test('a form of several parts is accepted, and what RFC 8058 forbids is noted', async () => {
  const body = `--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n`
  const url = lab.unsubscribeUrl('alice@lab.test', 'a list/with ünusual names')
  const headers = { 'Content-Type': 'multipart/form-data; boundary=x', Cookie: 'a=b', Authorization: 'Basic YTpi' }
  const answer = await send(url, { body, headers })
  expect(answer.status).toBe(200)
  expect(answer.headers['set-cookie']).toBeUndefined()
  await send(`http://localhost:${lab.server('http').port}/unsubscribe/other/bob`)
  expect(lab.unsubscribes()).toMatchObject([
    {
      list: 'a list/with ünusual names',
      problems: ['the request has a cookie', 'the request has credentials (Authorization)'],
    },
    { list: 'other', recipient: 'bob', problems: ['the request came by http; the link must be https'] },
  ])
  const api = `http://localhost:${lab.server('http').port}/api/v1/unsubscribes`
  const { text } = await send(`${api}?recipient=BOB`, { method: 'GET' })
  expect(JSON.parse(text)).toMatchObject({ items: [{ list: 'other' }] })
})

test('webhooks are told, so that the sender itself can act', async () => {
  const bodies: string[] = []
  const hook = createServer((request, response) => {
    request
      .on('data', (piece) => bodies.push(String(piece)))
      .on('end', () => response.setHeader('Connection', 'close').end())
  }).listen(0, '127.0.0.1')
  await once(hook, 'listening')
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
  const told = once(hook, 'request')
  await using other = await startLab({
    virtualServers: [{ protocol: 'http' }],
    webhooks: [{ url, events: ['unsubscribe.received'], secret: Buffer.alloc(32, 7).toString('base64') }],
  })
  await send(other.unsubscribeUrl('alice@lab.test', 'weekly'), { ca: other.ca })
  const [request] = (await told) as [IncomingMessage]
  if (!request.complete) await once(request, 'end')
  hook.close()
  await once(hook, 'close')
  expect(bodies.join('')).toContain('"recipient":"alice@lab.test"')
})
