import { expect, test } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { startNewsLab } from '../../support/news-lab.ts'

const capabilitiesOf = async (client: LineClient): Promise<string[]> => {
  client.send('CAPABILITIES\r\n')
  return client.lines((line) => line === '.')
}
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64')
const LOGON = 'C: AUTHINFO USER alice\nS: 381 *\nC: AUTHINFO PASS secret\nS: 281 *'

test('RFC 4642: STARTTLS resets the session, drops pipelined clear text, and is offered once', async () => {
  await using lab = await startNewsLab()
  using client = await lab.client()
  await client.play('C: GROUP lab.general\nS: 211 *\nC: AUTHINFO USER alice\nS: 381 *\nC: STARTTLS now\nS: 501 *')
  expect(await capabilitiesOf(client)).toContain('STARTTLS')
  client.send('STARTTLS\r\nDATE\r\n')
  expect(await client.line()).toMatch(/^382 /)
  await client.startTls(lab.ca)
  expect(await capabilitiesOf(client)).not.toContain('STARTTLS')
  await client.play(
    'C: STAT\nS: 412 *\nC: AUTHINFO PASS secret\nS: 482 *\nC: STARTTLS\nS: 502 *\nC: MODE READER\nS: 200 *',
  )
})

test('RFC 4642: STARTTLS replies 580 without a certificate, 502 after a log-on', async () => {
  await using bare = await startNewsLab({ bare: true })
  await bare.play('C: STARTTLS\nS: 580 *')
  await using lab = await startNewsLab()
  await lab.play(`${LOGON}\nC: STARTTLS\nS: 502 *`)
})

test('RFC 8143: implicit TLS', async () => {
  await using lab = await startNewsLab()
  using client = await LineClient.openTls(lab.tlsPort, lab.ca)
  await client.play('S: 200 *\nC: DATE\nS: 111 *\nC: STARTTLS\nS: 502 *')
})

test('RFC 4643 section 2.3: AUTHINFO USER and PASS', async () => {
  await using lab = await startNewsLab()
  using client = await lab.client()
  await client.play(`
    C: AUTHINFO PASS secret
    S: 482 *
    C: authinfo user alice
    S: 381 *
    C: AUTHINFO PASS wrong
    S: 481 *
    C: AUTHINFO PASS secret
    S: 482 *
    C: AUTHINFO USER alice
    S: 381 *
    C: DATE
    S: 111 *
    C: AUTHINFO PASS secret
    S: 281 *
    C: AUTHINFO USER bob
    S: 502 *
    C: MODE READER
    S: 200 *
  `)
  expect((await capabilitiesOf(client)).filter((line) => /AUTHINFO|STARTTLS/.test(line))).toEqual([])
})

test.each([LOGON, `C: AUTHINFO SASL PLAIN ${base64('\0alice\0secret')}\nS: 281 *`])(
  'RFC 4643 section 2.2: the SASL list stays as it was after a log-on',
  async (logon) => {
    await using lab = await startNewsLab()
    using client = await LineClient.openTls(lab.tlsPort, lab.ca)
    await client.play('S: 200 *')
    const mechanisms = async () => (await capabilitiesOf(client)).filter((line) => line.startsWith('SASL '))
    const before = await mechanisms()
    expect(before).toEqual([expect.stringMatching(/^SASL PLAIN /)])
    await client.play(logon)
    expect(await mechanisms()).toEqual(before)
  },
)

test('RFC 4643 section 2.4: AUTHINFO SASL', async () => {
  await using lab = await startNewsLab()
  await lab.play(`
    C: AUTHINFO SASL NONSENSE
    S: 503 *
    C: AUTHINFO SASL PLAIN !!!
    S: 504 *
    C: AUTHINFO SASL PLAIN
    S: 383 =
    C: *
    S: 481 *
    C: AUTHINFO SASL PLAIN ${base64('\0alice\0wrong')}
    S: 481 *
    C: AUTHINFO SASL LOGIN
    S: 383 ${base64('Username:')}
    C: ${base64('alice')}
    S: 383 ${base64('Password:')}
    C: ${base64('secret')}
    S: 281 *
  `)
  await lab.play(`C: AUTHINFO SASL plain ${base64('\0bob\0geheim')}\nS: 281 *`)
  const last = lab.sessions().at(-1)
  expect(last?.user).toBe('bob')
  expect(JSON.stringify(last?.transcript)).not.toContain(base64('\0bob\0geheim'))
})

test('AUTHINFO GENERIC and NTLM are refused with 501', async () => {
  await using lab = await startNewsLab()
  await lab.play('C: AUTHINFO GENERIC NTLM x\nS: 501 *\nC: AUTHINFO GENERIC\nS: 501 *\nC: AUTHINFO SIMPLE\nS: 501 *')
})

test('basic-over-tls: AUTHINFO in clear text gets 483 for any password', async () => {
  await using lab = await startNewsLab({ server: { authentication: ['anonymous', 'basic-over-tls'] } })
  using client = await lab.client()
  const refused = ['USER alice', 'PASS secret', 'SASL PLAIN =']
  await client.play(refused.map((line) => `C: AUTHINFO ${line}\nS: 483 *`).join('\n'))
  expect(await capabilitiesOf(client)).toContain('AUTHINFO')
  await client.play('C: STARTTLS\nS: 382 *')
  await client.startTls(lab.ca)
  expect(await capabilitiesOf(client)).toContain('AUTHINFO USER SASL')
  await client.play(LOGON)
})

test('access: authenticated: 480 for reading and posting before the log-on', async () => {
  await using lab = await startNewsLab({ server: { access: 'authenticated' } })
  await lab.post('Message-ID: <1@a>')
  await lab.play(`
    C: MODE READER
    S: 200 *
    C: GROUP lab.general
    S: 480 *
    C: ARTICLE <1@a>
    S: 480 *
    C: LIST
    S: 480 *
    C: POST
    S: 480 *
    C: DATE
    S: 111 *
    C: GROUP
    S: 501 *
    ${LOGON}
    C: GROUP lab.general
    S: 211 *
    C: POST
    S: 340 *
    C: .
    S: 441 *
  `)
})

test('access by group: a group is hidden before the log-on, and GROUP replies 480, not 411', async () => {
  await using lab = await startNewsLab({
    newsgroups: [
      { name: 'lab.open' },
      { name: 'lab.read', access: 'anonymous-read' },
      { name: 'lab.secret', access: 'authenticated' },
    ],
  })
  await lab.post('Newsgroups: lab.secret\nMessage-ID: <1@a>')
  const posting = 'C: POST\nS: 340 *\nC: From: a@b\nC: Subject: x\nC: Newsgroups: lab.read\nC:\nC: x\nC: .'
  await lab.play(`
    C: LIST
    S: 215 *
    S: lab.open 0 1 y
    S: lab.read 0 1 y
    S: .
    C: GROUP lab.secret
    S: 480 *
    C: STAT <1@a>
    S: 480 *
    C: NEWNEWS * 20200101 000000
    S: 230 *
    S: .
    ${posting}
    S: 441 *lab.read*
    ${LOGON}
    C: GROUP lab.secret
    S: 211 1 1 1 lab.secret
    ${posting}
    S: 240 *
  `)
})
