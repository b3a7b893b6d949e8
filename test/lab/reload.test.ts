import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { freePort } from '../support/free-ports.ts'
import { LineClient } from '../support/line-client.ts'

const refuses = async (port: number): Promise<boolean> => {
  const socket = connect({ host: '127.0.0.1', port })
  return Promise.race([
    once(socket, 'connect').then(() => !socket.destroy()),
    once(socket, 'error').then(() => true),
  ]).catch(() => true)
}

describe('reload', () => {
  it('applies requireSecureChannel to new connections, while an open one goes on', async () => {
    await using lab = await startLab()
    const before = await LineClient.greeted(lab.server('pop3').port)
    const virtualServers = (['smtp', 'imap4', 'nntp'] as const).map((protocol) => ({ protocol }))
    await lab.reload({ virtualServers: [...virtualServers, { protocol: 'pop3', requireSecureChannel: true }] })
    before.send('USER bob\r\n')
    expect(await before.line()).toMatch(/^\+OK/)
    const after = await LineClient.greeted(lab.server('pop3').port)
    after.send('USER bob\r\n')
    expect(await after.line()).toMatch(/^-ERR \[AUTH\].*STLS/)
    for (const client of [before, after]) client.destroy()
  })

  it('keeps automatic ports, opens and closes others, and moves a port between virtual servers', async () => {
    const [one, two] = [await freePort(), await freePort()]
    await using lab = await startLab({
      virtualServers: [
        { protocol: 'smtp', port: one, tlsPort: 'off' },
        { protocol: 'pop3', port: two, tlsPort: 'off' },
      ],
    })
    await lab.reload({
      virtualServers: [
        { protocol: 'smtp', port: two, tlsPort: 'off' },
        { protocol: 'pop3', port: one, tlsPort: 'off' },
        { protocol: 'nntp' },
      ],
    })
    expect((await (await LineClient.open(two)).line())?.startsWith('220')).toBe(true)
    expect((await (await LineClient.open(one)).line())?.startsWith('+OK')).toBe(true)
    const { port } = lab.server('nntp')
    await lab.reload({ virtualServers: [{ protocol: 'nntp' }] })
    expect(lab.server('nntp').port).toBe(port)
    expect(await Promise.all([refuses(one), refuses(two)])).toEqual([true, true])
  })

  it('changes nothing if a port is taken or the configuration is invalid', async () => {
    await using other = await startLab()
    await using lab = await startLab()
    const { port } = lab.server('smtp')
    const taken = { protocol: 'imap4', port: other.server('imap4').port } as const
    await expect(
      lab.reload({ virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }, taken] }),
    ).rejects.toThrow(/cannot listen/)
    await expect(lab.reload({ virtualServers: [{ protocol: 'smtp', port: 70_000 }] })).rejects.toThrow(
      /virtualServers\[0\]\.port/,
    )
    using client = await LineClient.greeted(port)
    client.send('EHLO me\r\n')
    expect((await client.lines((line) => line.startsWith('250 '))).join()).toContain('AUTH')
    expect(lab.server('pop3').port).toBeGreaterThan(0)
  })

  it('keeps the authority service if its new port cannot be opened', async () => {
    await using lab = await startLab({ certificates: { service: { port: 0 } } })
    await using other = await startLab({ certificates: { service: { port: 0 } } })
    const port = Number(new URL(other.authorityServiceUrl ?? '').port)
    await expect(lab.reload({ certificates: { service: { port } } })).rejects.toThrow(/it is in use/)
    await expect(lab.reload({ certificates: { service: { port: 0, tlsPort: port } } })).rejects.toThrow(/it is in use/)
    const answer = await fetch(`${lab.authorityServiceUrl?.replace('localhost', '127.0.0.1')}/root.pem`)
    expect(await answer.text()).toBe(lab.ca)
  })

  it('opens nothing in a lab that is stopping or has stopped', async () => {
    const port = await freePort()
    const virtualServers = [{ protocol: 'pop3', port, certificate: { variant: 'rsa' } } as const]
    const lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
    const [reloaded, late] = [lab.reload({ virtualServers }), lab.reload({ virtualServers })].map((reload) =>
      reload.then(
        () => 'reloaded',
        (error: Error) => error.message,
      ),
    )
    await new Promise((resolve) => setImmediate(resolve))
    await lab.stop()
    expect([await reloaded, await late].every((outcome) => /^reloaded$|^the lab is stopped$/.test(outcome ?? ''))).toBe(
      true,
    )
    expect(await refuses(port)).toBe(true)
    await expect(lab.reload({ virtualServers })).rejects.toThrow('the lab is stopped')
    expect(await refuses(port)).toBe(true)
  })

  it('an unknown certificate leaves every virtual server unchanged', async () => {
    await using lab = await startLab()
    const before = (['smtp', 'pop3', 'imap4', 'nntp'] as const).map((name) => lab.server(name).certificate)
    await expect(lab.useCertificate('No Such Certificate')).rejects.toThrow(/no certificate "No Such Certificate"/)
    expect((['smtp', 'pop3', 'imap4', 'nntp'] as const).map((name) => lab.server(name).certificate)).toEqual(before)
  })

  it('applies a new hostname to posted articles', async () => {
    await using lab = await startLab()
    await lab.reload({ hostname: 'news.lab.test' })
    using client = await LineClient.open(lab.server('nntp').port)
    expect(await client.line()).toContain('news.lab.test')
    client.send('POST\r\n')
    await client.line()
    client.send('From: a@lab.test\r\nNewsgroups: lab.general\r\nSubject: Hello\r\n\r\nHello.\r\n.\r\n')
    expect(await client.line()).toMatch(/^240/)
    const [article] = await lab.articles('lab.general')
    expect(article?.headers.get('path')).toMatch(/^news\.lab\.test!/)
  })

  it('applies new accounts and newsgroups', async () => {
    await using lab = await startLab({ directory: { accounts: [{ user: 'alice', password: 'old' }] } })
    await lab.reload({
      directory: { accounts: [{ user: 'alice', password: 'new' }] },
      news: { groups: [{ name: 'lab.more' }] },
    })
    using client = await LineClient.greeted(lab.server('pop3').port)
    client.send('USER alice\r\nPASS old\r\n')
    await client.line()
    expect(await client.line()).toMatch(/^-ERR/)
    client.send('USER alice\r\nPASS new\r\n')
    await client.line()
    expect(await client.line()).toMatch(/^\+OK/)
    expect(await lab.articles('lab.more')).toEqual([])
  })
})
