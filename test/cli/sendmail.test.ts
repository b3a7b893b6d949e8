import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { mainFile, type SealpostResult, type StartedLab, Workplace } from '../support/sealpost.ts'
import { isThorough } from '../support/thorough.ts'

const place = new Workplace()
let lab: StartedLab

beforeAll(async () => {
  place.write(
    'lab.yaml',
    `
domain: lab.test
store: memory
certificates: { store: memory, key: p256 }
directory: { accounts: [{ user: alice, password: secret }, { user: bob, password: secret }] }
access:
  tokens: [{ name: ci, role: administrator, token: sealpost-sendmail-test-token }]
virtualServers:
  - { protocol: smtp, port: 0, authentication: [basic-over-tls], requireSecureChannel: true, relay: deny }
  - { name: open, protocol: smtp, port: 0 }
  - { protocol: http, port: 0, tlsPort: 0, authentication: [basic] }
`,
  )
  lab = await place.start(['--config', 'lab.yaml'])
})
afterAll(() => lab?.[Symbol.asyncDispose]())

const HELLO = 'Subject: hello\n\nhello\n'

/** Runs `sealpost sendmail ARGS` in this process. */
const sendmail = (
  args: readonly string[],
  input = HELLO,
  env: Readonly<Record<string, string>> = {},
): Promise<SealpostResult> => place.runHere(['sendmail', ...args], { input, env })

/** Runs `sealpost sendmail ARGS` as other programs start it. */
const sendmailProcess = (args: readonly string[], input = HELLO): Promise<ProgramResult> =>
  runProgram(process.execPath, [mainFile, 'sendmail', ...args], {
    input: Buffer.from(input),
    cwd: place.folder,
    env: place.environment() as Record<string, string>,
  })

async function sealpost(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await place.run([...args, '--config', 'lab.yaml'])
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

interface Shown {
  readonly id: string
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  readonly session: string
}

/** Returns the latest message as JSON and as it was received, without the trace fields. */
async function latest(): Promise<{ shown: Shown; raw: string }> {
  const shown = JSON.parse(await sealpost('mail', 'show', '--json')) as Shown
  const raw = await sealpost('mail', 'show', '--raw', shown.id)
  return { shown, raw: raw.replace(/^Return-Path:.*\r\nReceived:.*\r\n(?:\t.*\r\n)+/, '') }
}

const sent = { status: 0, stdout: '', stderr: '' }

describe('sealpost sendmail', () => {
  test('takes the recipients of the header with -t, removes Bcc and completes names', async () => {
    const input =
      'To: Alice <alice>, out@example.org\nSubject: =?UTF-8?Q?x?=\nBcc: bob@lab.test\n\n.dot\nGr\u00fc\u00dfe\n'
    expect(await sendmailProcess(['-t', '-i', '-fwww@shop.test', '-oem'], input)).toEqual(sent)
    const { shown, raw } = await latest()
    expect(shown.envelope).toMatchObject({ from: 'www@shop.test', to: expect.arrayContaining(['alice@lab.test']) })
    expect(raw).toMatch(
      /^Date: .+\r\nFrom: www@shop\.test\r\nMessage-ID: <.+@lab\.test>\r\nTo: Alice <alice>, out@example\.org\r\nSubject: .*\r\n\r\n\.dot\r\n/,
    )
    expect(raw).not.toContain('bob')
    const mailboxes = (await sealpost('mail', 'list')).split('\n').map((line) => line.split(/ {2,}/)[2] ?? '')
    expect(
      mailboxes
        .slice(1, 4)
        .map((name) => name.split(':')[0])
        .sort(),
    ).toEqual(['alice', 'bob', 'captured'])
  })

  test('adds the header that a script leaves out, and ends at a dot without -i', async () => {
    expect(await sendmail(['-F', 'Jörg', '-f', '<>', 'alice'], 'only text\n.\nnot sent\n')).toEqual(sent)
    const { raw, shown } = await latest()
    expect(shown.envelope.from).toBe('')
    expect(raw).toMatch(
      /^Date: .+\r\nFrom: =\?UTF-8\?B\?SsO2cmc=\?= <MAILER-DAEMON@lab\.test>\r\nTo: undisclosed-recipients:;\r\nMessage-ID: .+\r\n\r\nonly text\r\n$/,
    )
  })

  test('the session shows who submitted, without TLS and log-on, even where clients need both', async () => {
    expect(await sendmail(['--virtual-server', 'Default SMTP Virtual Server', 'outside@example.org'])).toEqual(sent)
    const { shown } = await latest()
    const transcript = await sealpost('sessions', shown.session)
    expect(transcript).toContain('Default SMTP Virtual Server')
    expect(transcript).toContain('submitted by sealpost sendmail of the user')
    expect(transcript).toContain('*C: RCPT TO:<outside@example.org>')
    expect(transcript).not.toContain('STARTTLS')
  })

  test('asks for delivery reports', async () => {
    expect(await sendmailProcess(['-N', 'success', '-R', 'hdrs', '-V', 'a+b', '-f', 'alice', 'bob'])).toEqual(sent)
    const { raw } = await latest()
    expect(raw).toContain('report-type=delivery-status')
    expect(raw).toContain('Original-Envelope-Id: a+b')
  })

  test('sends to nobody if one recipient is refused', async () => {
    const { status, stderr } = await sendmailProcess(['alice', 'nobody'], 'Subject: refused\n\nx\n')
    expect(status).toBe(67)
    expect(stderr).toMatch(
      /^sendmail: nobody@lab\.test: 550 5\.1\.1 .*the other recipients do not get the message either\n$/,
    )
    expect(await sealpost('mail', 'list')).not.toContain('refused')
  })

  test.each([
    [['-t'], 'Subject: x\n\nx\n', 65, 'the message has no recipient in To, Cc or Bcc; add one'],
    [['-t'], 'To: alice bob@lab.test\n\nx\n', 65, 'To: has an address that cannot be read: alice bob@lab.test'],
    [[], '', 64, 'there is no recipient; name one as an argument'],
    [['--virtual-server', 'x', 'alice'], '', 69, 'there are: Default SMTP Virtual Server, open'],
    [['--config', 'other.yaml', 'alice'], '', 69, 'no lab of other.yaml is running under your user'],
  ])('%j is refused with a reason', async (args, input, status, reason) => {
    const result = await sendmail(args, input)
    expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(/^sendmail: .*\n$/) })
    expect(result.stderr).toContain(reason)
  })

  test.each([
    [['-Z', 'alice'], 'unknown option -Z'],
    [['--what', 'alice'], 'unknown option --what'],
    [['-bd'], 'start the lab with: sealpost start'],
    [['-bx'], '-bx is not supported'],
    [['alice', '-f', 'bob'], 'options must come before the recipients: -f'],
    [['-N', 'sometimes', 'alice'], '-N takes never'],
    [['-R', 'some', 'alice'], '-R takes full or hdrs'],
    [['-itf'], '-f needs an argument'],
  ])('%j is a wrong use', async (args, reason) => {
    const result = await place.run(['sendmail', ...args])
    expect(result).toMatchObject({ status: 64, stdout: '' })
    expect(result.stderr).toContain(reason)
  })

  test('-bs speaks SMTP on standard input and output', async () => {
    const input =
      'EHLO here\r\nMAIL FROM:<alice@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\nSubject: by -bs\r\n\r\nx\r\n.\r\nQUIT\r\n'
    const { status, stdout, stderr } = await sendmailProcess(['-bs'], input)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^220 [^]*\r\n250 2\.0\.0 OK: queued as .*\r\n221 2\.0\.0 Bye\r\n$/)
    expect((await latest()).raw).toBe('Subject: by -bs\r\n\r\nx\r\n')
  })

  test.runIf(isThorough)('-bv checks recipients, and the modes of mail servers that need nothing end', async () => {
    expect(await sendmail(['-bv', 'alice'])).toEqual({ ...sent, stdout: 'alice@lab.test: 250 2.1.5 Accepted\n' })
    // The arguments of options that are ignored: getopt's list of sendmail 8.18.
    const separate = [
      '-A',
      'c',
      '-C',
      'cf',
      '-D',
      'log',
      '-e',
      'm',
      '-h',
      '3',
      '-L',
      'tag',
      '-M',
      'x',
      '-p',
      'SMTP:a',
      '-X',
      'log',
    ]
    expect((await sendmail([...separate, '-cT', '-bv', 'alice'])).stdout).toBe('alice@lab.test: 250 2.1.5 Accepted\n')
    expect(await sendmail(['-bv', 'nobody'])).toMatchObject({ status: 67 })
    expect(await sendmail(['-bi'])).toEqual(sent)
    expect(await sendmail(['-q30m'])).toEqual(sent)
    const lab = ['--config', 'lab.yaml']
    expect(await sendmail([...lab, '-bp'])).toMatchObject({ status: 0, stderr: 'The queue is empty.\n' })
    expect(await sendmail([...lab, '-q'])).toMatchObject({ status: 0, stdout: 'Tried 0 messages.\n', stderr: '' })
    expect(await sendmail(['--config', 'other.yaml', '-q'])).toMatchObject({ status: 69 })
    expect((await sendmail(['--help'])).stdout).toContain('--smtp, -S HOST[:PORT]')
  })

  test('submits by TCP and by HTTP', async () => {
    const open = lab.endpoints.find(({ virtualServer }) => virtualServer === 'open')
    const smtp = `127.0.0.1:${open?.port}`
    expect(await sendmail(['alice@lab.test'], 'Subject: by TCP\n\nx\n', { SEALPOST_SMTP: smtp })).toEqual(sent)
    expect((await latest()).raw).toContain('Subject: by TCP')
    expect(await sendmail(['-S', `127.0.0.1:${lab.endpoint('smtp').port}`, 'alice@lab.test'])).toMatchObject({
      status: 77,
      stderr: expect.stringContaining('530 5.7.0 Must issue a STARTTLS command first'),
    })
    const url = `http://127.0.0.1:${lab.endpoint('http').port}`
    expect(await sendmail(['--url', url, 'alice@lab.test'], 'Subject: refused\n\nx\n')).toMatchObject({ status: 77 })
    const token = { SEALPOST_TOKEN: 'sealpost-sendmail-test-token' }
    expect(await sendmail(['--url', url, '-fa@b.test', 'bob@lab.test'], 'Subject: by HTTP\n\nx\n', token)).toEqual(sent)
    expect((await latest()).shown.envelope).toEqual({ from: 'a@b.test', to: ['bob@lab.test'] })
  })

  test('says to try again later if the connection breaks, and that no lab runs', async () => {
    const server = createServer((socket) => socket.end('220 here ESMTP\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await sendmail(['-S', `127.0.0.1:${port}`, 'alice@lab.test'])).toMatchObject({ status: 75 })
    server.close()
    const elsewhere = { TMPDIR: place.write('empty', '') }
    expect(await sendmail(['alice'], '', elsewhere)).toEqual({
      status: 69,
      stdout: '',
      stderr: expect.stringContaining('start one with: sealpost start'),
    })
  })
})
