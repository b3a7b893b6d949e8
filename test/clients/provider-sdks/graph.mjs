// Sends by the SDK of Microsoft Graph, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base, token] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { Client } = require('@microsoft/microsoft-graph-client')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ statusCode, code }) => ({ statusCode, code })
const clientOf = (accessToken) =>
  Client.init({
    baseUrl: `${base}/graph`,
    customHosts: new Set(['localhost']),
    authProvider: (done) => done(null, accessToken),
  })

const client = clientOf(token)
const to = (address) => [{ emailAddress: { address } }]
const message = {
  subject: 'Grüße',
  body: { contentType: 'HTML', content: '<p>Hello</p>' },
  toRecipients: to('bob@lab.test'),
  ccRecipients: to('carol@lab.test'),
  internetMessageHeaders: [{ name: 'X-Order', value: '17' }],
  attachments: [
    {
      '@odata.type': '#microsoft.graph.fileAttachment',
      name: 'a.txt',
      contentType: 'text/plain',
      contentBytes: Buffer.from('text').toString('base64'),
    },
  ],
}
say((await client.api('/me/sendMail').post({ message })) ?? null)
say(
  (await client
    .api('/users/alice@lab.test/sendMail')
    .post({ message: { ...message, toRecipients: to('dave@lab.test') }, saveToSentItems: false })) ?? null,
)
const mime = 'From: alice@lab.test\r\nTo: erin@lab.test\r\nSubject: MIME\r\n\r\nHello'
say(
  (await client.api('/me/sendMail').header('Content-Type', 'text/plain').post(Buffer.from(mime).toString('base64'))) ??
    null,
)
say(await client.api('/users/bob@lab.test/sendMail').post({ message }).catch(failure))
say(
  await client
    .api('/me/sendMail')
    .post({ message: { ...message, from: to('x@example.com')[0] } })
    .catch(failure),
)
say(await clientOf('wrong').api('/me/sendMail').post({ message }).catch(failure))
say(await client.api('/me/calendar').get().catch(failure))
