import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { hasFile, ifInstalled } from '../../support/more-programs.ts'
import { runProgram } from '../../support/run-program.ts'

let client: ClientLab
beforeAll(async () => {
  client = await startClientLab({
    alternativeNames: [
      'email.eu-west-1.amazonaws.com',
      ...['postmarkapp.com', 'sendgrid.com', 'mailgun.net', 'brevo.com', 'mailjet.com'].map((name) => `api.${name}`),
    ],
    virtualServers: [
      { protocol: 'smtp' },
      { protocol: 'pop3' },
      {
        protocol: 'http',
        providers: ['ses', 'sendgrid', 'postmark', 'mailgun', 'resend', 'brevo', 'mailjet', 'gmail'],
      },
    ],
  })
})
beforeEach(() => client.lab.reset())
afterAll(() => client[Symbol.asyncDispose]())

const program = (name: string): string => join(import.meta.dirname, name)
const LONG = { timeout: 120_000 }

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const { status, stdout, stderr } = await runProgram(command, args, { env })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

async function expectMessages(subjects: readonly string[], hasFiles = true): Promise<void> {
  const messages = await client.lab.messages({ to: 'alice' })
  expect(messages.map(({ subject }) => subject)).toEqual(subjects)
  for (const { subject, text, html, attachments, envelope } of messages) {
    expect([text.trim(), html?.trim()]).toEqual(['Hello', '<p>Hello</p>'])
    expect([subject, ...attachments.map(({ filename }) => filename)]).toEqual([subject, ...(hasFiles ? ['a.txt'] : [])])
    expect(envelope.to).toEqual(['alice@lab.test', 'bob@lab.test'])
  }
}

const anymail = hasFile('/usr/lib/python3/dist-packages/anymail/backends/resend.py')
it.skipIf(!ifInstalled('/usr/bin/python3', anymail))('Django: the backends of django-anymail', LONG, async () => {
  const base = `https://localhost:${client.lab.server('http').tlsPort}`
  const names = ['sendgrid', 'postmark', 'mailgun', 'resend', 'brevo', 'mailjet', 'amazon_ses']
  const printed = await run('/usr/bin/python3', [program('django_mail.py'), base, client.caFile], {
    REQUESTS_CA_BUNDLE: client.caFile,
  })
  expect(printed.map((line) => line.split(' ')[0])).toEqual(names)
  expect(new Set(printed.map((line) => line.split(' ').slice(1).join(' ')))).toEqual(new Set(['queued', 'sent']))
  await expectMessages(names.map((name) => `By ${name}`))
})

const googleapi = hasFile('/usr/lib/python3/dist-packages/googleapiclient/discovery_cache/documents/gmail.v1.json')
it.skipIf(!ifInstalled('/usr/bin/python3', googleapi))("Google's API client for Python", LONG, async () => {
  const base = `https://localhost:${client.lab.server('http').tlsPort}`
  const token = await client.lab.accessToken({ user: 'alice' })
  expect(
    await run('/usr/bin/python3', [program('gmail.py'), base, token], { HTTPLIB2_CA_CERTS: client.caFile }),
  ).toEqual(['3 SENT', 'id', 'SENT SENT,STARRED 404'])
  await client.lab.waitForMessage({ to: 'bob', subject: 'In pieces' })
})

const symfony = ['Postmark', 'Sendgrid', 'Mailgun', 'Brevo', 'Mailjet', 'Amazon'].map((name) =>
  hasFile(`/usr/share/php/Symfony/Component/Mailer/Bridge/${name}/autoload.php`),
)
const ses = hasFile('/usr/share/php/AsyncAws/Ses/autoload.php')
it.skipIf(!ifInstalled('php', ses, ...symfony))('Symfony: the transports of Symfony Mailer', LONG, async () => {
  const apis = ['api.postmarkapp.com', 'api.sendgrid.com', 'api.mailgun.net', 'api.brevo.com', 'api.mailjet.com']
  const hosts = [...apis, 'email.eu-west-1.amazonaws.com']
  const printed = await run('php', [program('symfony.php'), `${client.lab.server('http').tlsPort}`, client.caFile])
  expect(printed).toEqual(hosts.map((host) => `${host} sent`))
  await expectMessages(hosts.map((host) => `By ${host}`))
})

const laravel = hasFile('/usr/share/php/Illuminate/Mail/autoload.php')
it.skipIf(!ifInstalled('php', laravel, ...symfony))(
  'Laravel: its mail drivers for Mailgun and Postmark',
  LONG,
  async () => {
    const names = ['mailgun', 'postmark']
    const printed = await run('php', [program('laravel.php'), `${client.lab.server('http').tlsPort}`, client.caFile])
    expect(printed).toEqual(names.map((name) => `${name} sent`))
    await expectMessages(names.map((name) => `By ${name}`))
  },
)

it.skipIf(!ifInstalled('ruby', hasFile('/usr/share/doc/ruby-postmark/copyright')))(
  'Rails: the postmark gem',
  LONG,
  async () => {
    expect(await run('ruby', [program('postmark.rb'), `${client.lab.server('http').port}`])).toEqual(['OK'])
    await expectMessages(['By the gem'], false)
  },
)
