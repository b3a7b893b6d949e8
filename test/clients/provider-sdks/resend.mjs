// Sends by the SDK of Resend, and prints what it returns.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { Resend } = require('resend')
const say = (value) => console.log(JSON.stringify(value))
const clientOf = (key) => new Resend(key, { baseUrl: `${base}/resend` })

const resend = clientOf('re_key_of_the_lab')
const email = {
  from: 'Shop <shop@lab.test>',
  to: ['alice@lab.test'],
  cc: 'bob@lab.test',
  replyTo: 'help@lab.test',
  subject: 'Grüße',
  text: 'Hello',
  html: '<p>Hello</p>',
  tags: [{ name: 'order', value: '17' }],
  attachments: [{ filename: 'a.pdf', content: Buffer.from('pdf') }],
}
const first = await resend.emails.send(email, { idempotencyKey: 'order-17' })
const again = await resend.emails.send(email, { idempotencyKey: 'order-17' })
say([typeof first.data?.id, first.data?.id === again.data?.id])
say((await resend.emails.send({ ...email, text: 'Other' }, { idempotencyKey: 'order-17' })).error)
const batch = await resend.batch.send([
  { ...email, to: 'carol@lab.test', attachments: undefined },
  { ...email, to: 'dave@lab.test', attachments: undefined },
])
say(batch.data?.data.map(({ id }) => typeof id))
say((await resend.emails.send({ ...email, from: 'x@example.com' })).error)
say((await clientOf('re_wrong').emails.send(email)).error)
say((await clientOf('re_limited').emails.send(email)).error)
say((await resend.domains.list()).error)
