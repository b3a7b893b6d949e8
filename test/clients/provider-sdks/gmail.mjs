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
  return google.gmail({ version: 'v1', rootUrl: `${base}/`, auth, retryConfig: { retry: 0 } }).users.messages
}

const messages = clientOf(token)
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
    .send({ userId: 'me', requestBody: { raw: raw('bob') } })
    .catch(failure),
)
say(await messages.list({ userId: 'me' }).catch(failure))
