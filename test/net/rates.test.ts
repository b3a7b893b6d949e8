import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import { Rates } from '../../src/net/rates.ts'
import { type LabInput, startLab, type TestLab } from '../../src/testing/index.ts'
import { LineClient } from '../support/line-client.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

type Limits = NonNullable<NonNullable<LabInput['virtualServers']>[number]['limits']>

const startRated = (rate: Limits['rate'], protocol: 'smtp' | 'pop3' | 'imap4' | 'nntp' = 'smtp') =>
  startLab({ virtualServers: [{ protocol, limits: { rate } }] })

/** Sends messages by nodemailer over one connection. Returns the code of each final reply. */
async function send(lab: TestLab, count: number, user?: string): Promise<string[]> {
  const transport = createTransport({ ...lab.nodemailer(user), pool: true, maxConnections: 1 })
  const replies = []
  for (let n = 0; n < count; n++) {
    replies.push(
      await transport.sendMail({ from: 'a@lab.test', to: 'bob@lab.test', text: 'x' }).then(
        ({ response }) => response.slice(0, 3),
        (error: { response?: string }) => error.response?.slice(0, 9) ?? String(error),
      ),
    )
  }
  transport.close()
  return replies
}

describe('messages', () => {
  it('nodemailer gets 450 4.7.1 until the time is over', async () => {
    await using lab = await startRated({ messages: 2, per: '1h' })
    expect(await send(lab, 3)).toEqual(['250', '250', '450 4.7.1'])
    await lab.clock.advance('59m')
    expect(await send(lab, 1)).toEqual(['450 4.7.1'])
    await lab.clock.advance('1m')
    expect(await send(lab, 3)).toEqual(['250', '250', '450 4.7.1'])
    expect((await lab.waitForSession({ refused: '450 4.7.1' })).protocol).toBe('smtp')
    await lab.reset()
    expect(await send(lab, 1)).toEqual(['250'])
  })

  it('by account, which is the default: accounts have their own share, other clients that of their address', async () => {
    await using lab = await startRated({ messages: 1, per: '1h' })
    expect(await send(lab, 2, 'alice')).toEqual(['250', '450 4.7.1'])
    expect(await send(lab, 2, 'bob')).toEqual(['250', '450 4.7.1'])
    expect(await send(lab, 2)).toEqual(['250', '450 4.7.1'])
  })

  it('by address: all accounts together', async () => {
    await using lab = await startRated({ messages: 1, per: '1h', by: 'address' })
    expect(await send(lab, 1, 'alice')).toEqual(['250'])
    expect(await send(lab, 1, 'bob')).toEqual(['450 4.7.1'])
  })

  it('by connection: a new connection starts again', async () => {
    await using lab = await startRated({ messages: 1, per: '1h', by: 'connection' })
    expect(await send(lab, 2)).toEqual(['250', '450 4.7.1'])
    expect(await send(lab, 2)).toEqual(['250', '450 4.7.1'])
  })

  test.skipIf(!needs('swaks'))('exceeded: disconnect: swaks gets 421 4.7.0, and the connection closes', async () => {
    await using lab = await startRated({ messages: 0, exceeded: 'disconnect' })
    const { port } = lab.server('smtp')
    const { status, stdout } = await runProgram('swaks', ['--server', `127.0.0.1:${port}`, '--to', 'bob@lab.test'])
    expect(status).toBe(23) // MAIL was refused
    expect(stdout).toContain('<** 421 4.7.0 Error: too much mail')
    const client = await LineClient.open(port)
    client.send('EHLO me\r\nMAIL FROM:<a@lab.test>\r\nNOOP\r\n')
    expect((await client.rest()).at(-1)).toMatch(/^421 4\.7\.0 /)
  })

  it('a reload changes the limit, and what was counted stays', async () => {
    const server = (messages: number) => ({
      virtualServers: [{ protocol: 'smtp' as const, limits: { rate: { messages } } }],
    })
    await using lab = await startLab(server(1))
    expect(await send(lab, 2)).toEqual(['250', '450 4.7.1'])
    await lab.reload(server(2))
    expect(await send(lab, 2)).toEqual(['250', '450 4.7.1'])
  })
})

describe('connections', () => {
  it.each([
    ['smtp', /^421 4\.7\.0 /],
    ['pop3', /^-ERR /],
    ['imap4', /^\* BYE \[LIMIT\] /],
    ['nntp', /^400 /],
  ] as const)('%s: the next connection of the address is refused until the time is over', async (protocol, refusal) => {
    await using lab = await startRated({ connections: 1, per: '1h' }, protocol)
    const greeting = async (): Promise<string> => {
      const client = await LineClient.open(lab.server(protocol).port)
      const line = (await client.line()) ?? ''
      client.destroy()
      return line
    }
    expect(await greeting()).not.toMatch(refusal)
    expect(await greeting()).toMatch(refusal)
    await lab.clock.advance('1h')
    expect(await greeting()).not.toMatch(refusal)
  })

  test.skipIf(!needs('curl'))('curl reports the refusal under TLS', async () => {
    await using lab = await startRated({ connections: 1 }, 'imap4')
    const fetch = () => runProgram('curl', ['-sSk', '-u', 'bob:x', `imaps://127.0.0.1:${lab.server('imap4').tlsPort}/`])
    expect([(await fetch()).status, (await fetch()).status]).toEqual([0, 8])
  })
})

test('a clock that is put back does not prolong the time, and old sources are forgotten', () => {
  let now = 1_000_000
  const rates = new Rates({ now: () => now })
  const limit = { count: 1, perMs: 3_600_000 }
  expect([rates.take('a', limit), rates.take('a', limit)]).toEqual([true, false])
  now = 0
  expect(rates.take('a', limit)).toBe(true)
  for (let n = 0; n < 2_000; n++) expect(rates.take(`b${n}`, limit)).toBe(true)
  expect(rates.take('a', limit)).toBe(false)
})

it.each([
  [
    'pop3',
    { messages: 1 },
    'virtualServers[0].limits.rate.messages: only smtp, lmtp, JMAP and the APIs of providers count messages; on pop3, limit connections',
  ],
  ['smtp', { mesages: 1 }, /limits\.rate\.mesages: unknown key; did you mean messages\?/],
] as const)('%s %j is a mistake', async (protocol, rate, message) => {
  await expect(startRated(rate as Limits['rate'], protocol)).rejects.toThrow(message)
})
