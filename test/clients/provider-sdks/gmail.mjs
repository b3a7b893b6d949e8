// Sends by the SDK of the Gmail API, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base, token] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const google = require('@googleapis/gmail')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ status, code, response }) => ({
  status: Number(status ?? code),
  reason: response?.data?.error?.status,
})
function clientOf(accessToken) {
  const auth = new google.auth.OAuth2()
  auth.setCredentials({ access_token: accessToken })
  return google.gmail({ version: 'v1', rootUrl: `${base}/`, auth, retryConfig: { retry: 0 } }).users
}

const users = clientOf(token)
const { messages } = users
const mime = (user) => `From: alice@lab.test\r\nTo: ${user}@lab.test\r\nSubject: By Gmail\r\n\r\nHello\r\n`
const raw = (user) => Buffer.from(mime(user)).toString('base64url')
const { data } = await messages.send({ userId: 'me', requestBody: { raw: raw('bob') } })
say([typeof data.id, data.labelIds])
say(await messages.send({ userId: 'bob@lab.test', requestBody: { raw: raw('bob') } }).catch(failure))
say(
  await messages
    .send({ userId: 'me', requestBody: { raw: Buffer.from('Subject: x\r\n\r\n').toString('base64url') } })
    .catch(failure),
)
say(
  await clientOf('wrong')
    .messages.send({ userId: 'me', requestBody: { raw: raw('bob') } })
    .catch(failure),
)
say(await users.settings.getImap({ userId: 'me' }).catch(failure))

const listed = await messages.list({ userId: 'me', q: 'in:sent subject:"by gmail"', labelIds: ['SENT'], maxResults: 5 })
const [{ id }] = listed.data.messages
const full = await messages.get({ userId: 'me', id })
say([id === data.id, listed.data.resultSizeEstimate, Buffer.from(full.data.payload.body.data, 'base64').toString()])
const modified = await messages.modify({ userId: 'me', id, requestBody: { addLabelIds: ['STARRED'] } })
say(modified.data.labelIds)
await messages.trash({ userId: 'me', id })
say((await messages.list({ userId: 'me', q: 'in:trash' })).data.resultSizeEstimate)
await messages.delete({ userId: 'me', id })
say(await messages.get({ userId: 'me', id }).catch(failure))

const { data: label } = await users.labels.create({ userId: 'me', requestBody: { name: 'Projects' } })
const { data: before } = await users.getProfile({ userId: 'me' })
const { data: draft } = await users.drafts.create({ userId: 'me', requestBody: { message: { raw: raw('carol') } } })
const { data: sent } = await users.drafts.send({ userId: 'me', requestBody: { id: draft.id } })
await users.threads.modify({ userId: 'me', id: sent.threadId, requestBody: { addLabelIds: [label.id] } })
say((await users.labels.get({ userId: 'me', id: label.id })).data.messagesTotal)
const { data: thread } = await users.threads.get({ userId: 'me', id: sent.threadId, format: 'metadata' })
say(thread.messages.map(({ payload }) => payload.headers.find(({ name }) => name === 'To').value))
const { data: history } = await users.history.list({ userId: 'me', startHistoryId: before.historyId })
say(history.history.flatMap((record) => Object.keys(record).filter((key) => /Added|Deleted|Removed/.test(key))))
const { data: watch } = await users.watch({ userId: 'me', requestBody: { topicName: 'projects/p/topics/t' } })
say([watch.historyId === history.historyId, Number(watch.expiration) > Date.now()])
