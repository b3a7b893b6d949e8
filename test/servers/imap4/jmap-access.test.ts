import { expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { HttpLab } from '../http/client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  mail: { captured: { folder: 'all', readers: ['alice'] } },
  virtualServers: [
    { protocol: 'imap4' },
    { protocol: 'imap4', name: 'captured', maildrop: 'captured' },
    { protocol: 'http', name: 'without', jmap: 'off' },
    { protocol: 'http', name: 'with' },
  ],
})

/** Sends commands to an IMAP4 server, after a log-on. Returns all lines of the answers. */
async function linesOf(port: number | undefined, ...commands: string[]): Promise<string[]> {
  using client = await LineClient.greeted(port ?? 0)
  const lines: string[] = []
  for (const [at, command] of commands.entries()) {
    client.send(`${at} ${command}\r\n`)
    do lines.push((await client.line()) ?? '(end)')
    while (!/^(?:\d+ |\(end\))/.test(lines.at(-1) ?? ''))
  }
  return lines
}
const LOG_ON = 'LOGIN alice secret'

it('RFC 9698: GETJMAPACCESS names the session object of the virtual server that offers JMAP', async () => {
  const { port } = http.lab.server('imap4')
  const [before, , loggedOn, after, , response, done] = await linesOf(
    port,
    ...['CAPABILITY', LOG_ON, 'CAPABILITY', 'GETJMAPACCESS'],
  )
  expect(before).not.toContain('JMAPACCESS')
  expect(loggedOn).toContain(' JMAPACCESS')
  expect(after).toContain(' JMAPACCESS')
  expect(done).toBe('3 OK GETJMAPACCESS completed')
  const url = new URL(/^\* JMAPACCESS "(http.*)"$/.exec(response ?? '')?.[1] ?? '')
  expect(url.port).toBe(String(http.lab.server('with').tlsPort ?? http.lab.server('with').port))
  const headers = { authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` }
  const session = await fetch(`http://127.0.0.1:${http.lab.server('with').port}${url.pathname}`, { headers })
  expect(await session.json()).toMatchObject({ username: 'alice' })
})

it('RFC 9698: GETJMAPACCESS needs a log-on', async () => {
  const lines = await linesOf(http.lab.server('imap4').port, 'GETJMAPACCESS')
  expect(lines).toEqual([expect.stringMatching(/^0 BAD /)])
})

it('RFC 9698: JMAPACCESS is not announced where INBOX is captured mail, or nothing offers JMAP', async () => {
  await using other = await HttpLab.start({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'imap4' }, { protocol: 'http', jmap: 'off' }],
  })
  for (const { port } of [http.lab.server('captured'), other.lab.server('imap4')]) {
    const [loggedOn, refused] = await linesOf(port, LOG_ON, 'GETJMAPACCESS')
    expect(loggedOn).toMatch(/^0 OK \[CAPABILITY /)
    expect(loggedOn).not.toContain('JMAPACCESS')
    expect(refused).toBe('1 BAD JMAP is not available.')
  }
})
