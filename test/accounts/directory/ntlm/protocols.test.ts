import { afterAll, describe, expect, test } from 'vitest'
import { type Protocol, type SessionRecord, startLab } from '../../../../src/testing/index.ts'
import { LineClient } from '../../../support/line-client.ts'
import { authenticateMessage, type ClientLogon, negotiateMessage } from '../../../support/ntlm-client.ts'

const lab = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: (['smtp', 'pop3', 'imap4', 'nntp'] as const).map((protocol) => ({
    protocol,
    authentication: ['anonymous', 'ntlm'],
  })),
})
afterAll(() => lab.stop())

const right: ClientLogon = { user: 'alice', password: 'secret', domain: 'LAB' }
const negotiate = negotiateMessage()
const negotiateText = negotiate.toString('base64')
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** The words of a protocol. */
interface Form {
  readonly protocol: Protocol
  readonly name: string
  /** Lines of the server before the log-on, and the command that asks for its end. */
  readonly before: readonly string[]
  readonly lastOfGreeting: RegExp
  readonly start: string
  /** How the server asks for the first message, and how a challenge and a response are written. */
  readonly asks: string
  readonly challenge: RegExp
  readonly response: (message: string) => string
  readonly succeeds: RegExp
  /** The refusal of a log-on, with its reason. */
  readonly fails: (reason: string) => string
  /** The reply to a response that is not in base64. */
  readonly notBase64: string
  readonly withInitial?: string
}

const plain = (message: string): string => message
const forms: readonly Form[] = [
  {
    protocol: 'smtp',
    name: 'SMTP AUTH',
    before: ['EHLO me'],
    lastOfGreeting: /^250 /,
    start: 'AUTH NTLM',
    asks: '334 ',
    challenge: /^334 (\S+)$/,
    response: plain,
    succeeds: /^235 2\.7\.0 /,
    fails: (reason) => `535 5.7.8 Authentication failed: ${reason}`,
    notBase64: '501 5.5.2 Cannot decode the response: not base64',
    withInitial: 'AUTH NTLM ',
  },
  {
    protocol: 'pop3',
    name: 'POP3 AUTH',
    before: [],
    lastOfGreeting: /^\+OK/,
    start: 'AUTH NTLM',
    asks: '+ ',
    challenge: /^\+ (\S+)$/,
    response: plain,
    succeeds: /^\+OK /,
    fails: (reason) => `-ERR [AUTH] Logon failure: ${reason}.`,
    notBase64: '-ERR Invalid base64 in the response.',
    withInitial: 'AUTH NTLM ',
  },
  {
    protocol: 'imap4',
    name: 'IMAP4 AUTHENTICATE',
    before: [],
    lastOfGreeting: /^\* OK/,
    start: 'a AUTHENTICATE NTLM',
    asks: '+ ',
    challenge: /^\+ (\S+)$/,
    response: plain,
    succeeds: /^a OK /,
    fails: (reason) => `a NO [AUTHENTICATIONFAILED] Logon failure: ${reason}.`,
    notBase64: 'a BAD Invalid base64 in the response.',
    withInitial: 'a AUTHENTICATE NTLM ',
  },
  {
    protocol: 'nntp',
    name: 'NNTP AUTHINFO SASL',
    before: [],
    lastOfGreeting: /^20[01] /,
    start: 'AUTHINFO SASL NTLM',
    asks: '383 =',
    challenge: /^383 (\S+)$/,
    response: plain,
    succeeds: /^281 /,
    fails: (reason) => `481 Authentication failed: ${reason}`,
    notBase64: '504 Invalid base64 in the response',
    withInitial: 'AUTHINFO SASL NTLM ',
  },
  {
    protocol: 'nntp',
    name: 'NNTP AUTHINFO GENERIC',
    before: [],
    lastOfGreeting: /^20[01] /,
    start: 'AUTHINFO GENERIC NTLM',
    asks: '381 Protocol supported, proceed',
    challenge: /^381 (\S+)$/,
    response: (message) => `authinfo generic ${message}`,
    succeeds: /^281 /,
    fails: (reason) => `502 Authentication failed: ${reason}`,
    notBase64: '502 Expected AUTHINFO GENERIC with a message in base64',
  },
]

async function open({ protocol, before, lastOfGreeting }: Form): Promise<LineClient> {
  const client = await LineClient.open(lab.server(protocol).port as number)
  if (before.length > 0) await client.line()
  for (const line of before) client.send(`${line}\r\n`)
  await client.lines((line) => lastOfGreeting.test(line))
  return client
}

/** Begins an exchange up to the challenge. */
async function begin(form: Form, client: LineClient, isInitial: boolean): Promise<Buffer> {
  if (isInitial) client.send(`${form.withInitial}${negotiateText}\r\n`)
  else {
    client.send(`${form.start}\r\n`)
    expect(await client.line()).toBe(form.asks)
    client.send(`${form.response(negotiateText)}\r\n`)
  }
  const [, challenge] = form.challenge.exec((await client.line()) ?? '') ?? []
  return Buffer.from(challenge ?? '', 'base64')
}

async function logOn(form: Form, client: LineClient, logon: ClientLogon, isInitial = false): Promise<string> {
  const challenge = await begin(form, client, isInitial)
  const message = authenticateMessage(negotiate, challenge, logon).toString('base64')
  client.send(`${form.response(message)}\r\n`)
  return (await client.line()) ?? '(end)'
}

const lastSession = (): SessionRecord => lab.sessions().at(-1) as SessionRecord

describe.each(forms)('$name', (form) => {
  test.each([...(form.withInitial === undefined ? [] : [true]), false])(
    'logs on, initial response: %s',
    async (initial) => {
      using client = await open(form)
      expect(await logOn(form, client, right, initial)).toMatch(form.succeeds)
      const { user, transcript } = lastSession()
      expect(user).toBe('alice')
      expect(transcript).toContainEqual(
        expect.objectContaining({ kind: 'note', text: 'NTLM: NTLMv2, user LAB\\alice, workstation PC1' }),
      )
      // Neither the response nor what an attacker could try passwords against.
      expect(JSON.stringify(transcript)).not.toContain('TlRMTVNTUAAD')
    },
  )

  test('refuses a wrong password and an unknown user with the same text, and goes on', async () => {
    using client = await open(form)
    const refused = form.fails('unknown user name or bad password')
    expect(await logOn(form, client, { ...right, password: 'wrong' })).toBe(refused)
    expect(await logOn(form, client, { ...right, user: 'nobody' })).toBe(refused)
    expect(await logOn(form, client, right)).toMatch(form.succeeds)
  })

  test('refuses what is no message of NTLM', async () => {
    using client = await open(form)
    for (const [message, reply] of [
      ['no base64', form.notBase64],
      [base64('NTLMSSP'), form.fails('malformed NTLM message')],
      [base64('hello'), form.fails('malformed NTLM message')],
    ] as const) {
      client.send(`${form.start}\r\n`)
      expect(await client.line()).toBe(form.asks)
      client.send(`${form.response(message)}\r\n`)
      expect(await client.line()).toBe(reply)
    }
    expect(await logOn(form, client, right)).toMatch(form.succeeds)
  })
})

test('every protocol announces NTLM', async () => {
  const [smtp, pop3, imap4, nntp] = (['smtp', 'pop3', 'imap4', 'nntp'] as const).map(
    (protocol) => forms.find((form) => form.protocol === protocol) as Form,
  )
  const asked = async (
    form: Form | undefined,
    command: string,
    isLast: (line: string) => boolean,
  ): Promise<string[]> => {
    const client = await open(form as Form)
    client.send(`${command}\r\n`)
    const lines = await client.lines(isLast)
    client.destroy()
    return lines
  }
  const isDot = (line: string): boolean => line === '.'
  expect(await asked(smtp, 'EHLO me', (line) => line.startsWith('250 '))).toContain('250-AUTH NTLM')
  // Outlook Express asks so.
  expect(await asked(pop3, 'AUTH', isDot)).toEqual([expect.stringMatching(/^\+OK/), 'NTLM', '.'])
  expect(await asked(pop3, 'CAPA', isDot)).toContain('SASL NTLM')
  expect((await asked(imap4, 'a CAPABILITY', (line) => line.startsWith('a ')))[0]).toMatch(/ AUTH=NTLM /)
  expect(await asked(nntp, 'CAPABILITIES', isDot)).toContain('SASL NTLM')
  expect(await asked(nntp, 'AUTHINFO GENERIC', isDot)).toEqual([expect.stringMatching(/^281 /), 'NTLM', '.'])
})

test('AUTHINFO GENERIC refuses other authenticators, arguments, and a second log-on', async () => {
  const form = forms.at(-1) as Form
  using client = await open(form)
  for (const [command, reply] of [
    ['AUTHINFO GENERIC KERBEROS', /^503 /],
    [`AUTHINFO GENERIC NTLM ${negotiateText}`, /^501 /],
    ['AUTHINFO GENERIC NTLM\r\n*', /^381 /],
  ] as const) {
    client.send(`${command}\r\n`)
    expect(await client.line()).toMatch(reply)
  }
  expect(await client.line()).toMatch(/^502 /)
  expect(await logOn(form, client, right)).toMatch(/^281 /)
  client.send('AUTHINFO GENERIC NTLM\r\n')
  expect(await client.line()).toMatch(/^502 /)
})
