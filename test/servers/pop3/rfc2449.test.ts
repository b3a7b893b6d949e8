import { expect, test } from 'vitest'
import { pop3 } from '../../../servers/pop3/session.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { TestClock } from '../../support/test-clock.ts'

async function capabilities(port: number): Promise<string[]> {
  const client = await LineClient.greeted(port)
  client.send('CAPA\r\n')
  const lines = await client.lines((line) => line === '.')
  client.destroy()
  return lines
}

test('RFC 2449 section 6.5: LOGIN-DELAY refuses a log-on that comes too soon after the last one', async () => {
  const clock = new TestClock()
  await using lab = await startMailLab(pop3, { clock, limits: { loginDelay: 90_000 } })
  expect(await capabilities(lab.port)).toContain('LOGIN-DELAY 90')
  const session = async (user: string, password: string, reply: string): Promise<void> => {
    const client = await LineClient.open(lab.port)
    await client.play(
      `S: +OK *\nC: USER ${user}\nS: +OK *\nC: PASS ${password}\nS: ${reply}\nC: QUIT\nS: +OK *\nS: (end)`,
    )
  }
  await session('alice', 'wrong', '-ERR [AUTH] *')
  await session('alice', 'secret', '+OK *')
  await session('alice', 'wrong', '-ERR [AUTH] *')
  await session('alice', 'secret', '-ERR [LOGIN-DELAY] *')
  await session('bob', 'geheim', '+OK *')
  clock.ms += 90_000
  await session('alice', 'secret', '+OK *')
})

test('a log-on while the maildrop is in use does not count for LOGIN-DELAY', async () => {
  const clock = new TestClock()
  await using lab = await startMailLab(pop3, { clock, limits: { loginDelay: 90_000 } })
  const logOn = 'S: +OK *\nC: USER alice\nS: +OK *\nC: PASS secret'
  const first = await LineClient.open(lab.port)
  await first.play(`${logOn}\nS: +OK *`)
  clock.ms += 90_000
  using second = await LineClient.open(lab.port)
  await second.play(`${logOn}\nS: -ERR [IN-USE] *`)
  await first.play('C: QUIT\nS: +OK *\nS: (end)')
  await second.play('C: USER alice\nS: +OK *\nC: PASS secret\nS: +OK *')
})

test.each<[string, LabInput['retention'], string | undefined]>([
  ['without rules', [], 'EXPIRE NEVER'],
  [
    'by age',
    [{ keep: { age: '30d' } }, { folders: 'IN*', keep: { age: '10d' } }, { folders: 'lab.*', keep: { age: '1d' } }],
    'EXPIRE 10',
  ],
  ['within a day', [{ keep: { age: '5h' } }], 'EXPIRE 0'],
  ['by number, which can happen at any time', [{ keep: { age: '30d' } }, { keep: { count: 5 } }], undefined],
])('RFC 2449 section 6.7: EXPIRE %s', async (_, retention = [], expected) => {
  await using lab = await startMailLab(pop3, { config: { retention } })
  const offered = (await capabilities(lab.port)).filter((line) => line.startsWith('EXPIRE'))
  expect(offered).toEqual(expected === undefined ? [] : [expected])
})

test('a log-on that is refused although the password is right counts as none', async () => {
  await using lab = await startMailLab(pop3, { limits: { loginDelay: 90_000, logonTimeout: 3_000 } })
  const logOn = 'S: +OK *\nC: USER alice\nS: +OK *\nC: PASS secret'
  const first = await LineClient.open(lab.port)
  await first.play(`${logOn}\nS: +OK *`)
  const second = await LineClient.open(lab.port)
  await second.play(`${logOn}\nS: -ERR [IN-USE] *`)
  await first.play('C: QUIT\nS: +OK *\nS: (end)')
  await second.play('C: USER alice\nS: +OK *\nC: PASS secret\nS: -ERR [LOGIN-DELAY] *')
  // The time to log on has not ended with the refused attempts.
  await second.play('S: -ERR [SYS/TEMP] No log-on within the time limit.\nS: (end)')
  const { user, refusals } = lab.sessions()[1] ?? {}
  expect(user).toBeUndefined()
  expect(refusals).toEqual([
    '-ERR [IN-USE] The mailbox is in use by another session.',
    '-ERR [LOGIN-DELAY] The last log-on was too recent. Try again later.',
    'no log-on within the time limit (limits.logonTimeout)',
    '-ERR [SYS/TEMP] No log-on within the time limit.',
  ])
})
