import type { SMTPServerOptions } from 'smtp-server'
import { expect, it } from 'vitest'
import { TestAuthority } from '../../../checks/verify/authority.ts'
import { startHost } from './hosts.ts'
import { hopTo, MESSAGE, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const identity = await authority.issue()
const roots = async (): Promise<readonly string[]> => [authority.rootPem]

it('passes NOTIFY, ORCPT, RET and ENVID on to a host with DSN, each recipient its own', async () => {
  await using host = await startHost({ hideDSN: false })
  await using sender = new Sender()
  const { recipients } = await sender.send([hopTo(host.port)], {
    envelopeId: 'order 7+1',
    ret: 'HDRS',
    recipients: [
      { address: 'b@example.test', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;bob+news@lab.test' },
      { address: 'c@example.test', notify: ['NEVER'] },
      { address: 'd@example.test' },
    ],
  })
  expect(recipients.map(({ passedDsnOn }) => passedDsnOn)).toEqual([true, true, true])
  expect(sender.transcript.filter((line) => /C: (MAIL|RCPT)/.test(line))).toEqual([
    '*C: MAIL FROM:<a@lab.test> RET=HDRS ENVID=order+207+2B1',
    '*C: RCPT TO:<b@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bnews@lab.test',
    '*C: RCPT TO:<c@example.test> NOTIFY=NEVER ORCPT=rfc822;c@example.test',
    '*C: RCPT TO:<d@example.test>',
  ])
})

it('keeps DSN to itself if the host does not offer it', async () => {
  await using host = await startHost({ hideDSN: true })
  await using sender = new Sender()
  const result = await sender.sendOne(hopTo(host.port), {
    envelopeId: '7',
    recipients: [{ address: 'b@example.test', notify: ['SUCCESS'] }],
  })
  expect(result).not.toHaveProperty('passedDsnOn')
  expect(sender.transcript.join()).not.toMatch(/NOTIFY|ENVID/)
})

it('uses SMTPUTF8 for addresses and headers that need it, and only for those', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const utf8 = MESSAGE.replace('Hello', 'Grüße')
  await sender.sendOne(hopTo(host.port), { recipients: [{ address: 'jürgen@example.test' }] })
  await sender.sendOne(hopTo(host.port), { smtpUtf8: true }, utf8)
  await sender.sendOne(hopTo(host.port), { smtpUtf8: true })
  expect(sender.transcript.filter((line) => line.includes('MAIL FROM'))).toEqual([
    '*C: MAIL FROM:<a@lab.test> SMTPUTF8',
    '*C: MAIL FROM:<a@lab.test> BODY=8BITMIME SMTPUTF8',
    '*C: MAIL FROM:<a@lab.test>',
  ])
  expect(host.received.map(({ to }) => to[0]?.address)).toEqual([
    'jürgen@example.test',
    'b@example.test',
    'b@example.test',
  ])
})

it('fails mail that needs SMTPUTF8 at a host without it', async () => {
  await using host = await startHost({ hideSMTPUTF8: true })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port), { recipients: [{ address: 'jürgen@example.test' }] })).toEqual({
    address: 'jürgen@example.test',
    kind: 'failed',
    enhancedCode: '5.6.7',
    text: 'localhost does not support SMTPUTF8, which the address jürgen@example.test needs',
    remoteHost: 'localhost',
  })
  const header = MESSAGE.replace('Hello', 'Grüße')
  expect(await sender.sendOne(hopTo(host.port), { smtpUtf8: true }, header)).toMatchObject({
    kind: 'failed',
    enhancedCode: '5.6.9',
  })
  expect(await sender.sendOne(hopTo(host.port), { smtpUtf8: true })).toMatchObject({ kind: 'sent' })
})

it('encodes lines that are too long, or fails the message, as the connector says (RFC 5322 section 2.1.1)', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const long = 'x'.repeat(3000)
  const message = `Subject: long\r\n\r\n${'y'.repeat(998)}\r\n${long}\r\n`
  expect(await sender.sendOne(hopTo(host.port), {}, message)).toMatchObject({ kind: 'sent' })
  const raw = host.received[0]?.raw ?? ''
  expect(Math.max(...raw.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(76)
  expect(raw).toContain('Content-Transfer-Encoding: quoted-printable')
  expect(raw.replaceAll('=\r\n', '')).toContain(`\r\n${long}\r\n`)
  const base64 = `MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(long).toString('base64')}\r\n`
  expect(await sender.sendOne(hopTo(host.port), {}, base64)).toMatchObject({ kind: 'sent' })
  expect(Buffer.from(host.received[1]?.raw.split('\r\n\r\n')[1] ?? '', 'base64').toString()).toBe(long)
  expect(await sender.sendOne(hopTo(host.port), {}, message, { longLines: 'reject' })).toMatchObject({
    kind: 'failed',
    enhancedCode: '5.6.0',
    text: 'the body of the message has a line of more than 998 octets',
  })
  expect(await sender.sendOne(hopTo(host.port), {}, `Subject: ${long}\r\n\r\nx\r\n`)).toMatchObject({
    kind: 'failed',
    text: 'the header of the message has a line of more than 998 octets',
  })
  const exact = `Subject: exact\r\n\r\n${'y'.repeat(998)}\r\n`
  await sender.sendOne(hopTo(host.port), {}, exact)
  expect(host.received.at(-1)?.raw).toBe(exact)
})

const EIGHT_BIT = Buffer.from(
  'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße = \r\n.\r\n',
)

it('sends 8-bit data as it is to a host with 8BITMIME', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  await sender.sendOne(hopTo(host.port), { body: '8BITMIME' }, EIGHT_BIT)
  expect(host.received[0]?.raw).toBe(EIGHT_BIT.toString('latin1'))
  expect(sender.transcript.join('\n')).toContain('BODY=8BITMIME')
})

it('converts 8-bit data for a host without 8BITMIME, as Postfix does', async () => {
  await using host = await startHost({ hide8BITMIME: true })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port), {}, EIGHT_BIT)).toMatchObject({ kind: 'sent' })
  expect(host.received[0]?.raw).toBe(
    'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =3D=20\r\n.\r\n',
  )
})

it('announces the size, and fails a message that is too large for the host', async () => {
  await using host = await startHost({ size: 100 })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
  expect(sender.transcript.join('\n')).toContain(`MAIL FROM:<a@lab.test> SIZE=${MESSAGE.length}`)
  expect(await sender.sendOne(hopTo(host.port), {}, MESSAGE + 'x'.repeat(100))).toMatchObject({
    kind: 'failed',
    enhancedCode: '5.3.4',
    text: expect.stringMatching(/takes at most 100$/),
  })
})

it('REQUIRETLS: sends only over verified TLS, and only to a host that supports it', async () => {
  await using host = await startHost({ hideREQUIRETLS: false }, identity)
  await using sender = new Sender({ roots })
  expect(await sender.sendOne(hopTo(host.port), { requireTls: true })).toMatchObject({ kind: 'sent' })
  expect(sender.transcript.join('\n')).toContain('MAIL FROM:<a@lab.test> REQUIRETLS')
  await using without = await startHost({ hideREQUIRETLS: true }, identity)
  expect(await sender.sendOne(hopTo(without.port), { requireTls: true })).toMatchObject({
    kind: 'failed',
    enhancedCode: '5.7.30',
  })
  await using trustsNobody = new Sender()
  expect(await trustsNobody.sendOne(hopTo(host.port), { requireTls: true })).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.5',
  })
})

/** Lets `relay` log on with the password or the token `secret`. */
const withAccount = (method: string): Partial<SMTPServerOptions> => ({
  authMethods: [method],
  allowInsecureAuth: true,
  onAuth({ username, password, accessToken, validatePassword }, _session, done) {
    const isRight =
      [accessToken, password].includes('secret') || (method === 'CRAM-MD5' && validatePassword?.('secret'))
    if (isRight && username === 'relay') done(null, { user: 'relay' })
    else done(Object.assign(new Error('5.7.8 Wrong'), { responseCode: 535 }))
  },
})

it.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'])(
  'logs on by %s, and keeps the secret out of the session',
  async (method) => {
    await using host = await startHost(withAccount(method), identity)
    await using sender = new Sender({ roots })
    const secret = method === 'XOAUTH2' ? { accessToken: 'secret' } : { password: 'secret' }
    const hop = hopTo(host.port, { tls: 'verify', user: 'relay', ...secret })
    expect(await sender.sendOne(hop)).toMatchObject({ kind: 'sent' })
    expect(host.received).toMatchObject([{ user: 'relay' }])
    const all = sender.transcript.join('\n')
    expect(all).toMatch(new RegExp(`C: AUTH ${method}( \\*\\*\\*)?`))
    for (const form of [
      'secret',
      ...['secret', '\0relay\0secret', 'user=relay\x01auth=Bearer secret\x01\x01'].map((text) =>
        Buffer.from(text).toString('base64'),
      ),
    ]) {
      expect(all).not.toContain(form)
    }
  },
)

it.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'])('defers the mail if the log-on by %s is refused', async (method) => {
  await using host = await startHost(withAccount(method), identity)
  await using sender = new Sender({ roots })
  const secret = method === 'XOAUTH2' ? { accessToken: 'wrong' } : { password: 'wrong' }
  const result = await sender.sendOne(hopTo(host.port, { tls: 'verify', user: 'relay', ...secret }))
  expect(result).toMatchObject({ kind: 'deferred', code: 535, enhancedCode: '4.7.8' })
  expect(result.text).toMatch(/^localhost refused the log-on: 535 /)
  expect(sender.last.refusals).toEqual([expect.stringMatching(/535/)])
  expect(host.received).toEqual([])
})

it('sends no password in clear text unless TLS is switched off', async () => {
  await using host = await startHost(withAccount('PLAIN'))
  await using sender = new Sender()
  const hop = hopTo(host.port, { user: 'relay', password: 'secret' })
  const result = await sender.sendOne(hop)
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.8' })
  expect(result.text).toMatch(/password is not sent in clear text/)
  expect(sender.transcript.join('\n')).not.toContain('AUTH PLAIN *')
  expect(await sender.sendOne({ ...hop, tls: 'none' })).toMatchObject({ kind: 'sent' })
})
