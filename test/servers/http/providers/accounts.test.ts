import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http', providers: ['graph', 'gmail'] }],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const MIME = 'From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: MIME\r\n\r\nHello\r\n'
const token = () => http.lab.accessToken({ user: 'alice' })
const subjects = async (query: string) =>
  (await http.request(`messages?query=${query}`)).body.items.map(({ subject }: { subject: string }) => subject)

describe('Gmail API', () => {
  const send = async (path: string, type: string, body: string, key?: string) =>
    http.request(path, {
      method: 'POST',
      headers: { ...bearer(key ?? (await token())), 'content-type': type },
      body,
    })
  const raw = JSON.stringify({ raw: Buffer.from(MIME).toString('base64url') })

  it('sends messages in JSON and as uploads, and saves them in Sent', async () => {
    const json = await send('/gmail/v1/users/me/messages/send', 'application/json', raw)
    expect([json.status, json.body.labelIds]).toEqual([200, ['SENT']])
    const path = '/upload/gmail/v1/users/me/messages/send?uploadType='
    expect((await send(`${path}media`, 'message/rfc822', MIME)).status).toBe(200)
    const related = `--x\r\nContent-Type: application/json\r\n\r\n{"threadId":"1"}\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n${MIME}\r\n--x--\r\n`
    const multipart = await send(`${path}multipart`, 'multipart/related; boundary=x', related)
    expect([multipart.status, multipart.body.labelIds]).toEqual([200, ['SENT']])
    expect(await subjects('account:bob')).toEqual(['MIME', 'MIME', 'MIME'])
    expect(await subjects('folder:sent')).toEqual(['MIME', 'MIME', 'MIME'])
  })

  it('bounces by mail', async () => {
    const to = 'nobody@lab.test, refuse+5.2.1@lab.test, bob@lab.test'
    const json = JSON.stringify({ raw: Buffer.from(MIME.replace('bob@lab.test', to)).toString('base64url') })
    expect((await send('/gmail/v1/users/me/messages/send', 'application/json', json)).status).toBe(200)
    expect(await subjects('account:bob')).toEqual(['MIME'])
    const bounces = [
      await http.lab.waitForMessage({ to: 'alice@lab.test' }),
      await http.lab.waitForMessage({ to: 'alice@lab.test' }),
    ]
    const text = bounces.map(({ raw: octets }) => octets.toString()).join()
    expect([/Status: 5\.1\.1/.test(text), /Status: 5\.2\.1/.test(text)]).toEqual([true, true])
  })

  it('refuses other tokens and other accounts', async () => {
    const path = '/gmail/v1/users/me/messages/send'
    const { status, body } = await send(path, 'application/json', raw, 'wrong')
    expect([status, body.error.status]).toEqual([401, 'UNAUTHENTICATED'])
    const other = await send('/gmail/v1/users/bob%40lab.test/messages/send', 'application/json', raw)
    expect([other.status, other.body.error.status]).toEqual([403, 'PERMISSION_DENIED'])
    const own = await send('/gmail/v1/users/alice%40lab.test/messages/send', 'application/json', raw)
    expect(own.status).toBe(200)
  })
})

describe('Microsoft Graph', () => {
  const send = async (json: object, path = '/graph/v1.0/me/sendMail') =>
    http.request(path, { json, headers: bearer(await token()) })
  const toRecipients = [{ emailAddress: { address: 'bob@lab.test' } }]

  it('sends messages in JSON and MIME', async () => {
    const message = { subject: 'JSON', body: { contentType: 'Text', content: 'Hello' }, toRecipients }
    expect((await send({ message, saveToSentItems: false })).status).toBe(202)
    const headers = { ...bearer(await token()), 'content-type': 'text/plain' }
    const body = Buffer.from(MIME).toString('base64')
    expect((await http.request('/graph/v1.0/users/alice@lab.test/sendMail', { headers, body })).status).toBe(202)
    expect(await subjects('account:bob')).toEqual(['MIME', 'JSON'])
    expect(await subjects('folder:sent')).toEqual(['MIME'])
  })

  it('answers with the errors of Graph', async () => {
    const denied = await send({ message: { from: { emailAddress: { address: 'bob@lab.test' } }, toRecipients } })
    expect([denied.status, denied.body.error.code]).toEqual([403, 'ErrorSendAsDenied'])
    const nobody = await send({ message: {} })
    expect([nobody.status, nobody.body.error.code]).toEqual([400, 'ErrorInvalidRequest'])
    const other = await http.request('/graph/v1.0/me/calendar', { headers: bearer(await token()) })
    expect([other.status, other.body.error.code]).toEqual([501, 'NotImplemented'])
  })
})
