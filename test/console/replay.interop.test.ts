import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canReplay, replayOf } from '../../console/src/pages/sessions/replay.ts'
import { HttpLab } from '../servers/http/client.ts'
import { LineClient } from '../support/line-client.ts'
import { runProgram } from '../support/run-program.ts'

const library = new URL('../../dist/src/testing/index.js', import.meta.url).href

describe('a session that is copied as a test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'))
  let http: HttpLab
  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
      virtualServers: [
        { protocol: 'smtp' },
        { protocol: 'smtp', name: 'strict', requireSecureChannel: true },
        { protocol: 'imap4' },
        { protocol: 'pop3' },
        { protocol: 'http' },
      ],
    })
  })
  afterAll(async () => {
    await http?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  /** Copies the latest session of a protocol that has ended, and runs it. */
  async function replay(protocol: string): Promise<string> {
    const ended = async () => (await http.request(`sessions?protocol=${protocol}&open=false`)).body.items
    await expect.poll(async () => (await ended()).length).toBeGreaterThan(0)
    const [{ id }] = await ended()
    const session = (await http.request(`sessions/${id}`)).body
    const { items } = (await http.request('virtual-servers')).body
    const server = items.find(({ name }: { name: string }) => name === session.virtualServer)
    expect(canReplay(session, session.transcript)).toBe(true)
    const file = join(folder, `${id}.test.mjs`)
    writeFileSync(file, replayOf(session, session.transcript, server).replace("'sealpost'", `'${library}'`))
    const { status, stdout, stderr } = await runProgram(process.execPath, ['--test', file], { input: '' })
    expect(status, stdout + stderr).toBe(0)
    return stdout
  }

  it('sends a message with STARTTLS and a log-on again', async () => {
    const transport = createTransport({ ...http.lab.nodemailer('bob'), authMethod: 'CRAM-MD5' })
    await transport.sendMail({ from: 'bob@lab.test', to: 'alice@lab.test', subject: "It's here", text: 'Hello' })
    transport.close()
    expect(await replay('smtp')).toContain('smtp: the same replies')
  })

  it('is refused again by a virtual server that requires a secure channel', async () => {
    const client = await LineClient.open(http.lab.server('strict').port ?? 0)
    client.send('EHLO app.test\r\nMAIL FROM:<app@app.test>\r\nQUIT\r\n')
    await client.rest()
    expect(await replay('smtp')).toMatch(/smtp: .*(?:TLS|secure)/i)
  })

  it('logs on with a wrong password again, over TLS from the start', async () => {
    const imap = new ImapFlow({ ...http.lab.imapflow('bob'), auth: { user: 'bob', pass: 'guess' }, logger: false })
    await expect(imap.connect()).rejects.toThrow()
    expect(await replay('imap4')).toMatch(/imap4: NO .*Logon failure/)
  })

  it('reads a mailbox again', async () => {
    const client = await LineClient.open(http.lab.server('pop3').port ?? 0)
    client.send('USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n')
    await client.rest()
    expect(await replay('pop3')).toContain('pop3: the same replies')
  })

  it('runs nothing that a client has sent', async () => {
    const wrong = Buffer.from('\0alice\0guess').toString('base64')
    const pop3 = await LineClient.open(http.lab.server('pop3').port ?? 0)
    pop3.send(`USER '+process.exit(7)+'\r\nAUTH PLAIN ${wrong}\r\n'+process.exit(7)+'\\\r\nQUIT\r\n`)
    await pop3.rest()
    await replay('pop3')
    const smtp = await LineClient.open(http.lab.server('smtp').port ?? 0)
    smtp.send('EHLO app.test\r\nMAIL FROM:<a@app.test> \u2028process.exit(7)\u2029//=1\r\nQUIT\r\n')
    await smtp.rest()
    await replay('smtp')
  })
})
