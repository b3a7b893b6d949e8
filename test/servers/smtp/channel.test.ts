import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, ehlo } from './support.ts'

const MUST_START_TLS = '530 5.7.0 Must issue a STARTTLS command first'

describe('a required secure channel, RFC 3207 section 4', () => {
  test('before STARTTLS only six commands are accepted, and no AUTH is announced', async () => {
    await using lab = await startMailLab(smtp, { server: { requireSecureChannel: true } })
    const client = await LineClient.greeted(lab.port)
    const announced = await ehlo(client)
    expect(announced).toContain('250-STARTTLS')
    expect(announced.filter((line) => line.includes('AUTH'))).toEqual([])
    const refused = [
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<alice@lab.test>',
      'DATA',
      'AUTH PLAIN AGFsaWNlAHNlY3JldA==',
      'VRFY x',
    ]
    for (const command of [...refused, 'HELP', 'EXPN x', 'XYZZY', 'mail from:<a@b.test>', 'DATA\t', '']) {
      expect(await ask(client, command)).toBe(MUST_START_TLS)
    }
    await client.play('C: NOOP\nS: 250*\nC: RSET\nS: 250*\nC: HELO x\nS: 250*\nC: STARTTLS\nS: 220*')
    await client.startTls(lab.ca)
    expect((await ehlo(client)).filter((line) => line.includes('AUTH'))).toHaveLength(2)
    await client.play('C: MAIL FROM:<a@b.test>\nS: 250*\nC: QUIT\nS: 221*\nS: (end)')
    expect(lab.sessions()[0]?.refusals).toContain('530 5.7.0 Must issue a STARTTLS command first')
  })

  test('the chunk after a refused BDAT is not read as commands', async () => {
    await using lab = await startMailLab(smtp, { server: { requireSecureChannel: true } })
    using client = await LineClient.open(lab.port)
    client.send('EHLO x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n')
    await client.line()
    await client.lines((line) => line === '250 HELP')
    await client.play(`S: ${MUST_START_TLS}\nS: 250 2.0.0 *`)
  })

  test('basic-over-tls: only AUTH is refused in clear text, before the password is read', async () => {
    await using lab = await startMailLab(smtp, { server: { authentication: ['anonymous', 'basic-over-tls'] } })
    using client = await LineClient.greeted(lab.port)
    expect((await ehlo(client)).filter((line) => line.includes('AUTH'))).toEqual([])
    await client.play(`C: AUTH PLAIN !\nS: ${MUST_START_TLS}\nC: AUTH LOGIN\nS: ${MUST_START_TLS}`)
    await client.play('C: MAIL FROM:<a@b.test>\nS: 250*\nC: RSET\nS: 250*\nC: STARTTLS\nS: 220*')
    await client.startTls(lab.ca)
    await ehlo(client)
    await client.play('C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 235 2.7.0 *')
  })
})

describe('a virtual server without anonymous', () => {
  test('MAIL and VRFY need a log-on', async () => {
    await using lab = await startMailLab(smtp, { server: { authentication: ['basic'] } })
    using client = await LineClient.greeted(lab.port)
    await ehlo(client)
    await client.play(`C: MAIL FROM:<a@b.test>
      S: 530 5.7.0 Authentication required
      C: VRFY alice
      S: 530 5.7.0 Authentication required
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      S: 235 2.7.0 *
      C: MAIL FROM:<a@b.test>
      S: 250*`)
  })

  test('only basic-over-tls: a reply in clear text asks for STARTTLS', async () => {
    await using lab = await startMailLab(smtp, { server: { authentication: ['basic-over-tls'] } })
    using client = await LineClient.greeted(lab.port)
    await ehlo(client)
    expect(await ask(client, 'MAIL FROM:<a@b.test>')).toBe(MUST_START_TLS)
  })

  test('only anonymous: no client can log on', async () => {
    await using lab = await startMailLab(smtp, { server: { authentication: ['anonymous'] } })
    using client = await LineClient.openTls(lab.tlsPort, lab.ca)
    await client.line()
    expect((await ehlo(client)).filter((line) => line.includes('AUTH'))).toEqual([])
    expect(await ask(client, 'AUTH PLAIN AGFsaWNlAHNlY3JldA==')).toMatch(/^504 /)
  })
})

describe('STARTTLS', () => {
  test('commands sent in clear text after it are discarded (CVE-2011-0411), and earlier state is forgotten', async () => {
    await using lab = await startMailLab(smtp)
    const client = await LineClient.greeted(lab.port)
    await ehlo(client)
    await client.play('C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 235*')
    await client.play('C: MAIL FROM:<a@b.test>\nS: 250*\nC: RCPT TO:<alice@lab.test>\nS: 250*')
    client.send('STARTTLS\r\nRSET\r\nMAIL FROM:<injected@b.test>\r\n')
    await client.play('S: 220*')
    await client.startTls(lab.ca)
    await client.play('C: MAIL FROM:<a@b.test>\nS: 503 5.5.1 *HELO/EHLO*\nC: RCPT TO:<alice@lab.test>\nS: 503*')
    expect((await ehlo(client)).some((line) => line.includes('AUTH'))).toBe(true)
    await client.play('C: RCPT TO:<alice@lab.test>\nS: 503 5.5.1 *MAIL*\nC: STARTTLS\nS: 503 5.5.1 *already*')
    client.destroy()
    expect(JSON.stringify(lab.sessions()[0]?.transcript)).toContain(
      'octets sent in clear text after STARTTLS were discarded',
    )
  })

  test('is neither announced nor accepted if no certificate is assigned', async () => {
    await using lab = await startMailLab(smtp, { bare: true })
    using client = await LineClient.greeted(lab.port)
    expect(await ehlo(client)).not.toContain('250-STARTTLS')
    expect(await ask(client, 'STARTTLS')).toMatch(/^454 4\.7\.0 /)
  })
})

test('an open directory accepts any password, and offers no mechanism that needs to know it', async () => {
  await using lab = await startMailLab(smtp, { mode: 'open' })
  using client = await LineClient.greeted(lab.port)
  expect(await ehlo(client)).toContain('250-AUTH PLAIN LOGIN')
  await client.play('C: AUTH CRAM-MD5\nS: 504*\nC: AUTH PLAIN AHdob2V2ZXIAd2hhdGV2ZXI=\nS: 235*')
  expect(lab.lab.directory.find('whoever')).toBeDefined()
})
