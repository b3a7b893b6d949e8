import nodemailer from 'nodemailer'
import { expect, test } from 'vitest'
import type { LabInput, PersonalityName, VirtualServerInput } from '../../../src/core/config/schema.ts'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { session } from './support.ts'

type Refusal = NonNullable<VirtualServerInput['refusesPasswords']>

const start = (personality: PersonalityName, refusesPasswords?: Refusal, more: LabInput = {}): Promise<TestLab> =>
  startLab({
    personality,
    hostname: 'mail.lab.test',
    directory: {
      accounts: [{ user: 'alice', password: 'secret', appPasswords: [{ name: 'printer', password: 'abcd efgh' }] }],
    },
    virtualServers: (['smtp', 'pop3', 'imap4'] as const).map((protocol) => ({
      protocol,
      ...(refusesPasswords ? { refusesPasswords } : {}),
    })),
    ...more,
  })

/** Sends a message with nodemailer. Returns the last reply, of an error too. */
async function send(lab: TestLab, auth: object): Promise<string> {
  const transport = nodemailer.createTransport({ ...lab.nodemailer(), auth })
  const message = { from: 'alice@lab.test', to: 'alice@lab.test', subject: 'Hi', text: 'Hello' }
  return transport.sendMail(message).then(
    ({ response }) => response,
    (error: { response: string }) => error.response,
  )
}

const password = { user: 'alice', pass: 'secret' }
const token = async (lab: TestLab) => ({
  type: 'OAuth2',
  user: 'alice',
  accessToken: await lab.accessToken({ user: 'alice' }),
})

const BASIC = '550 5.7.30 Basic authentication is not supported for Client Submission.'

test('Microsoft 365 without basic authentication refuses every password, and takes tokens', async () => {
  await using lab = await start('microsoft365', 'basic-authentication')
  expect(await send(lab, password)).toBe(BASIC)
  expect(await send(lab, { user: 'alice', pass: 'wrong' })).toBe(BASIC)
  expect(await send(lab, { user: 'nobody', pass: 'secret' })).toBe(BASIC)
  expect(await send(lab, await token(lab))).toMatch(/^250 2\.0\.0 OK </)
  await session(lab, 'imap4', 'S: * OK *\nC: a LOGIN alice secret\nS: a NO LOGIN failed.')
  await session(
    lab,
    'pop3',
    'S: +OK *\nC: USER alice\nS: +OK\nC: PASS secret\nS: -ERR Logon failure: unknown user name or bad password.',
  )
})

test('Microsoft 365 refuses passwords for SMTP from the end of December 2026, by the clock of the lab', async () => {
  await using lab = await start('microsoft365')
  await lab.clock.moveTo('2026-12-30T23:59:00Z')
  expect(await send(lab, password)).toMatch(/^250 /)
  await lab.clock.moveTo('2026-12-31T00:00:00Z')
  expect(await send(lab, password)).toBe(BASIC)
  expect(await send(lab, await token(lab))).toMatch(/^250 /)
  await session(lab, 'imap4', 'S: * OK *\nC: a LOGIN alice secret\nS: a OK *')
})

test('an administrator of Microsoft 365 can turn passwords on again', async () => {
  await using lab = await start('microsoft365', 'never')
  await lab.clock.moveTo('2027-01-02')
  expect(await send(lab, password)).toMatch(/^250 /)
})

test.each([
  [
    'smtp-auth-disabled',
    'SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled',
  ],
  ['security-defaults', "user is locked by your organization's security defaults policy."],
] as const)('Microsoft 365 with %s', async (refusal, text) => {
  await using lab = await start('microsoft365', refusal)
  expect(await send(lab, password)).toContain(`535 5.7.139 Authentication unsuccessful, ${text}`)
  expect(await send(lab, await token(lab))).toMatch(/^250 /)
})

test('Gmail takes application-specific passwords and tokens only', async () => {
  await using lab = await start('gmail', 'application-password')
  expect((await send(lab, password)).split('\n')).toEqual([
    '534-5.7.9 Application-specific password required. For more information, go to',
    expect.stringMatching(/^534 5\.7\.9 {2}https:\/\/support\.google\.com\/mail\/\?p=InvalidSecondFactor \S+ - gsmtp$/),
  ])
  expect(await send(lab, { user: 'alice', pass: 'wrong' })).toMatch(/^535 5\.7\.8 /)
  expect(await send(lab, { user: 'alice', pass: 'abcd efgh' })).toMatch(/^250 /)
  expect(await send(lab, await token(lab))).toMatch(/^250 /)
  const text = 'Application-specific password required: https://support.google.com/accounts/answer/185833'
  await session(lab, 'imap4', `S: * OK *\nC: a LOGIN alice secret\nS: a NO [ALERT] ${text} (Failure)`)
  await session(lab, 'pop3', `S: +OK *\nC: USER alice\nS: +OK *\nC: PASS secret\nS: -ERR [AUTH] ${text}`)
})

test('the server has the same codes in its own words', async () => {
  await using lab = await start('sealpost', 'basic-authentication')
  expect(await send(lab, password)).toBe('550 5.7.30 Authentication failed: passwords are no longer accepted')
  await session(lab, 'imap4', 'S: * OK *\nC: a LOGIN alice secret\nS: a NO [AUTHENTICATIONFAILED] *no longer accepted*')
  await session(lab, 'pop3', 'S: +OK *\nC: USER alice\nS: +OK *\nC: PASS secret\nS: -ERR [AUTH] *no longer accepted*')
})

const unauthenticated = (start: string, code: string, last: string): string[] => [
  `${code}-${start}`,
  `${code}-${last} Gmail requires all senders to authenticate with either SPF or DKIM.`,
]

test.each([
  ['refuse-unauthenticated', '550', '5.7.26', 'Your email has been blocked because the sender is unauthenticated.'],
  ['defer-unauthenticated', '421', '4.7.26', 'Your email has been rate limited because the sender is unauthenticated.'],
] as const)('Gmail answers mail that nothing authenticates: %s', async (onFailure, code, status, start) => {
  await using lab = await startLab({
    personality: 'gmail',
    virtualServers: [{ protocol: 'smtp' }],
    mail: {
      authentication: {
        check: 'on-arrival',
        onFailure,
        records: { 'good.test': { txt: ['v=spf1 ip4:127.0.0.1 -all'] } },
      },
    },
  })
  const from = async (sender: string): Promise<string> => {
    const transport = nodemailer.createTransport({ ...lab.nodemailer(), auth: undefined })
    return transport.sendMail({ from: sender, to: 'alice@lab.test', subject: 'Hi', text: 'Hello' }).then(
      ({ response }) => response,
      (error: { response: string }) => error.response,
    )
  }
  expect(await from('a@good.test')).toMatch(/^250 /)
  const lines = (await from('a@none.test')).split('\n')
  expect(lines.slice(0, 2)).toEqual(unauthenticated(`${status} ${start}`, code, status))
  expect(lines).toContain(`${code}-${status}  SPF [none.test] with ip: [127.0.0.1] = did not pass`)
  expect(lines.at(-1)).toMatch(/#authentication \S+ - gsmtp$/)
})

test('Gmail limits how much a sender may send', async () => {
  const mail = (lab: TestLab, reply: string) =>
    session(
      lab,
      'smtp',
      `S: 220 *\nC: HELO client.test\nS: 250 *\nC: MAIL FROM:<a@good.test>\nS: 250 *\nC: RSET\nS: 250 *\nC: MAIL FROM:<a@good.test>\n${reply}`,
    )
  const limited = (exceeded?: 'disconnect') =>
    startLab({
      personality: 'gmail',
      virtualServers: [
        { protocol: 'smtp', limits: { rate: { messages: 1, per: '1h', ...(exceeded ? { exceeded } : {}) } } },
      ],
    })
  await using closing = await limited('disconnect')
  await mail(
    closing,
    'S: 421-4.7.28 [127.0.0.1] Our system has detected an unusual rate of\nS: 421-4.7.28 unsolicited mail originating from your IP address. To protect our',
  )
  await using slow = await limited()
  await mail(slow, 'S: 450-4.2.1 The user you are trying to contact is receiving mail at a rate that')
})
