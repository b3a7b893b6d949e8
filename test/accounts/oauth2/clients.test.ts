import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, describe, expect, test } from 'vitest'
import { errorForms } from '../../../src/core/config/schema/oauth2.ts'
import { startTokenLab } from './support.ts'

const lab = await startTokenLab()
afterAll(() => lab.stop())

const mail = { from: 'alice@lab.test', to: 'bob@lab.test', subject: 'With a token', text: 'Hello' }

describe('nodemailer', () => {
  const send = async (accessToken: string) =>
    createTransport({ ...lab.nodemailer(), auth: { type: 'OAuth2', user: 'alice', accessToken } }).sendMail(mail)

  test('sends with a token', async () => {
    await send(await lab.accessToken({ user: 'alice' }))
    await lab.waitForMessage({ to: 'bob@lab.test', subject: 'With a token' })
    expect(lab.sessions().at(-1)?.user).toBe('alice')
  })

  test.each(errorForms)('learns that a token has expired, in the form %s', async (errorForm) => {
    await using strict = await startTokenLab({ oauth2: { errorForm } })
    const accessToken = await strict.accessToken({ user: 'alice', defect: 'expired' })
    const transport = createTransport({
      ...strict.nodemailer(),
      auth: { type: 'OAuth2', user: 'alice', accessToken },
    })
    await expect(transport.sendMail(mail)).rejects.toMatchObject({ code: 'EAUTH', responseCode: 535 })
  })
})

describe('imapflow', () => {
  const client = (accessToken: string, host = lab) =>
    new ImapFlow({ ...host.imapflow('alice'), auth: { user: 'alice', accessToken } })

  test('reads with a token', async () => {
    await lab.deliver({ subject: 'For Alice' }, 'alice')
    const imap = client(await lab.accessToken({ user: 'alice' }))
    await imap.connect()
    expect(await imap.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
    await imap.logout()
    expect(lab.sessions().at(-1)?.user).toBe('alice')
  })

  test('learns why a token is refused: RFC 7628 section 3.2.2', async () => {
    const imap = client(await lab.accessToken({ user: 'alice', scope: 'smtp' }))
    await expect(imap.connect()).rejects.toMatchObject({
      authenticationFailed: true,
      serverResponseCode: 'AUTHENTICATIONFAILED',
      oauthError: { status: 'insufficient_scope', scope: 'imap4' },
    })
  })

  test('learns why a token is refused, in the form of Gmail', async () => {
    await using google = await startTokenLab({ oauth2: { errorForm: 'google' } })
    const imap = client(await google.accessToken({ user: 'alice', defect: 'expired' }), google)
    await expect(imap.connect()).rejects.toMatchObject({
      oauthError: { status: 'invalid_request', scope: 'https://mail.google.com/' },
    })
  })
})
