import { expect, test } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { LineClient } from '../support/line-client.ts'

const YEAR_MS = 365 * 24 * 3600 * 1000

test('sessions, waits and the order of mail survive jumps of the clock by a year', async () => {
  await using http = await HttpLab.start({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'http' }, { protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'pop3' }],
  })
  const { lab } = http
  const opened = async (protocol: 'smtp' | 'imap4' | 'pop3', ...lines: readonly string[]): Promise<LineClient> => {
    const client = await LineClient.greeted(lab.server(protocol).port)
    for (const line of lines) {
      client.send(`${line}\r\n`)
      await client.lines((one) => /^(?:250 |\+|\d OK)/.test(one))
    }
    return client
  }
  const reply = async (
    client: LineClient,
    text: string,
    isLast = /^(?:\d{3} |[+-]|\d )/,
  ): Promise<string | undefined> => {
    client.send(text)
    return (await client.lines((line) => isLast.test(line))).at(-1)
  }
  const smtp = await opened('smtp', 'EHLO here')
  const idle = await opened('imap4', '1 LOGIN alice secret', '2 SELECT INBOX', '3 IDLE')
  const pop = await opened('pop3', 'USER alice', 'PASS secret')
  const at = (ms: number): { now: string } => ({ now: new Date(Date.now() + ms).toISOString() })
  const jumps = [at(YEAR_MS), at(-YEAR_MS), at(0), { reset: true }]
  const subjects: string[] = []
  for (const [index, json] of jumps.entries()) {
    const waiting = http.request('wait', { json: { subject: `jump ${index}`, timeout: '60s' } })
    expect((await http.request('clock', { method: 'PATCH', json })).status).toBe(200)
    for (const line of ['MAIL FROM:<a@lab.test>', 'RCPT TO:<alice@lab.test>'])
      expect(await reply(smtp, `${line}\r\n`)).toMatch(/^250 /)
    expect(await reply(smtp, 'DATA\r\n')).toMatch(/^354 /)
    expect(await reply(smtp, `Subject: jump ${index}\r\n\r\nx\r\n.\r\n`)).toMatch(/^250 /)
    expect((await waiting).body.subject).toBe(`jump ${index}`)
    expect((await idle.lines((line) => line.endsWith(' EXISTS'))).at(-1)).toBe(`* ${index + 1} EXISTS`)
    expect(await reply(pop, 'NOOP\r\n')).toMatch(/^\+OK/)
    subjects.unshift(`jump ${index}`)
  }
  // The newest first, whatever the clock said when they arrived.
  const { body } = await http.request('messages')
  expect(body.items.map(({ subject }: { subject: string }) => subject)).toEqual(subjects)
  expect(await reply(idle, 'DONE\r\n')).toMatch(/^3 OK/)
  expect(await reply(idle, '4 UID SEARCH ALL\r\n', /^\* SEARCH/)).toBe('* SEARCH 1 2 3 4')
  for (const client of [smtp, idle, pop]) client.destroy()
})
