import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'

describe('startLab()', () => {
  it('receives a message by SMTP and serves it by IMAP, over verified TLS', async () => {
    await using lab = await startLab()
    const transport = createTransport(lab.nodemailer({ user: 'alice', pass: 'secret' }))
    await transport.sendMail({ from: 'alice@lab.test', to: 'bob@lab.test', subject: 'welcome, bob', text: 'hello' })
    const mail = await lab.waitForMessage({ to: 'bob@lab.test', subject: /welcome/ })
    expect(mail.text.trim()).toBe('hello')
    expect(mail.session?.tls?.cipher).toMatch(/^TLS_/)
    expect(mail.session?.user).toBe('alice')

    const client = new ImapFlow(lab.imapflow({ user: 'bob', pass: 'anything' }))
    await client.connect()
    await client.mailboxOpen('INBOX')
    const fetched = await client.fetchOne('1', { source: true })
    expect(fetched && fetched.source?.equals(mail.raw)).toBe(true)
    await client.logout()
  })

  it('ends waits when it stops', async () => {
    const lab = await startLab()
    const waiting = expect(lab.waitForMessage({ to: 'bob' }, { timeout: 3_600_000 })).rejects.toThrow(/was stopped/)
    await lab.stop()
    await waiting
  })

  it('waitForMessage returns a message that arrived before the call, and no message twice', async () => {
    await using lab = await startLab()
    await lab.deliver({ subject: 'first' }, { to: 'bob' })
    await lab.deliver({ subject: 'second' }, { to: 'bob' })
    expect((await lab.waitForMessage({ to: 'bob' })).subject).toBe('first')
    expect((await lab.waitForMessage({ to: 'bob' })).subject).toBe('second')
    await expect(lab.waitForMessage({ to: 'bob' }, { timeout: 20 })).rejects.toThrow(
      /messages that arrived:[\s\S]*"first"/,
    )
    const waiting = lab.waitForMessage({ to: 'carol@lab.test' })
    await lab.deliver({ subject: 'third' }, { to: ['bob', 'carol'] })
    expect((await waiting).user).toBe('carol')
    expect((await lab.waitForMessage({ to: 'bob' })).subject).toBe('third')
    expect(await lab.messages()).toHaveLength(3)
  })

  it('reset deletes messages and keeps ports and certificates', async () => {
    await using lab = await startLab()
    const { port, certificate } = lab.server('smtp')
    await lab.deliver({ subject: 'gone' }, { to: 'bob' })
    await lab.reset()
    expect(await lab.messages()).toEqual([])
    expect(lab.server('smtp')).toMatchObject({ port, certificate })
    await lab.deliver({ subject: 'new' }, { to: 'bob' })
    expect((await lab.waitForMessage()).subject).toBe('new')
  })

  it('reports every mistake in its argument together', async () => {
    await expect(
      startLab({ virtualServers: [{ protocol: 'nntp', requireSecureChannel: true, port: 70_000 }] }),
    ).rejects.toThrow(
      /virtualServers\[0\]\.port[\s\S]*requireSecureChannel|requireSecureChannel[\s\S]*virtualServers\[0\]\.port/,
    )
  })

  it('rejects if a port is taken, and leaves nothing open', async () => {
    await using lab = await startLab()
    const { port } = lab.server('pop3')
    const virtualServers = [{ protocol: 'smtp' } as const, { protocol: 'pop3', port } as const]
    await expect(startLab({ virtualServers })).rejects.toThrow(
      `Default POP3 Virtual Server: cannot listen on 127.0.0.1 port ${port}`,
    )
  })
})
