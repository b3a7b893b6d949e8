import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { type ClientLab, startClientLab } from '../support/client-lab.ts'
import { DEBIAN_PYTHON, needs } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

let client: ClientLab
let lab: TestLab
let folder: string
let caFile: string
beforeAll(async () => {
  client = await startClientLab()
  ;({ lab, folder, caFile } = client)
  writeFileSync(
    join(folder, 'mail.eml'),
    'From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: By token\r\n\r\nHello\r\n',
  )
  await lab.deliver({ subject: 'For Alice' }, 'alice')
})
afterAll(() => client[Symbol.asyncDispose]())

/** Returns the user of the latest session, and why it was refused. */
function latest(): { user: string | undefined; refusals: readonly string[] } {
  const { user, refusals = [] } = lab.sessions().at(-1) ?? {}
  return { user, refusals }
}

describe.skipIf(!needs('curl'))('curl --oauth2-bearer', () => {
  const curl = (token: string, ...args: readonly string[]): Promise<ProgramResult> =>
    runProgram('curl', ['-sS', '--cacert', caFile, '--user', 'alice:', '--oauth2-bearer', token, ...args])
  const calls = {
    smtp: () => [
      `smtp://localhost:${lab.server('smtp').port}`,
      ...['--ssl-reqd', '--mail-from', 'alice@lab.test', '--mail-rcpt', 'bob@lab.test'],
      ...['--upload-file', join(folder, 'mail.eml')],
    ],
    imap4: () => [`imaps://localhost:${lab.server('imap4').tlsPort}/INBOX;MAILINDEX=1`],
    pop3: () => [`pop3s://localhost:${lab.server('pop3').tlsPort}/1`],
  } as const
  const mechanisms = ['OAUTHBEARER', 'XOAUTH2'].flatMap((mechanism) =>
    (['smtp', 'imap4', 'pop3'] as const).map((protocol) => ({ protocol, mechanism })),
  )

  test.each(mechanisms)('$protocol by $mechanism', async ({ protocol, mechanism }) => {
    const option = ['--login-options', `AUTH=${mechanism}`]
    const good = await curl(await lab.accessToken({ user: 'alice' }), ...calls[protocol](), ...option)
    expect([good.status, good.stderr]).toEqual([0, ''])
    if (protocol !== 'smtp') expect(good.stdout).toContain('Subject: For Alice')
    expect(latest().user).toBe('alice')

    const expired = await lab.accessToken({ user: 'alice', defect: 'expired' })
    const refused = await curl(expired, ...calls[protocol](), ...option)
    expect(refused.status).toBe(67) // CURLE_LOGIN_DENIED
    expect(latest()).toEqual({
      user: undefined,
      refusals: expect.arrayContaining([`${mechanism}: the access token expired 1 minute ago`]),
    })
  })
})

test.skipIf(!needs('msmtp')).each(['oauthbearer', 'xoauth2'])('msmtp --auth=%s', async (mechanism) => {
  const send = async (token: string): Promise<ProgramResult> =>
    runProgram(
      'msmtp',
      [
        ...['--host=localhost', `--port=${lab.server('smtp').port}`, '--tls=on', '--tls-starttls=on'],
        ...[`--tls-trust-file=${caFile}`, `--auth=${mechanism}`, '--user=alice', `--passwordeval=echo ${token}`],
        ...['--from=alice@lab.test', 'bob@lab.test'],
      ],
      { input: 'Subject: By msmtp\n\nHello\n' },
    )
  const good = await send(await lab.accessToken({ user: 'alice' }))
  expect([good.status, good.stderr]).toEqual([0, ''])
  expect(latest().user).toBe('alice')
  const refused = await send(await lab.accessToken({ user: 'alice', defect: 'revoked' }))
  expect(refused.status).not.toBe(0)
  expect(latest().refusals.join('\n')).toContain('the access token has been revoked')
})

test.skipIf(!needs(DEBIAN_PYTHON))('imaplib of Python, by XOAUTH2', async () => {
  const script = `
import imaplib, ssl, sys
client = imaplib.IMAP4_SSL('localhost', int(sys.argv[1]), ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
client.authenticate('XOAUTH2', lambda challenge: ('user=alice\\1auth=Bearer %s\\1\\1' % sys.argv[3]).encode() if challenge == b'' else b'')
print(client.select('INBOX'))
client.logout()
`
  const run = (token: string): Promise<ProgramResult> =>
    runProgram(DEBIAN_PYTHON, ['-c', script, `${lab.server('imap4').tlsPort}`, caFile, token])
  const good = await run(await lab.accessToken({ user: 'alice' }))
  expect([good.status, good.stdout.trim(), good.stderr]).toEqual([0, "('OK', [b'1'])", ''])
  const refused = await run(await lab.accessToken({ user: 'alice', defect: 'alg-none' }))
  expect(refused.stderr).toContain('AUTHENTICATIONFAILED')
})
