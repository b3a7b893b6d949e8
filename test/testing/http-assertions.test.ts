import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createTransport } from 'nodemailer'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SealpostApi, SealpostApiError } from '../../src/testing/containers/api-client.ts'
import { HttpLab } from '../servers/http/client.ts'
import { LineClient } from '../support/line-client.ts'

const admin = 'admin-admin-admin'
const http = HttpLab.ofTests({
  access: { tokens: [{ name: 'admin', role: 'administrator', token: admin }] },
  webhooks: [{ url: 'https://shop.test/hook', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAA' }],
})
const api = () => new SealpostApi(`http://127.0.0.1:${http.lab.server('http').port}`, admin)
beforeEach(() => http.lab.reset())

const problemOf = async (run: Promise<unknown>): Promise<SealpostApiError['problem'] & Record<string, unknown>> => {
  const error = await run.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(SealpostApiError)
  return (error as SealpostApiError).problem
}

describe('assertNothingSent over HTTP', () => {
  test('passes if nothing was sent, and lists what was', async () => {
    await api().assertNothingSent()
    const transport = createTransport(http.lab.nodemailer('shop'))
    await transport.sendMail({ from: 'shop@lab.test', to: ['alice@lab.test', 'bob@lab.test'], subject: 'Hi' })
    expect(await problemOf(api().assertNothingSent())).toMatchObject({
      status: 409,
      title: 'Mail was sent',
      detail:
        'expected that no mail was sent; messages delivered: 1, sessions that began mail that was not delivered: 0',
      report: expect.stringMatching(
        /^expected .*\n {2}arrived: "Hi" from shop@lab\.test to alice@lab\.test, bob@lab\.test$/,
      ),
      arrived: [{ subject: 'Hi' }],
      attempts: [],
    })
    // A wait that has returned it changes nothing.
    await api().wait('alice')
    expect(await problemOf(api().assertNothingSent({ subject: 'hi' }))).toMatchObject({ arrived: [{ subject: 'Hi' }] })
    await api().assertNothingSent({ to: 'carol' })
    await http.lab.reset()
    await api().assertNothingSent()
  })

  test('counts mail that was refused, and waits for clients that are about to send', async () => {
    const client = await LineClient.greeted(http.lab.server('smtp').port)
    const refused = await problemOf(api().assertNothingSent({ timeout: '100ms' }))
    expect(refused).toMatchObject({
      status: 404,
      sessions: [{ summary: expect.stringContaining('has sent nothing yet') }],
    })
    expect(refused.detail).toContain('clients were still connected after 100 ms')
    const fault = http.lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '550 5.1.1 No such user' } })
    const asserting = problemOf(api().assertNothingSent({ timeout: '30s' }))
    for (const line of ['EHLO x', 'MAIL FROM:<a@x.test>', 'RCPT TO:<alice@lab.test>', 'QUIT'])
      client.send(`${line}\r\n`)
    await client.rest()
    expect(await asserting).toMatchObject({
      report: expect.stringMatching(/^expected .*\n {2}begun: smtp-\d+ without log-on/),
      arrived: [],
      attempts: [expect.stringMatching(/^smtp-\d+ without log-on: 1; refused: 550 5\.1\.1 No such user/)],
    })
    fault.remove()
    await api().assertNothingSent({ to: 'alice' })
  })

  test('looks only at the part of a tenant, and refuses what would match any mail', async () => {
    const tenant = await api().createTenant({ name: 'one' })
    await http.lab.deliver({ subject: 'Hi' }, 'alice')
    await tenant.api.assertNothingSent()
    await http.lab.deliver({ subject: 'Hi' }, tenant.accounts[0]?.address ?? '')
    expect(await problemOf(tenant.api.assertNothingSent())).toMatchObject({ arrived: [{ subject: 'Hi' }] })
    expect(await problemOf(api().assertNothingSent({ subject: '' }))).toMatchObject({ status: 422 })
  })
})

describe('one-click unsubscribe', () => {
  let requests: { readonly message: IncomingMessage; readonly body: string }[] = []
  afterEach(() => {
    requests = []
  })

  /** Starts the server of a newsletter, with a certificate of the lab. Returns its port. */
  async function newsletter(status: number): Promise<number> {
    const [one] = await http.lab.certificates.list()
    const text = (await http.lab.certificates.export(one?.thumbprint ?? '', { format: 'pem' })).toString()
    const server = createServer({ key: text, cert: text }, async (message, response) => {
      let body = ''
      for await (const piece of message) body += piece
      requests.push({ message, body })
      response.writeHead(status, { Location: 'https://localhost:1/elsewhere' }).end('You are unsubscribed.')
    }).listen(0, 'localhost')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return (server.address() as AddressInfo).port
  }

  async function received(target: string, post = 'List-Unsubscribe=One-Click') {
    const headers = { 'List-Unsubscribe': `<mailto:u@shop.test>, <${target}>`, 'List-Unsubscribe-Post': post }
    await http.lab.deliver({ subject: 'News', headers }, 'alice')
    return { mail: await http.lab.waitForMessage('alice'), id: (await api().wait('alice')).id }
  }

  test('posts to the server, and returns its answer', async () => {
    const url = `https://localhost:${await newsletter(302)}/u?t=1`
    const { mail, id } = await received(url)
    const expected = { url, status: 302, body: 'You are unsubscribed.' }
    expect(await mail.unsubscribe()).toEqual(expected)
    expect(await api().unsubscribe(id)).toEqual(expected)
    expect(requests).toHaveLength(2)
    for (const { message, body } of requests) {
      expect([message.method, message.url, body]).toEqual(['POST', '/u?t=1', 'List-Unsubscribe=One-Click'])
      expect(message.headers['content-type']).toBe('application/x-www-form-urlencoded')
      expect(message.headers).not.toHaveProperty('cookie')
    }
  })

  test.each([
    ['http://localhost:1/u', undefined, 'the message has no one-click unsubscribe; it needs an https URL'],
    ['https://localhost:1/u', 'yes', 'the message has no one-click unsubscribe'],
    ['https://192.0.2.1/u', undefined, 'the lab connects only to loopback addresses and to hosts of `webhooks`'],
    ['https://169.254.169.254/u', undefined, 'the lab connects only to loopback addresses'],
    ['https://localhost.evil.test/u', undefined, 'the lab connects only to loopback addresses'],
    ['https://127.evil.test/u', undefined, 'the lab connects only to loopback addresses'],
    ['https://shop.test/u', undefined, 'shop.test did not answer the unsubscribe request'],
    [
      'https://localhost:1/u',
      undefined,
      'localhost:1 did not answer the unsubscribe request: connect ECONNREFUSED 127.0.0.1:1',
    ],
  ])('refuses %s %s', async (target, post, expected) => {
    const { mail, id } = await received(target, post)
    await expect(mail.unsubscribe()).rejects.toThrow(`unsubscribe: ${expected}`)
    expect((await problemOf(api().unsubscribe(id))).detail).toContain(expected)
  })

  test('says so if the server switches to another protocol', async () => {
    const [one] = await http.lab.certificates.list()
    const text = (await http.lab.certificates.export(one?.thumbprint ?? '', { format: 'pem' })).toString()
    const server = createTlsServer({ key: text, cert: text }, (socket) => {
      socket.on('error', () => {})
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      )
    }).listen(0, 'localhost')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { mail } = await received(`https://localhost:${(server.address() as AddressInfo).port}/u`)
    await expect(mail.unsubscribe()).rejects.toThrow(
      /did not answer the unsubscribe request: .*101 Switching Protocols/,
    )
  })
})

test('the client of the API has the checks of a message', async () => {
  await http.lab.deliver({ subject: 'x', html: '<a href="/x">x</a>' }, 'alice')
  const { id } = await api().wait('alice')
  const all = await api().check(id)
  expect(all.map(({ check }) => check)).toContain('links')
  expect(await api().check(id, 'links')).toEqual(all.filter(({ check }) => check === 'links'))
  expect((await api().message(id)).links).toEqual([])
})
