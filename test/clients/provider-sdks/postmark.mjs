// Sends by the SDK of Postmark, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { ServerClient } = require('postmark')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ name, code, statusCode, message }) => ({ name, code, statusCode, message })
const TOKEN = '11111111-2222-3333-4444-555555555555'
const clientOf = (token) => new ServerClient(token, { requestHost: `${new URL(base).host}/postmark` })

const client = clientOf(TOKEN)
const email = {
  From: 'Shop <shop@lab.test>',
  To: 'Alice <alice@lab.test>, bob@lab.test',
  Subject: 'Grüße',
  TextBody: 'Hello',
  HtmlBody: '<p>Hello</p>',
  Tag: 'welcome',
  Metadata: { order: '17' },
  MessageStream: 'outbound',
  Attachments: [
    { Name: 'a.txt', Content: Buffer.from('text').toString('base64'), ContentType: 'text/plain', ContentID: '' },
  ],
}
const { ErrorCode, Message, To } = await client.sendEmail(email)
say([ErrorCode, Message, To])
const template = { From: email.From, To: 'carol@lab.test', TemplateAlias: 'welcome', TemplateModel: { name: 'Carol' } }
say((await client.sendEmailWithTemplate(template)).ErrorCode)
const batch = await client.sendEmailBatch([
  { ...email, To: 'dave@lab.test' },
  { ...email, To: 'gone@lab.test' },
])
say(batch.map((one) => one.ErrorCode))
say((await client.sendEmailBatchWithTemplates([{ ...template, To: 'erin@lab.test' }])).map((one) => one.ErrorCode))
say((await clientOf('POSTMARK_API_TEST').sendEmail(email)).Message)
say(await client.sendEmail({ ...email, To: 'gone@lab.test' }).catch(failure))
say(await client.sendEmail({ ...email, From: 'x@example.com' }).catch(failure))
say(await clientOf('99999999-2222-3333-4444-555555555555').sendEmail(email).catch(failure))
say(await client.getTemplates().catch(failure))
