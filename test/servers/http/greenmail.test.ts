import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { bearer, HttpLab, type RequestOptions } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'shop', password: 'secret', addresses: ['orders@shop.example'] },
    ],
  },
  news: { groups: [{ name: 'lab.general' }] },
  access: { tokens: [{ name: 'viewer', role: 'reader', token: 'reader-token-0123456789' }] },
})
beforeEach(() => call('service/reset', { method: 'POST' }))

const call = (path: string, options?: RequestOptions) => http.request(`/greenmail/api/${path}`, options)

const send = (to: string, subject: string, more: object = {}) =>
  createTransport(http.lab.nodemailer('alice')).sendMail({ from: 'alice@lab.test', to, subject, text: 'Text', ...more })

const alice = { login: 'alice', email: 'alice@lab.test' }
const shop = { login: 'shop', email: 'orders@shop.example' }

describe('the server', () => {
  it('says that it runs, and which ports it has', async () => {
    expect((await call('service/readiness')).body).toEqual({ message: 'Service running' })
    const { body } = await call('configuration')
    expect(body).toMatchObject({ authenticationDisabled: false, preloadDirectory: null })
    const { port, tlsPort } = http.lab.server('imap4')
    expect(body.serverSetups).toContainEqual(expect.objectContaining({ protocol: 'imap', port, isSecure: false }))
    expect(body.serverSetups).toContainEqual(
      expect.objectContaining({ protocol: 'imaps', port: tlsPort, isSecure: true, address: '127.0.0.1' }),
    )
  })
})

describe('users', () => {
  it('are listed, created and deleted', async () => {
    expect((await call('user')).body).toEqual([alice, shop])
    const bob = { email: 'bob@other.example', login: 'bobby', password: 'pw' }
    expect((await call('user', { json: bob })).body).toEqual({ login: 'bobby', email: 'bob@other.example' })
    expect((await call('user', { json: bob })).body).toMatchObject({
      status: 400,
      message: expect.stringMatching(/already/),
    })
    await send('bob@other.example', 'For Bob')
    expect((await call('user/bobby/messages')).body).toMatchObject([{ subject: 'For Bob' }])
    expect((await call('user/bob@other.example', { method: 'DELETE' })).body).toEqual({
      message: "User 'bob@other.example' deleted",
    })
    expect((await call('user/bobby', { method: 'DELETE' })).body).toMatchObject({
      status: 400,
      message: "User 'bobby' not found",
    })
    expect((await call('user', { json: { email: 'x@y.example' } })).status).toBe(400)
  })

  it('that were created are gone after a reset, with all mail', async () => {
    await call('user', { json: { email: 'bob@other.example', login: 'bobby', password: 'pw' } })
    await send('alice@lab.test', 'One')
    expect((await call('service/reset', { method: 'POST' })).body).toEqual({ message: 'Performed reset' })
    expect((await call('user')).body).toEqual([alice, shop])
    expect((await call('user/alice/messages/')).body).toEqual([])
  })
})

describe('at the root', () => {
  let folder: string
  beforeEach(() => {
    folder = newFolder()
  })

  it('callers without credentials change no file', async () => {
    const file = join(folder, 'lab.yaml')
    const text = `certificates: certs
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: http, port: 0, tlsPort: off, certificate: none, like: greenmail }
`
    writeFileSync(file, text)
    await using lab = await HttpLab.ofFile(file)
    const bob = { email: 'bob@lab.test', login: 'bob', password: 'pw' }
    expect((await lab.request('/api/user', { json: bob })).status).toBe(200)
    expect((await lab.request('/api/user/bob', { method: 'DELETE' })).status).toBe(200)
    expect((await lab.request('/api/user/alice', { method: 'DELETE' })).body).toMatchObject({
      status: 400,
      message: "User 'alice' is in lab.yaml; delete it there, or over the API of the lab",
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('messages', () => {
  it('have the keys of GreenMail, by login, address and folder', async () => {
    await send('orders@shop.example', 'Bestellung ü', { messageId: '<one@lab.test>' })
    const { body } = await call('user/shop/messages')
    expect(body).toEqual([
      {
        uid: '1',
        'Message-ID': '<one@lab.test>',
        subject: 'Bestellung ü',
        contentType: 'text/plain; charset=utf-8',
        mimeMessage: expect.stringContaining('Message-ID: <one@lab.test>\r\n'),
      },
    ])
    for (const path of ['orders@shop.example/messages/', 'SHOP/messages/inbox/', 'shop/messages/INBOX'])
      expect((await call(`user/${path}`)).body).toEqual(body)
    expect((await call('user/shop/messages/Other')).body).toMatchObject({
      status: 400,
      message: "User 'shop' does not have mailbox folder 'Other'",
    })
    expect((await call('user/nobody/messages')).body).toMatchObject({ status: 400, message: "User 'nobody' not found" })
  })

  it('are all deleted by a purge, and the users stay', async () => {
    await call('user', { json: { email: 'bob@other.example', login: 'bobby', password: 'pw' } })
    for (const to of ['alice@lab.test', 'bob@other.example', 'x@elsewhere.example']) await send(to, 'One')
    const article = { newsgroups: ['lab.general'], from: 'alice@lab.test', subject: 'Stays', text: 'Text' }
    expect((await http.request('articles', { json: article })).status).toBe(201)
    expect((await call('mail/purge', { method: 'POST' })).body).toEqual({ message: 'Purged mails' })
    expect((await http.request('messages')).body).toMatchObject({ total: 1, items: [{ subject: 'Stays' }] })
    expect((await call('user')).body).toHaveLength(3)
  })

  it('of a folder are refused if they are too long together', async () => {
    for (let count = 0; count < 3; count++)
      await http.lab.deliver({ subject: 'Long', text: 'x'.repeat(6_000_000) }, { to: 'alice' })
    expect((await call('user/alice/messages')).body).toMatchObject({
      status: 413,
      message: expect.stringMatching(/octets together/),
    })
  })
})

it('refuses changes to a reader', async () => {
  const headers = bearer('reader-token-0123456789')
  expect((await call('user', { headers })).status).toBe(200)
  for (const path of ['mail/purge', 'service/reset'])
    expect((await call(path, { method: 'POST', headers })).status).toBe(403)
  expect((await call('user/alice', { method: 'DELETE', headers })).status).toBe(403)
})
