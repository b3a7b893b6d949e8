import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', providers: ['graph'] }],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

type Part = { id: string; method: string; url: string; headers?: object; body?: unknown; dependsOn?: string[] }

async function batch(requests: readonly Part[], user = 'alice') {
  const headers = bearer(await http.lab.accessToken({ user }))
  return http.request('/graph/v1.0/$batch', { method: 'POST', headers, json: { requests } })
}
const statuses = (responses: readonly { id: string; status: number }[]) =>
  responses.map(({ id, status }) => [id, status])
const get = (id: string, url: string, more: Partial<Part> = {}): Part => ({ id, method: 'GET', url, ...more })
const headers = { 'Content-Type': 'application/json' }
const toRecipients = [{ emailAddress: { address: 'bob@lab.test' } }]
const sendMail = (id: string, subject: string): Part => ({
  id,
  method: 'POST',
  url: '/me/sendMail',
  headers,
  body: { message: { subject, toRecipients } },
})

describe('$batch of Graph', () => {
  it('answers each request as if it came alone', async () => {
    await http.lab.deliver({ subject: 'One' }, { to: 'alice@lab.test' })
    const { status, body } = await batch([
      get('1', "/me/mailFolders('inbox')/messages?$select=subject&$filter=subject eq 'One'"),
      sendMail('2', 'By batch'),
      get('3', 'me/messages/F1.7'),
      get('4', '/me/calendar'),
      get('5', '/users/bob@lab.test/messages'),
    ])
    expect(body.error).toBe(undefined)
    expect([status, statuses(body.responses)]).toEqual([
      200,
      [
        ['1', 200],
        ['2', 202],
        ['3', 404],
        ['4', 501],
        ['5', 403],
      ],
    ])
    const [first, second, , , last] = body.responses
    expect([first.body.value[0].subject, first.headers['Content-Type']]).toEqual(['One', 'application/json'])
    expect('body' in second).toBe(false)
    expect(last.body.error.code).toBe('ErrorAccessDenied')
    await http.lab.waitForMessage({ to: 'bob@lab.test', subject: 'By batch' })
  })

  it('waits for the requests that a request depends on', async () => {
    const folder = { id: 'b', method: 'POST', url: '/me/mailFolders', headers, body: { displayName: 'New' } }
    const { body } = await batch([
      get('a', '/me/mailFolders', { dependsOn: ['b'] }),
      { ...folder },
      { ...folder, id: 'c', dependsOn: ['a'] },
      get('d', '/me', { dependsOn: ['c'] }),
      get('e', '/me', { dependsOn: ['d'] }),
    ])
    expect(statuses(body.responses)).toEqual([
      ['b', 201],
      ['a', 200],
      ['c', 409],
      ['d', 424],
      ['e', 424],
    ])
    expect(body.responses[3].body.error.code).toBe('FailedDependency')
  })

  it('has other content than JSON in base64', async () => {
    await http.lab.deliver('Subject: Octets\r\n\r\n\xff\r\n', { to: 'alice@lab.test' })
    const { body: list } = await batch([get('1', '/me/messages')])
    const { id } = list.responses[0].body.value[0]
    const mime = Buffer.from('From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: MIME\r\n\r\nText\r\n').toString(
      'base64',
    )
    const { body } = await batch([
      get('1', `/me/messages/${id}/$value`),
      { id: '2', method: 'post', url: '/me/sendMail', headers: { 'content-type': 'text/plain' }, body: mime },
    ])
    expect(Buffer.from(body.responses[0].body, 'base64').toString('latin1')).toContain('Subject: Octets')
    expect(body.responses[1].status).toBe(202)
    await http.lab.waitForMessage({ to: 'bob@lab.test', subject: 'MIME' })
  })

  it('refuses a batch that is wrong', async () => {
    const one = get('1', '/me')
    const wrong: readonly unknown[] = [
      [],
      Array.from({ length: 21 }, (_, index) => get(`${index}`, '/me')),
      [one, one],
      [{ ...one, dependsOn: ['1'] }],
      [{ ...one, dependsOn: ['9'] }],
      [{ ...one, url: '/$batch' }],
      [{ ...one, method: 'TRACE' }],
      [{ ...one, headers: { 'X-Bad': 'a\r\nb' } }],
      [{ ...one, body: {} }],
      [{ method: 'GET', url: '/me' }],
      'x',
    ]
    for (const requests of wrong) {
      const { status, body } = await batch(requests as Part[])
      expect([requests, status, typeof body.error.code]).toEqual([requests, 400, 'string'])
    }
    const { status } = await http.request('/graph/v1.0/$batch', { method: 'POST', json: { requests: [one] } })
    expect(status).toBe(401)
  })
})
