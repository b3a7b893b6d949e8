import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { isThorough } from '../../support/thorough.ts'

const place = new Workplace()

/** A project that uses MailDev: only the command that starts the server is another. */
describe('an application written for MailDev', () => {
  let lab: StartedLab
  const env = {
    MAILDEV_SMTP_PORT: '0',
    MAILDEV_WEB_PORT: '0',
    MAILDEV_INCOMING_USER: 'app',
    MAILDEV_INCOMING_PASS: 'app-secret',
    MAILDEV_WEB_USER: 'dev',
    MAILDEV_WEB_PASS: 'dev-secret',
    MAILDEV_BASE_PATHNAME: '/inbox',
    MAILDEV_HIDE_EXTENSIONS: 'SMTPUTF8',
    MAILDEV_SMTP_PROT: '1',
  }
  beforeAll(async () => {
    lab = await place.start(['--like', 'maildev', '--', '--max-emails', '4', '-v'], { env })
  })
  afterAll(() => lab.end())

  const read = async (path: string, authorization = `Basic ${btoa('dev:dev-secret')}`, method = 'GET') => {
    const url = `http://127.0.0.1:${lab.endpoint('http').port}${path}`
    const answer = await fetch(url, { method, headers: { authorization } })
    // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape itself
    const body = (answer.status === 200 ? await answer.json() : undefined) as any
    return { status: answer.status, body }
  }
  const send = (subject: string, auth?: object) =>
    createTransport({
      host: '127.0.0.1',
      port: lab.endpoint('smtp').port as number,
      ...(auth ? { auth } : {}),
    }).sendMail({
      from: 'shop@example.com',
      to: 'jane@example.org',
      subject,
      text: 'Your code is 4711',
    })
  const account = { user: 'app', pass: 'app-secret' }

  it.runIf(isThorough)('sends with its user and reads below its base path with that of the web interface', async () => {
    await expect(send('Nobody')).rejects.toThrow(/530/)
    await expect(send('Wrong', { ...account, pass: 'x' })).rejects.toThrow(/535/)
    for (const subject of ['One', 'Two', 'Three']) await send(subject, account)
    const { body } = await read('/inbox/email')
    expect(body.map(({ subject }: { subject: string }) => subject)).toEqual(['One', 'Two', 'Three'])
    expect((await read('/inbox/api/email')).body).toHaveLength(3)
    const [{ id }] = (await read('/inbox/email?subject=Three&to.address=jane@example.org')).body
    expect((await read(`/inbox/email/${id}`)).body.text.trim()).toBe('Your code is 4711')
    expect((await read('/inbox/email', `Basic ${btoa('dev:x')}`)).status).toBe(401)
    expect((await read('/inbox/healthz', '')).body).toBe(true)
    for (const subject of ['Four', 'Five']) await send(subject, account)
    const kept = (await read('/inbox/email')).body.map(({ subject }: { subject: string }) => subject)
    expect(kept).toEqual(['Two', 'Three', 'Four', 'Five'])
    expect((await read('/inbox/email/all', undefined, 'DELETE')).body).toBe(true)
    expect((await read('/email')).body).toEqual([])
  })
})

const yamlOf = async (tool: string, env: Record<string, string>) =>
  (await place.run(['config', 'show', '--text', '--secrets', '--like', tool], { env })).stdout

describe('variables of MailDev', () => {
  it('become connectors, with the rules of automatic relaying as lists', async () => {
    const rules = place.write('rules.json', JSON.stringify([{ deny: '*' }, { allow: '*@example.test' }]))
    const env = {
      MAILDEV_OUTGOING_HOST: 'mail.example.test',
      MAILDEV_OUTGOING_SECURE: 'true',
      MAILDEV_AUTO_RELAY: 'dev@example.test',
      MAILDEV_AUTO_RELAY_RULES: rules,
      MAILDEV_MAX_EMAILS: '7',
    }
    const text = await yamlOf('maildev', env)
    for (const part of [
      'host: mail.example.test',
      'implicitTls: true',
      'when: automatic',
      'to: dev@example.test',
      'messages: 7',
      'whenFull: drop-oldest',
    ])
      expect(text).toContain(part)
    expect(text).toMatch(/allow:\n\s+- "\*@example\.test"/)
    place.write('rules.json', JSON.stringify([{ allow: '*' }, { deny: '*@a.test' }, { allow: 'x@a.test' }]))
    const { status, stderr } = await place.run(['check', '--like', 'maildev'], { env })
    expect([status, stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(/MAILDEV_OUTGOING_HOST: .*"x@a\.test"/),
    ])
    expect(status).not.toBe(0)
  })

  it('that have no counterpart, or do not exist, are named', async () => {
    const env = {
      MAILDEV_HIDE_EXTENSIONS: 'SMTPUTF8',
      MAILDEV_SMTP_PROT: '1',
      MAILDEV_FOO: '1',
      MAILDEV_SMTP_PORT: '0',
      MAILDEV_WEB_PORT: '0',
    }
    const { stderr } = await place.run(['check', '--like', 'maildev'], { env })
    expect(stderr).toMatch(/MAILDEV_HIDE_EXTENSIONS: has no effect: /)
    expect(stderr).toMatch(/MAILDEV_SMTP_PROT: unknown variable of MailDev, ignored; did you mean MAILDEV_SMTP_PORT\?/)
    expect(stderr).toMatch(/MAILDEV_FOO: unknown variable of MailDev, ignored$/m)
  })

  it('without a password of their user are an error', async () => {
    const { stderr } = await place.run(['check', '--like', 'maildev'], { env: { MAILDEV_WEB_USER: 'dev' } })
    expect(stderr).toMatch(/MAILDEV_WEB_USER: needs MAILDEV_WEB_PASS too/)
  })
})
