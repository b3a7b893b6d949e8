// Sends by the SDK of Mailgun, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const Mailgun = require('mailgun.js').default ?? require('mailgun.js')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ status, details }) => ({ status, details })
const clientOf = (key) => new Mailgun(require('form-data')).client({ username: 'api', key, url: `${base}/mailgun` })

const client = clientOf('key-of-the-lab')
const message = {
  from: 'Shop <shop@lab.test>',
  to: ['alice@lab.test', 'Bob <bob@lab.test>'],
  subject: 'Hello %recipient.name%',
  text: 'Dear %recipient.name%',
  html: '<p>%recipient.name%</p>',
  'recipient-variables': JSON.stringify({ 'alice@lab.test': { name: 'Ann' }, 'bob@lab.test': { name: 'Bob' } }),
  'o:tag': ['welcome', 'spring'],
  'v:order': '17',
  'h:Reply-To': 'help@lab.test',
  attachment: { data: Buffer.from('pdf'), filename: 'a.pdf', contentType: 'application/pdf' },
}
const sent = await client.messages.create('lab.test', message)
say([sent.status, sent.message, /^<.+@lab\.test>$/.test(sent.id)])
const mime = 'From: shop@lab.test\r\nTo: carol@lab.test\r\nSubject: MIME\r\n\r\nHello'
say((await client.messages.create('lab.test', { to: 'carol@lab.test', message: Buffer.from(mime) })).status)
const template = { from: 'shop@lab.test', to: 'dave@lab.test', template: 'welcome', 't:variables': '{"name":"Dave"}' }
say((await client.messages.create('lab.test', template)).status)
say((await client.messages.create('lab.test', { ...template, to: 'nobody@lab.test', 'o:testmode': 'yes' })).status)
say(await client.messages.create('example.com', template).catch(failure))
say(await clientOf('wrong').messages.create('lab.test', template).catch(failure))
say(await client.messages.create('lab.test', { ...template, template: 'unknown' }).catch(failure))
say((await client.domains.list().catch(failure)).status)
