import { createRequire } from 'node:module'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchedClient } from '../../support/fetched-client.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'

const mailhog = fetchedClient('mailhog-4.16.0/index.js')

/** A project that uses MailHog: only the command that starts the server is another. */
describe.skipIf(!mailhog)('an application written for MailHog', () => {
  let place: Workplace
  let lab: StartedLab
  let host: Awaited<ReturnType<typeof startHost>>
  const ports = { MH_SMTP_BIND_ADDR: '127.0.0.1:0', MH_API_BIND_ADDR: ':0', MH_UI_BIND_ADDR: ':0' }
  const client = (options: object = {}) =>
    createRequire(import.meta.url)(mailhog as string)({
      host: '127.0.0.1',
      port: lab.endpoint('http').port,
      ...options,
    })
  const transport = (auth?: object) =>
    createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port as number, ...auth })
  const mail = {
    from: 'Shop <shop@example.com>',
    to: 'jane@example.org',
    subject: 'Welcome',
    text: 'Your code is 4711',
  }

  beforeAll(async () => {
    place = new Workplace()
    host = await startHost()
    const outgoing = JSON.stringify({ team: { name: 'team', host: '127.0.0.1', port: `${host.port}` } })
    const env = { ...ports, MH_HOSTNAME: 'hog.example', MH_OUTGOING_SMTP: place.write('outgoing.json', outgoing) }
    lab = await place.start(['--like', 'mailhog', '--', '-maildir-path=mail'], { env })
  })
  afterAll(async () => {
    await lab.end()
    await host[Symbol.asyncDispose]()
  })

  it('sends with any name and password, or none, and reads without a base path', async () => {
    await transport().sendMail(mail)
    await transport({ auth: { user: 'any', pass: 'thing' } }).sendMail({ ...mail, subject: 'Second' })
    const hog = client()
    expect((await hog.messages()).total).toBe(2)
    const latest = await hog.latestTo('jane@example.org')
    expect([latest.subject, latest.text]).toEqual(['Second', 'Your code is 4711'])
    expect((await hog.search('Welcome', 'containing')).total).toBe(1)
    expect((await hog.deleteMessage(latest.ID)).statusCode).toBe(200)
    expect((await hog.messages()).total).toBe(1)
    expect((await hog.deleteAll()).statusCode).toBe(200)
    expect((await hog.messages()).total).toBe(0)
  })

  it('releases to a server of its file', async () => {
    await transport().sendMail(mail)
    const { ID } = await client().latestTo('jane@example.org')
    const { statusCode } = await client().releaseMessage(ID, {
      email: 'team@dev.example',
      host: '127.0.0.1',
      port: `${host.port}`,
    })
    expect(statusCode).toBe(200)
    await expect.poll(() => host.received.length, { timeout: 20_000 }).toBe(1)
  })
})

describe.skipIf(!mailhog)('MailHog with a file of users', () => {
  it('asks for the password of the API, and takes mail from everyone', async () => {
    const place = new Workplace()
    const env = { MH_SMTP_BIND_ADDR: '127.0.0.1:0', MH_API_BIND_ADDR: '127.0.0.1:0', MH_UI_BIND_ADDR: '127.0.0.1:0' }
    // MailHog's documentation has this hash: the password is "test".
    const users = place.write('users', 'test:$2a$04$qxRo.ftFoNep7ld/5jfKtuBTnGqff/fZVyj53mUC5sVf9dtDLAi/S\n')
    await using lab = await place.start(['--like', 'mailhog', '--', `-auth-file=${users}`], { env })
    const port = lab.endpoint('smtp').port as number
    const auth = { user: 'any', pass: 'thing' }
    await createTransport({ host: '127.0.0.1', port, auth }).sendMail({
      from: 'a@b.example',
      to: 'c@d.example',
      text: 'x',
    })
    const ask = async (password: string): Promise<number> => {
      const authorization = `Basic ${btoa(`test:${password}`)}`
      const url = `http://127.0.0.1:${lab.endpoint('http').port}/api/v2/messages`
      return (await fetch(url, { headers: { authorization } })).status
    }
    expect(await ask('wrong')).toBe(401)
    expect(await ask('test')).toBe(200)
  })
})
