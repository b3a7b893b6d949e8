import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../support/free-ports.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'

const place = new Workplace()

const send = (port: number, to: string, subject: string, more: object = {}) =>
  createTransport({ host: '127.0.0.1', port, ...more }).sendMail({ from: 'shop@example.com', to, subject, text: 'Hi' })

/** Returns the subjects in the INBOX of a user; undefined if the log-on is refused. */
async function inboxOf(port: number, user: string, pass: string): Promise<(string | undefined)[] | undefined> {
  const client = new ImapFlow({ host: '127.0.0.1', port, secure: false, logger: false, auth: { user, pass } })
  try {
    await client.connect()
    const lock = await client.getMailboxLock('INBOX')
    const found = (await client.fetchAll('1:*', { envelope: true })).map(({ envelope }) => envelope?.subject)
    lock.release()
    return found
  } catch {
    return undefined
  } finally {
    await client.logout().catch(() => client.close())
  }
}

describe('an application written for the image of GreenMail', () => {
  let lab: StartedLab
  let ports: Record<'smtp' | 'imap' | 'api', number>
  beforeAll(async () => {
    const [smtp = 0, imap = 0, api = 0] = await freePorts(3)
    ports = { smtp, imap, api }
    const env = {
      GREENMAIL_OPTS: `-Dgreenmail.smtp.port=${smtp} -Dgreenmail.imap.port=${imap} -Dgreenmail.auth.disabled -Dgreenmail.verbose`,
      GREENMAIL_ADDITIONAL_OPTS: `-Dgreenmail.api.port=${api}`,
      JAVA_OPTS: '-Xmx64m',
    }
    lab = await place.start(['--like', 'greenmail'], { env })
  })
  afterAll(() => lab.end())

  const call = async (path: string, method = 'GET') =>
    (await fetch(`http://127.0.0.1:${ports.api}/api/${path}`, { method })).json()

  it('sends to any address and reads its mailbox with any password', async () => {
    await send(ports.smtp, 'jane@example.org', 'One', { auth: { user: 'any', pass: 'thing' } })
    await send(ports.smtp, 'joe@other.example', 'Two')
    expect(await inboxOf(ports.imap, 'jane@example.org', 'x')).toEqual(['One'])
    expect(await inboxOf(ports.imap, 'joe@other.example', 'y')).toEqual(['Two'])
    expect(await call('user/jane@example.org/messages')).toMatchObject([{ subject: 'One', uid: '1' }])
    expect(await call('configuration')).toMatchObject({ authenticationDisabled: true })
    expect(await call('service/readiness')).toEqual({ message: 'Service running' })
    expect(await call('mail/purge', 'POST')).toEqual({ message: 'Purged mails' })
    expect(await inboxOf(ports.imap, 'jane@example.org', 'x')).toEqual([])
  })
})

describe('users of GreenMail', () => {
  let lab: StartedLab
  let ports: Record<'smtp' | 'imap', number>
  beforeAll(async () => {
    const [smtp = 0, imap = 0, api = 0] = await freePorts(3)
    ports = { smtp, imap }
    const servers = [`smtp.port=${smtp}`, `imap.port=${imap}`, `api.port=${api}`]
    const users = ['users=foo:p@ss@bar.com,test1:pwd1', 'users.login=email']
    const flags = [...servers, ...users].map((one) => `-Dgreenmail.${one}`)
    lab = await place.start(['--like', 'greenmail', '--', ...flags])
  })
  afterAll(() => lab.end())

  it('log on with their passwords, and others with their address after their first mail', async () => {
    await send(ports.smtp, 'foo@bar.com', 'For foo', { auth: { user: 'foo@bar.com', pass: 'p@ss' } })
    expect(await inboxOf(ports.imap, 'foo@bar.com', 'p@ss')).toEqual(['For foo'])
    expect(await inboxOf(ports.imap, 'foo@bar.com', 'wrong')).toBeUndefined()
    expect(await inboxOf(ports.imap, 'test1', 'pwd1')).toEqual([])
    expect(await inboxOf(ports.imap, 'to@localhost.test', 'to@localhost.test')).toBeUndefined()
    await send(ports.smtp, 'to@localhost.test', 'For to')
    expect(await inboxOf(ports.imap, 'to@localhost.test', 'to@localhost.test')).toEqual(['For to'])
  })
})

it('has the ports of GreenMail’s image without any setting, and names what it does not have', async () => {
  const { stdout } = await place.run(['config', 'show', '--text', '--like', 'greenmail'])
  for (const port of [
    'port: 3025',
    'tlsPort: 3465',
    'port: 3110',
    'tlsPort: 3995',
    'port: 3143',
    'tlsPort: 3993',
    'port: 8080',
  ])
    expect(stdout).toContain(port)
  expect(stdout).toContain('mode: open')
  const options = '-Dgreenmail.setup.test.smtp -Dgreenmail.tls.keystore.file=/home/greenmail/greenmail.p12 -Xmx1g'
  const env = { GREENMAIL_OPTS: `${options} -Dgreenmail.smtp.port=0 -Dgreenmail.api.port=0` }
  const { stderr } = await place.run(['check', '--like', 'greenmail'], { env })
  expect(stderr).toMatch(/-Dgreenmail\.tls\.keystore\.file: has no effect: the lab issues the certificate/)
  expect(stderr).toMatch(/-Xmx1g: has no effect: it is an option of Java/)
  const wrong = await place.run(['check', '--like', 'greenmail'], { env: { GREENMAIL_OPTS: '-Dgreenmail.usrs=a:b' } })
  expect(wrong.stderr).toMatch(/-Dgreenmail\.usrs is not a flag of GreenMail; did you mean -Dgreenmail\.users\?/)
})
