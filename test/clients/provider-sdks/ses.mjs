// Sends by both SDKs of Amazon SES, and prints what they return.
import { createRequire } from 'node:module'

const [folder, base] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { SESv2Client, SendBulkEmailCommand, SendEmailCommand, ListContactsCommand } = require('@aws-sdk/client-sesv2')
const ses = require('@aws-sdk/client-ses')
const say = (value) => console.log(JSON.stringify(value))
const failure = ({ name, message, $metadata: { httpStatusCode } }) => ({ name, message, httpStatusCode })
const options = (accessKeyId, secretAccessKey = 'secret-of-the-lab') => ({
  endpoint: `${base}/ses`,
  region: 'eu-west-1',
  maxAttempts: 1,
  credentials: { accessKeyId, secretAccessKey },
})
const text = (Data) => ({ Data, Charset: 'UTF-8' })
const email = (user, Content) => ({
  FromEmailAddress: 'Shop <shop@lab.test>',
  Destination: { ToAddresses: [`${user}@lab.test`] },
  Content,
  EmailTags: [{ Name: 'campaign', Value: 'spring' }],
  ConfigurationSetName: 'lab',
})
const simple = { Simple: { Subject: text('Grüße'), Body: { Text: text('Hello'), Html: text('<p>Hello</p>') } } }
const raw = { Raw: { Data: Buffer.from('Subject: Raw\r\nFrom: shop@lab.test\r\n\r\nHello') } }
const template = (TemplateName) => ({ Template: { TemplateName, TemplateData: '{"name":"Ann"}' } })

const two = new SESv2Client(options('AKIALAB1234'))
say(typeof (await two.send(new SendEmailCommand(email('alice', simple)))).MessageId)
say(typeof (await two.send(new SendEmailCommand(email('bob', raw)))).MessageId)
say(typeof (await two.send(new SendEmailCommand(email('carol', template('welcome'))))).MessageId)
const { Destination: _, Content: __, EmailTags: ___, ...shared } = email('', {})
const entry = (user, name) => ({
  Destination: { ToAddresses: [`${user}@lab.test`] },
  ReplacementEmailContent: { ReplacementTemplate: { ReplacementTemplateData: JSON.stringify({ name }) } },
})
const bulk = await two.send(
  new SendBulkEmailCommand({
    ...shared,
    DefaultContent: { Template: { TemplateName: 'welcome', TemplateData: '{"name":"nobody"}' } },
    BulkEmailEntries: [entry('dave', 'Dave'), entry('erin', 'Erin')],
  }),
)
say(bulk.BulkEmailEntryResults.map(({ Status }) => Status))
const wrong = new SESv2Client(options('AKIALAB1234', 'wrong'))
say(await wrong.send(new SendEmailCommand(email('alice', simple))).catch(failure))
say(await two.send(new SendEmailCommand(email('alice', template('unknown')))).catch(failure))
say(
  await two.send(new SendEmailCommand({ ...email('alice', simple), FromEmailAddress: 'x@example.com' })).catch(failure),
)
const limited = new SESv2Client(options('AKIALIMITED'))
say(await limited.send(new SendEmailCommand(email('alice', simple))).catch(failure))
say(await two.send(new ListContactsCommand({ ContactListName: 'lab' })).catch(failure))

const one = new ses.SESClient(options('AKIALAB1234'))
const old = {
  Source: 'shop@lab.test',
  Destination: { ToAddresses: ['frank@lab.test', 'grace@lab.test'] },
  Message: { Subject: text('By version 1'), Body: { Text: text('Hello & <goodbye>') } },
  Tags: [{ Name: 'campaign', Value: 'old' }],
}
say(typeof (await one.send(new ses.SendEmailCommand(old))).MessageId)
const rawMessage = {
  RawMessage: { Data: Buffer.from('To: heidi@lab.test\r\nFrom: shop@lab.test\r\nSubject: Raw\r\n\r\nHello') },
}
say(typeof (await one.send(new ses.SendRawEmailCommand(rawMessage))).MessageId)
say((await one.send(new ses.GetSendQuotaCommand({}))).Max24HourSend)
say(await one.send(new ses.SendEmailCommand({ ...old, Source: 'x@example.com' })).catch(failure))
const other = new ses.SESClient(options('AKIALAB1234', 'wrong'))
say(await other.send(new ses.SendEmailCommand(old)).catch(failure))
