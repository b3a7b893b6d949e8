import { beforeAll, describe, expect, it } from 'vitest'
import { operationNamed } from '../../../src/api/invoke.ts'
import { HttpLab } from './client.ts'
import { documented, mistakesIn } from './documented.ts'

const http = HttpLab.ofTests()
beforeAll(() => http.lab.deliver({ subject: 'Hello', text: 'Text' }, { to: 'alice' }))

interface Named {
  readonly id: string
  readonly name: string
}

const namesOf = async (account: string): Promise<string[]> =>
  (await http.request(`folders?account=${account}`)).body.items.map((one: Named) => one.name)

const create = (name: string) => http.request('folders', { json: { account: 'alice', name } })

describe('the mailboxes of an account', () => {
  it('are listed in any case of its name', async () => {
    expect(await namesOf('ALICE')).toEqual(await namesOf('alice'))
    expect(await namesOf('ALICE')).toContain('INBOX')
  })

  it('get only names that IMAP clients can use', async () => {
    const { id } = (await create('Projects/One')).body
    const long = 'x'.repeat(513)
    const wrong = [
      '',
      '/x',
      'a//b',
      'a/',
      'a\r\nb',
      'a\0b',
      'a\u2028b',
      'Captured',
      'Public Folders/x',
      'Other Users/bob',
      long,
    ]
    const told = wrong.filter((name) => !/^(?:Captured|Public|Other)/.test(name))
    const schema = documented(operationNamed('folders.create')).requestBody?.content['application/json']?.schema
    for (const name of told) expect(mistakesIn({ account: 'alice', name }, schema as object), name).not.toEqual([])
    const before = await namesOf('alice')
    for (const name of wrong) {
      const renamed = await http.request(`folders/${id}`, { method: 'PATCH', json: { name } })
      for (const { status, body } of [await create(name), renamed])
        expect([name, status, body.errors[0].pointer]).toEqual([name, 422, '/name'])
    }
    expect(await create('inbox')).toMatchObject({ status: 409 })
    const below = await http.request(`folders/${id}`, { method: 'PATCH', json: { name: 'Projects/One/Two' } })
    expect([below.status, below.body.detail]).toEqual([409, 'Projects/One cannot be moved below itself'])
    expect(await namesOf('alice')).toEqual(before)
  })
})

describe('the envelope of a message', () => {
  const headers = { 'content-type': 'message/rfc822' }
  const deliver = (envelope: { from?: string; to: string }) =>
    http.request(`messages/import?${new URLSearchParams(envelope)}`, { body: 'Subject: Hi\n\nText\n', headers })

  it('has addresses, in the import as in SMTP', async () => {
    const before = (await http.request('folders')).body.total
    for (const envelope of [
      { to: 'alice', from: 'a@b.example\r\nX-Injected: yes' },
      { to: 'z@x.example\r\n* OK injected' },
      { to: 'z@x.example x' },
      { to: `z@${'x'.repeat(255)}` },
    ]) {
      const { status, body } = await deliver(envelope)
      expect([envelope, status, body.detail]).toEqual([envelope, 422, expect.stringMatching(/is not an address/)])
    }
    const sent = await http.request('messages', { json: { to: ['a b@x.example'], text: 'Text' } })
    expect(sent.status).toBe(422)
    expect((await http.request('folders')).body.total).toBe(before)
    expect((await deliver({ to: '"alice b"@x.example', from: 'grüße@bücher.example' })).status).toBe(201)
    await http.request('accounts', { json: { user: 'Jane Doe', password: 'secret' } })
    expect((await deliver({ to: 'Jane Doe' })).status).toBe(201)
    expect((await http.request('messages?account=Jane%20Doe')).body.total).toBe(1)
  })
})
