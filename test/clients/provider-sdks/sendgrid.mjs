// Sends by the SDK of SendGrid, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const mail = require('@sendgrid/mail')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ code, response }) => ({ code, message: response?.body.errors[0].message })

/** A new key resets the address. */
function use(key) {
  mail.setApiKey(key)
  mail.client.setDefaultRequest('baseUrl', `${base}/sendgrid`)
}

use('SG.key-of-the-lab')
const message = {
  to: ['alice@lab.test', { name: 'Bób', email: 'bob@lab.test' }],
  from: 'Shop <shop@lab.test>',
  subject: 'Grüße',
  text: 'Hello',
  html: '<p>Hello</p>',
  categories: ['welcome'],
  customArgs: { order: '17' },
  attachments: [
    {
      content: Buffer.from('pdf').toString('base64'),
      filename: 'a.pdf',
      type: 'application/pdf',
      disposition: 'attachment',
    },
  ],
}
const [answer] = await mail.send(message)
say([answer.statusCode, typeof answer.headers['x-message-id']])
const [many] = await mail.sendMultiple({ ...message, to: ['carol@lab.test', 'dave@lab.test'] })
say(many.statusCode)
const [templated] = await mail.send({
  to: 'erin@lab.test',
  from: 'shop@lab.test',
  templateId: 'd-1',
  dynamicTemplateData: { name: 'Erin' },
})
say(templated.statusCode)
say(await mail.send({ ...message, from: 'x@example.com' }).catch(failure))
use('SG.wrong')
say(await mail.send(message).catch(failure))
use('SG.limited')
say(await mail.send(message).catch(failure))
