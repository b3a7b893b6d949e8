// Sends by the SDK of Mailjet, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const Mailjet = require('node-mailjet')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ statusCode, response }) => ({ statusCode, data: response?.data })
const config = { host: `${new URL(base).host}/mailjet`, version: 'v3.1' }
const clientOf = (secret) => Mailjet.apiConnect('id-of-the-lab', secret, { config })

const client = clientOf('secret-of-the-lab')
const message = {
  From: { Email: 'shop@lab.test', Name: 'Shop' },
  To: [{ Email: 'alice@lab.test', Name: 'Alice' }],
  Subject: 'Grüße',
  TextPart: 'Hello',
  HTMLPart: '<p>Hello</p>',
  CustomID: 'order-17',
  Attachments: [
    { ContentType: 'text/plain', Filename: 'a.txt', Base64Content: Buffer.from('text').toString('base64') },
  ],
}
const send = (Messages, more) => client.post('send').request({ Messages, ...more })
const { body } = await send([message, { ...message, To: [{ Email: 'bob@lab.test' }] }])
say(body.Messages.map(({ Status, CustomID, To }) => [Status, CustomID, To[0].Email, typeof To[0].MessageID]))
say((await send([{ ...message, To: [{ Email: 'nobody@lab.test' }] }], { SandboxMode: true })).body.Messages[0].Status)
const refused = await send([{ ...message, From: { Email: 'x@example.com' } }]).catch(failure)
say([refused.statusCode, refused.data.Messages[0].Errors[0].ErrorCode])
say(
  (
    await clientOf('wrong')
      .post('send')
      .request({ Messages: [message] })
      .catch(failure)
  ).statusCode,
)
say((await client.get('contact', { version: 'v3' }).request().catch(failure)).statusCode)
