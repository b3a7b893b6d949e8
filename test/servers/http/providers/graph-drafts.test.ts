import { expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob', 'carol'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http', providers: ['graph'] }],
})

async function ask(method: string, path: string, json?: object) {
  const headers = bearer(await http.lab.accessToken({ user: 'alice' }))
  return http.request(`/graph/v1.0/me/${path}`, { method, headers, ...(json && { json }) })
}
const to = (user: string) => [{ emailAddress: { address: `${user}@lab.test`, name: user } }]
const file = (name: string, text: string) => ({
  '@odata.type': '#microsoft.graph.fileAttachment',
  name,
  contentType: 'text/plain',
  contentBytes: Buffer.from(text).toString('base64'),
})
const namesOf = async (id: string): Promise<string[]> =>
  (await ask('GET', `messages/${id}/attachments`)).body.value.map(({ name }: { name: string }) => name)

it('changes the content and the attachments of a draft, which keeps its id, and sends it', async () => {
  const draft = {
    subject: 'First',
    body: { contentType: 'html', content: '<p>Bill</p>' },
    toRecipients: to('bob'),
    bccRecipients: to('carol'),
    categories: ['Blue'],
    internetMessageHeaders: [{ name: 'X-Order', value: '17' }],
  }
  const made = await ask('POST', 'messages', draft)
  const { id, internetMessageId } = made.body
  const delta = await ask('GET', 'mailFolders/drafts/messages/delta')

  const changed = await ask('PATCH', `messages/${id}`, { subject: 'Zwölf', ccRecipients: to('carol'), isRead: false })
  expect([changed.status, changed.body]).toMatchObject([
    200,
    { id, internetMessageId, subject: 'Zwölf', isDraft: true, isRead: false, categories: ['Blue'] },
  ])
  const wanted = { toRecipients: to('bob'), ccRecipients: to('carol'), bccRecipients: to('carol') }
  expect(changed.body).toMatchObject({ ...wanted, body: { contentType: 'html' } })
  expect(changed.body.body.content).toContain('<p>Bill</p>')
  const text = { body: { contentType: 'text', content: 'Plain' }, bccRecipients: [] }
  expect((await ask('PATCH', `messages/${id}`, text)).body).toMatchObject({
    id,
    subject: 'Zwölf',
    bccRecipients: [],
    body: { contentType: 'text', content: expect.stringMatching(/^Plain\s*$/) },
  })

  for (const name of ['a.txt', 'b.txt']) {
    const { status, body } = await ask('POST', `messages/${id}/attachments`, file(name, name))
    expect([status, body.name, Buffer.from(body.contentBytes, 'base64').toString()]).toEqual([201, name, name])
  }
  expect(await namesOf(id)).toEqual(['a.txt', 'b.txt'])
  expect((await ask('DELETE', `messages/${id}/attachments/1`)).status).toBe(204)
  expect(await namesOf(id)).toEqual(['b.txt'])
  expect((await ask('DELETE', `messages/${id}/attachments/9`)).status).toBe(404)

  const drafts = (await ask('GET', 'mailFolders/drafts/messages?$select=id')).body.value
  expect(drafts.map((one: { id: string }) => one.id)).toEqual([id])
  const link = new URL(delta.body['@odata.deltaLink'])
  const changes = await ask('GET', `mailFolders/drafts/messages/delta${link.search}`)
  expect(changes.body.value.filter((one: { id: string }) => one.id === id)).toMatchObject([{ subject: 'Zwölf' }])

  expect((await ask('POST', `messages/${id}/send`)).status).toBe(202)
  const sent = await http.lab.waitForMessage({ to: 'bob@lab.test' })
  expect([sent.subject, sent.text.trim(), sent.attachments.map(({ filename }) => filename)]).toEqual([
    'Zwölf',
    'Plain',
    ['b.txt'],
  ])
  expect(sent.raw.toString()).toContain('X-Order: 17')
  expect((await ask('GET', `messages/${id}`)).status).toBe(404)
})

it('changes no content of a message that is not a draft', async () => {
  await ask('POST', 'sendMail', { message: { subject: 'Kept', toRecipients: to('alice') } })
  const [{ id }] = (await ask('GET', 'mailFolders/inbox/messages')).body.value
  for (const [method, path, json] of [
    ['PATCH', `messages/${id}`, { subject: 'Other' }],
    ['POST', `messages/${id}/attachments`, file('a.txt', 'a')],
    ['DELETE', `messages/${id}/attachments/1`, undefined],
  ] as const) {
    const { status, body } = await ask(method, path, json)
    expect([status, body.error.code]).toEqual([501, 'NotImplemented'])
  }
  expect((await ask('GET', `messages/${id}`)).body.subject).toBe('Kept')
})
