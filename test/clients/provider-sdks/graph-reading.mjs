// Reads and changes mail by the SDK of Microsoft Graph, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base, token] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { BatchRequestContent, BatchResponseContent, Client, PageIterator } = require('@microsoft/microsoft-graph-client')
const say = (value) => console.log(JSON.stringify(value))
const client = Client.init({
  baseUrl: `${base}/graph`,
  customHosts: new Set(['localhost']),
  authProvider: (done) => done(null, token),
})

/** Returns what a property of all items of a list is, page by page, and the link to later changes. */
const all = async (request, property) => {
  const found = []
  const iterator = new PageIterator(client, await request.get(), (item) => found.push(item[property]) > 0)
  await iterator.iterate()
  return { found, deltaLink: iterator.getDeltaLink() }
}

say((await all(client.api('/me/messages').select('subject').top(2), 'subject')).found)
say((await all(client.api('/me/messages').orderby('subject').top(2), 'subject')).found)
const { value, '@odata.count': count } = await client
  .api('/me/mailFolders/inbox/messages')
  .filter("isRead eq false and startswith(subject,'Mail 3')")
  .count(true)
  .get()
say([count, value.map(({ subject, from }) => [subject, from.emailAddress.address])])
const [{ id }] = value
say((await client.api('/me/messages').search('"subject:mail"').get()).value.length)
const changed = await client.api(`/me/messages/${id}`).patch({ isRead: true, categories: ['Red'] })
say([changed.isRead, changed.categories])
const stream = await client.api(`/me/messages/${id}/$value`).responseType('text').get()
say(stream.includes('Subject: Mail 3'))
const start = await all(client.api('/me/mailFolders/inbox/messages/delta').select('subject').top(2), 'subject')
say(start.found.sort())
const { id: archive } = await client.api('/me/mailFolders').post({ displayName: 'Done' })
say((await client.api(`/me/messages/${id}/move`).post({ destinationId: archive })).parentFolderId === archive)
say((await client.api(start.deltaLink).get()).value.map((item) => item['@removed']))
say(
  await client
    .api('/me/mailFolders/Done')
    .get()
    .catch(({ statusCode, code }) => ({ statusCode, code })),
)
await client.api(`/me/mailFolders/${archive}`).delete()
say((await client.api('/me').select('displayName,mail').get()).mail)
say(await client.api('/me/messages/$count').search('"subject:\\"Mail 1\\" OR subject:\\"Mail 2\\""').get())

const [first] = (await client.api('/me/messages').select('id').top(1).get()).value
await client.api(`/me/messages/${first.id}/replyAll`).post({ comment: 'By reply' })
const draft = await client.api(`/me/messages/${first.id}/createForward`).post({ comment: 'By forward' })
say([draft.isDraft, draft.subject])
// The SDK removes the host only: a batch has no version.
const of = (id, path, more = {}) => ({ id, request: new Request(`${base}${path}`, more), dependsOn: [] })
const json = { headers: { 'Content-Type': 'application/json' } }
const batch = new BatchRequestContent([
  of('1', '/me/mailFolders/drafts/messages?$select=subject'),
  of('2', `/me/messages/${draft.id}`, { ...json, method: 'PATCH', body: JSON.stringify({ isRead: false }) }),
  of('3', '/me/messages/F9.9'),
])
batch.addDependency('2', '1')
batch.addDependency('3', '2')
const answers = new BatchResponseContent(await client.api('/$batch').post(await batch.getContent()))
say((await answers.getResponseById('1').json()).value.map(({ subject }) => subject))
say([...answers.getResponses().values()].map(({ status }) => status))
