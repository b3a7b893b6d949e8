import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

async function send(lab: TestLab, options: object = {}): Promise<string> {
  const transport = createTransport({ ...lab.nodemailer(), ...options })
  try {
    return (await transport.sendMail({ from: 'a@lab.test', to: 'bob@lab.test', text: 'x' })).response.slice(0, 3)
  } catch (error) {
    return (error as Error).message
  }
}

async function imap(lab: TestLab, user: string): Promise<{ client: ImapFlow; closed: Promise<unknown> }> {
  const client = new ImapFlow(lab.imapflow(user))
  client.on('error', () => {})
  const closed = once(client, 'close')
  await client.connect()
  return { client, closed }
}

describe('a port that refuses connections', () => {
  test.skipIf(!needs('curl'))('clients see ECONNREFUSED until it is restored, on the same port', async () => {
    await using lab = await startLab()
    const { port, tlsPort } = lab.server('pop3')
    const fetch = async (url: string): Promise<number> =>
      (await runProgram('curl', ['-sSk', '-u', 'bob:x', url])).status
    await lab.server('smtp').refuse()
    await lab.server('pop3').refuse()
    expect(await send(lab)).toContain('ECONNREFUSED')
    expect(await fetch(`pop3://127.0.0.1:${port}/`)).toBe(7)
    expect(await fetch(`pop3s://127.0.0.1:${tlsPort}/`)).toBe(7)
    await lab.server('smtp').restore()
    await lab.server('pop3').restore()
    expect(await send(lab)).toBe('250')
    expect(lab.server('pop3')).toMatchObject({ port, tlsPort })
    expect(await fetch(`pop3://127.0.0.1:${port}/`)).toBe(0)
    expect(await fetch(`pop3s://127.0.0.1:${tlsPort}/`)).toBe(0)
  })

  it('open sessions continue, and lab.reset restores it', async () => {
    await using lab = await startLab()
    const client = await LineClient.greeted(lab.server('smtp').port)
    await lab.server('smtp').refuse()
    await lab.server('smtp').refuse()
    client.send('NOOP\r\n')
    expect(await client.line()).toMatch(/^250/)
    client.destroy()
    await lab.useCertificate('auto') // does not open it
    expect(await send(lab)).toContain('ECONNREFUSED')
    await lab.reset()
    expect(await send(lab)).toBe('250')
  })

  it('restore says so if another program has taken the port', async () => {
    await using lab = await startLab()
    const { port } = lab.server('smtp')
    await lab.server('smtp').refuse()
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    expect((other.address() as AddressInfo).port).toBe(port)
    await expect(lab.server('smtp').restore()).rejects.toMatchObject({ name: 'ListenError' })
    other.close()
    await once(other, 'close')
    await lab.server('smtp').restore()
    expect(await send(lab)).toBe('250')
  })
})

describe.skipIf(process.platform !== 'linux')('a port that swallows connections', () => {
  it('nodemailer and curl run into their connection timeouts, until it is restored', async () => {
    await using lab = await startLab()
    const { port } = lab.server('smtp')
    await lab.server('smtp').blackhole()
    expect(await send(lab, { connectionTimeout: 200 })).toBe('Connection timeout')
    const curl = await runProgram('curl', ['-sS', '--connect-timeout', '0.2', `smtp://127.0.0.1:${port}`])
    expect(curl.status).toBe(28)
    await lab.server('smtp').restore()
    expect(await send(lab)).toBe('250')
  })

  it('becomes a refusing port, and a lab stops with it', async () => {
    const lab = await startLab()
    await lab.server('smtp').blackhole()
    await lab.server('smtp').refuse()
    expect(await send(lab)).toContain('ECONNREFUSED')
    await lab.server('smtp').blackhole()
    expect(await send(lab, { connectionTimeout: 100 })).toBe('Connection timeout')
    const options = { ...lab.nodemailer(), connectionTimeout: 5_000 }
    await lab.stop()
    await expect(createTransport(options).verify()).rejects.toThrow('ECONNREFUSED')
  })
})

describe('lab.disconnect', () => {
  it('ends the sessions of one user and protocol, and no others', async () => {
    await using lab = await startLab()
    const bob = await imap(lab, 'bob')
    const eve = await imap(lab, 'eve')
    expect(await lab.disconnect({ protocol: 'imap4', user: 'bob' })).toBe(1)
    await bob.closed
    await eve.client.noop()
    expect(await lab.disconnect('eve')).toBe(1)
    await eve.closed
    expect(await lab.disconnect()).toBe(0)
    expect(JSON.stringify(lab.sessions()[0]?.transcript)).toContain('disconnected by the lab (close)')
  })

  it.each([
    ['close', 'end'],
    ['reset', 'ECONNRESET'],
    ['farewell', '* BYE Server is shutting down.\r\n'],
  ] as const)('how: %s', async (how, expected) => {
    await using lab = await startLab()
    const socket = connect(lab.server('imap4').port, '127.0.0.1')
    await once(socket, 'data')
    const seen = new Promise((resolve) => {
      socket.on('data', (octets) => resolve(octets.toString()))
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      socket.on('end', () => resolve('end'))
    })
    expect(await lab.disconnect({ protocol: 'imap4' }, { how })).toBe(1)
    expect(await seen).toBe(expected)
    socket.destroy()
  })

  it('refuses mistyped filters and options', async () => {
    await using lab = await startLab()
    await expect(lab.disconnect({ usr: 'bob' } as never)).rejects.toThrow(
      /filter\.usr: unknown key; did you mean user\?/,
    )
    await expect(lab.disconnect({}, { how: 'rst' } as never)).rejects.toThrow(
      /options\.how: is "rst"; must be close, reset/,
    )
  })
})

test('lab.restart: sessions end politely; ports, root and messages stay', async () => {
  await using lab = await startLab()
  expect(await send(lab)).toBe('250')
  const { ca } = lab
  const ports = ['smtp', 'pop3', 'imap4', 'nntp'].map((protocol) => [
    lab.server(protocol).port,
    lab.server(protocol).tlsPort,
  ])
  const client = await LineClient.greeted(lab.server('smtp').port)
  const bob = await imap(lab, 'bob')
  await lab.restart()
  expect(await client.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)])
  await bob.closed
  expect(lab.ca).toBe(ca)
  expect(['smtp', 'pop3', 'imap4', 'nntp'].map((p) => [lab.server(p).port, lab.server(p).tlsPort])).toEqual(ports)
  expect(await send(lab)).toBe('250')
  const again = await imap(lab, 'bob')
  expect(await again.client.status('INBOX', { messages: true })).toMatchObject({ messages: 2 })
  await again.client.logout()
})
