// Sends by the SDK of Brevo, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { BrevoClient } = require('@getbrevo/brevo')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ statusCode, body }) => ({ statusCode, code: body?.code })
const clientOf = (apiKey) => new BrevoClient({ apiKey, baseUrl: `${base}/brevo/v3`, maxRetries: 0 }).transactionalEmails

const client = clientOf('xkeysib-key-of-the-lab')
const email = {
  sender: { name: 'Shop', email: 'shop@lab.test' },
  to: [{ email: 'alice@lab.test', name: 'Alice' }],
  subject: 'Hello {{params.name}}',
  textContent: 'Dear {{params.name}}',
  htmlContent: '<p>{{params.name}}</p>',
  params: { name: 'Ann' },
  tags: ['welcome'],
  replyTo: { email: 'help@lab.test' },
  attachment: [{ name: 'a.txt', content: Buffer.from('text').toString('base64') }],
}
say(/^<.+>$/.test((await client.sendTransacEmail(email)).messageId))
const { to: _, ...shared } = email
const versions = ['bob', 'carol'].map((name) => ({ to: [{ email: `${name}@lab.test` }], params: { name } }))
say((await client.sendTransacEmail({ ...shared, messageVersions: versions })).messageIds.length)
say(
  Object.keys(
    await client.sendTransacEmail({
      ...email,
      to: [{ email: 'nobody@lab.test' }],
      headers: { 'X-Sib-Sandbox': 'drop' },
    }),
  ),
)
say(await client.sendTransacEmail({ ...email, sender: { email: 'x@example.com' } }).catch(failure))
say(await clientOf('xkeysib-wrong').sendTransacEmail(email).catch(failure))
say(await clientOf('xkeysib-empty').sendTransacEmail(email).catch(failure))
say(await client.getSmtpTemplates().catch(failure))
