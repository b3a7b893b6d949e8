import { expect, test } from 'vitest'
import { pop3 } from '../../../servers/pop3/session.ts'
import { downgradeHeader } from '../../../src/mail/format/downgrade.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'

const HEADER = [
  'Received: from x by y for <zoë@lab.test>',
  'From: Zoë "Z" Müller <zoë@lab.test>',
  'To: Grüße: Jürg <jurg@grün.test>, "A, B" <plain@lab.test>;, <é@x.test>',
  'Subject: Grüße aus Köln, und ein langer Text, der nicht in ein einziges Wort passt: ÄÖÜ',
  'X-Plain: as it is',
  'Content-Type: application/pdf; name="Übersicht (1).pdf"; x=y',
]
const BODY = '\r\n\r\nGrüße\r\n'
const message = Buffer.from(HEADER.join('\r\n') + BODY)

async function connect(lab: MailLab, ...commands: string[]): Promise<LineClient> {
  const client = await LineClient.open(lab.port)
  await client.play(`S: +OK *\n${commands.map((command) => `C: ${command}\nS: +OK *`).join('\n')}`)
  return client
}

async function answer(client: LineClient, command: string): Promise<{ first: string; text: string }> {
  client.send(`${command}\r\n`)
  const [first = '', ...lines] = await client.lines((line) => line === '.')
  return { first, text: Buffer.from(lines.slice(0, -1).join('\r\n'), 'latin1').toString() }
}

const LOGON = ['USER alice', 'PASS secret']

test('RFC 6856 section 2.1: after UTF8, RETR and TOP send messages as they are', async () => {
  await using lab = await startMailLab(pop3)
  await lab.put('alice', message)
  using client = await connect(lab, 'UTF8', ...LOGON)
  expect(await answer(client, 'RETR 1')).toEqual({
    first: `+OK ${message.length} octets`,
    text: message.toString().slice(0, -2),
  })
  expect((await answer(client, 'TOP 1 0')).text).toContain('Subject: Grüße')
  await client.play('C: UTF8\nS: -ERR *')
})

test('RFC 6856 section 4: without UTF8, RETR and TOP send the header in ASCII, and the body as it is', async () => {
  await using lab = await startMailLab(pop3)
  const large = Buffer.concat([message, Buffer.from('large line\r\n'.repeat(30_000))])
  await lab.put('alice', message, large)
  using client = await connect(lab, ...LOGON)
  const { first, text } = await answer(client, 'RETR 1')
  expect(first).toBe(`+OK ${downgradeHeader(message).length} octets`)
  expect(text.split('\r\n')).toEqual([
    `From: =?UTF-8?B?${Buffer.from('Zoë Z Müller').toString('base64')}?= <invalid@internationalized-address.invalid>`,
    `To: =?UTF-8?B?${Buffer.from('Jürg').toString('base64')}?= <jurg@xn--grn-ioa.test>,`,
    ' "A, B" <plain@lab.test>,',
    ' <invalid@internationalized-address.invalid>',
    expect.stringMatching(/^Subject: =\?UTF-8\?B\?[\w+/=]+\?=$/),
    expect.stringMatching(/^ =\?UTF-8\?B\?[\w+/=]+\?=$/),
    'X-Plain: as it is',
    'Content-Type: application/pdf;',
    " name*=utf-8''%C3%9Cbersicht%20%281%29.pdf; x=y",
    '',
    'Grüße',
  ])
  expect((await answer(client, 'TOP 1 0')).text).not.toMatch(/[^\x00-\x7f]/)
  const whole = (await answer(client, 'RETR 2')).text
  expect(whole).toBe(`${text}${'\r\nlarge line'.repeat(30_000)}`)
})

test('headers that are not UTF-8, and messages in ASCII, are sent as they are', async () => {
  const latin1 = Buffer.from('Subject: Gr\xfc\xdfe\r\n\r\nx\r\n', 'latin1')
  const ascii = Buffer.from('Subject: x\r\n\r\nGrüße\r\n')
  expect(downgradeHeader(latin1)).toBe(latin1)
  expect(downgradeHeader(ascii)).toBe(ascii)
})

test('RFC 6856 section 2.2: UTF8 USER: names and passwords outside ASCII, prepared by SASLprep', async () => {
  const directory = { accounts: [{ user: 'zoë', password: 'pässword' }] }
  await using lab = await startMailLab(pop3, { config: { directory } })
  using client = await connect(lab, 'USER zoe\\xcc\\x88')
  client.send(Buffer.from('PASS p\u0061\u0308ssword\r\n'))
  expect(await client.line()).toMatch(/^\+OK /)
})

test('RFC 6856 section 3: LANG', async () => {
  await using lab = await startMailLab(pop3)
  using client = await connect(lab)
  await client.play(`C: LANG
    S: +OK Language listing follows:
    S: en English
    S: .
    C: LANG en-GB
    S: +OK en *
    C: LANG *
    S: +OK en *
    C: LANG fr
    S: -ERR en *
    C: USER alice
    S: +OK *
    C: PASS secret
    S: +OK *
    C: LANG i-default
    S: +OK en *
    C: LANG en fr
    S: -ERR *`)
})
