import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../support/free-ports.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'

const place = new Workplace()
afterAll(() => place.remove())

describe('an application written for smtp4dev', () => {
  let lab: StartedLab
  let ports: Record<'smtp' | 'http' | 'imap', number>
  beforeAll(async () => {
    const [smtp = 0, http = 0, imap = 0, pop3 = 0] = await freePorts(4)
    ports = { smtp, http, imap }
    const env = {
      SERVEROPTIONS__URLS: `http://127.0.0.1:${http}`,
      ServerOptions__Port: `${smtp}`,
      ServerOptions__BasePath: '/smtp4dev',
    }
    lab = await place.start(['--like', 'smtp4dev', '--', `--imapport=${imap}`, `--pop3port=${pop3}`], { env })
  })
  afterAll(() => lab.end())

  const send = (subject: string, auth?: object) =>
    createTransport({ host: '127.0.0.1', port: ports.smtp, ...(auth ? { auth } : {}) }).sendMail({
      from: 'shop@example.com',
      to: 'jane@example.org',
      subject,
      text: 'Hi',
    })

  it('sends with any name and password, or none, and reads at the root and below its path', async () => {
    await send('One')
    await send('Two', { user: 'any', pass: 'thing' })
    await send('Three')
    for (const base of ['', '/smtp4dev']) {
      const answer = await fetch(`http://127.0.0.1:${ports.http}${base}/api/Messages?pageSize=10`)
      const { results } = (await answer.json()) as { results: { subject: string }[] }
      expect(results.map(({ subject }) => subject)).toEqual(['Three', 'Two', 'One'])
    }
    // As in smtp4dev, every user has all mail.
    const imap = await ImapClient.open(ports.imap, 'anyone', 'anything')
    expect(JSON.stringify(await imap.ask('SELECT INBOX'))).toContain('3 EXISTS')
    await imap.ask('LOGOUT')
    expect((await fetch(`http://127.0.0.1:${ports.http}/api/Messages/*`, { method: 'DELETE' })).status).toBe(200)
  })
})

it('variables become the configuration, in upper or lower case, and what has no counterpart is named', async () => {
  const env = {
    SERVEROPTIONS__PORT: '0',
    SERVEROPTIONS__IMAPPORT: '0',
    SERVEROPTIONS__POP3PORT: '0',
    SERVEROPTIONS__URLS: 'http://127.0.0.1:0',
    ServerOptions__Users__0__Username: 'app',
    ServerOptions__Users__0__Password: 'secret',
    ServerOptions__AuthenticationRequired: 'true',
    ServerOptions__SmtpAllowAnyCredentials: 'false',
    ServerOptions__Mailboxes__0__Name: 'Sales',
    ServerOptions__Prot: '25',
    RelayOptions__SmtpServer: 'mail.example.test',
    RelayOptions__TlsMode: 'StartTls',
    RelayOptions__AutomaticEmails__0: 'dev@example.test',
  }
  const { stdout } = await place.run(['config', 'show', '--text', '--secrets', '--like', 'smtp4dev'], { env })
  for (const part of ['user: app', 'host: mail.example.test', 'tls: encrypt', '- dev@example.test', 'messages: 100'])
    expect(stdout).toContain(part)
  expect(stdout).not.toContain('anonymous')
  expect(stdout).not.toContain('imap4')
  const { stderr } = await place.run(['check', '--like', 'smtp4dev'], { env })
  expect(stderr).toMatch(/ServerOptions__Mailboxes__0__Name: has no effect: there is one mailbox/)
  expect(stderr).toMatch(
    /ServerOptions__Prot: unknown variable of smtp4dev, ignored; did you mean ServerOptions__Port\?/,
  )
})
