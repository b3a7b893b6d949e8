import { on, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { type FaultInput, startLab, type TestLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { run, sClient } from '../../support/openssl.ts'

const letter = { from: 'alice@lab.test', to: 'bob@lab.test', subject: 'faulty', text: 'words' }

async function send(lab: TestLab, options: object = {}): Promise<void> {
  const transport = createTransport({ ...lab.nodemailer(), ...options })
  await transport.sendMail(letter)
}

const notes = (lab: TestLab): string[] =>
  lab.sessions().flatMap(({ transcript }) => transcript.flatMap((entry) => (entry.kind === 'note' ? [entry.text] : [])))

/** Reads up to the end of a reply. Returns the lengths of the pieces in which it came. */
async function pieces(from: Readable, end: RegExp): Promise<number[]> {
  const chunks: Buffer[] = []
  for await (const [chunk] of on(from, 'data')) {
    chunks.push(chunk)
    if (end.test(Buffer.concat(chunks).toString())) break
  }
  return chunks.map(({ length }) => length)
}

function overTls(socket: Socket, ca: string): [Writable, Readable] {
  const secured = connectTls({ socket, ca, servername: 'localhost' })
  return [secured, secured]
}

function compressed(socket: Socket): [Writable, Readable] {
  const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
  deflate.pipe(socket).pipe(inflate)
  return [deflate, inflate]
}

describe('faults as clients see them', () => {
  it('RCPT is refused with 451 on the third and fourth mail, then accepted', async () => {
    await using lab = await startLab()
    lab.faults.add({
      name: 'busy',
      when: { verb: 'RCPT', nth: 1 },
      skip: 2,
      do: { reply: '451 4.3.0 Try again later' },
      times: 2,
    })
    const outcomes = []
    for (let n = 0; n < 6; n++) {
      outcomes.push(
        await send(lab).then(
          () => 250,
          (error: { responseCode: number }) => error.responseCode,
        ),
      )
    }
    expect(outcomes).toEqual([250, 250, 451, 451, 250, 250])
    expect(notes(lab)).toContain('fault: busy')
  })

  it('replies to IMAP4 clients carry the tag', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'imap4', verb: 'SELECT' }, do: { reply: 'NO [SERVERBUG] not today' }, times: 1 })
    const client = new ImapFlow(lab.imapflow({ user: 'bob', pass: 'x' }))
    await client.connect()
    await expect(client.mailboxOpen('INBOX')).rejects.toMatchObject({
      responseText: expect.stringContaining('not today'),
    })
    expect((await client.mailboxOpen('INBOX')).path).toBe('INBOX')
    await client.logout()
  })

  it.each([
    ['drop: before', { when: { verb: 'DATA' }, do: { drop: 'before' } }, /closed|ECONNRESET|socket/i],
    ['drop during DATA', { when: { on: 'data' }, do: { dropAfterOctets: 10 } }, /closed|ECONNRESET|EPIPE|socket/i],
    ['421 on the second connection', { when: { connection: 1 }, do: { reply: '421 4.3.2 come back' } }, /421/],
    ['garbage', { when: { verb: 'MAIL' }, do: { garbage: '2KiB', drop: 'after' } }, /./],
    [
      'an aborted handshake',
      { when: { on: 'handshake' }, do: { abortHandshake: 80 } },
      /internal error|ssl3_read_bytes|alert/i,
    ],
    ['STARTTLS refused', { when: { verb: 'STARTTLS' }, do: { reply: '454 4.7.0 TLS not available' } }, /STARTTLS|454/],
  ] as readonly (readonly [string, FaultInput, RegExp])[])(
    '%s: nodemailer fails, and the next mail is accepted',
    async (_, fault, why) => {
      await using lab = await startLab()
      lab.faults.add({ ...fault, times: 1 })
      await expect(send(lab)).rejects.toThrow(why)
      await send(lab)
      expect(await lab.messages()).toHaveLength(1)
      expect(notes(lab).filter((note) => note.startsWith('fault: '))).toHaveLength(1)
    },
  )

  it('silence instead of a greeting, and later in the session', async () => {
    await using lab = await startLab()
    const fault = lab.faults.add({ when: { protocol: 'smtp', on: 'connect' }, do: { silence: true } })
    await expect(send(lab, { greetingTimeout: 100 })).rejects.toThrow(/Greeting never received/)
    fault.remove()
    lab.faults.add({ when: { verb: 'RCPT' }, do: { silence: true }, times: 1 })
    // Long enough for the replies before on a busy machine: the next client must not meet the fault.
    await expect(send(lab, { socketTimeout: 3_000 })).rejects.toThrow(/[Tt]imeout/)
    await send(lab)
  })

  it('drop: mid-reply sends about half of a message', async () => {
    await using lab = await startLab()
    await lab.deliver({ text: 'x'.repeat(3_000) }, { to: 'bob' })
    const whole = (await lab.waitForMessage()).raw
    lab.faults.add({ when: { verb: 'RETR' }, do: { drop: 'mid-reply' } })
    const client = await LineClient.open(lab.server('pop3').port)
    client.send('USER bob\r\nPASS x\r\n')
    await client.lines((line) => /logged|maildrop|messages?\b/i.test(line))
    client.send('RETR 1\r\n')
    const got = (await client.rest()).join('\r\n').length
    expect(got).toBeGreaterThan(whole.length / 4)
    expect(got).toBeLessThan(whole.length * 0.75)
  })

  it('halfClose closes the server’s side after the reply', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'nntp', verb: 'DATE' }, do: { reply: '111 20260101000000', halfClose: true } })
    const client = await LineClient.open(lab.server('nntp').port)
    client.send('DATE\r\n')
    expect((await client.rest()).at(-1)).toBe('111 20260101000000')
  })

  it('throttle sends a slow reply completely', async () => {
    await using lab = await startLab()
    await lab.deliver({ text: 'y'.repeat(20_000) }, { to: 'bob' })
    lab.faults.add({ when: { protocol: 'pop3', verb: 'RETR' }, do: { throttle: 100_000 } })
    const { stdout } = await run('curl', ['-s', '-u', 'bob:x', `pop3://127.0.0.1:${lab.server('pop3').port}/1`])
    expect(stdout.replaceAll('\r\n', '').length).toBeGreaterThan(20_000)
  })

  it.each(['STARTTLS', 'COMPRESS'])('throttle lasts beyond %s', async (command) => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'nntp' }, do: { throttle: 2_000 } })
    const socket = connect({ host: '127.0.0.1', port: lab.server('nntp').port })
    await once(socket, 'data')
    socket.write(command === 'STARTTLS' ? 'STARTTLS\r\n' : 'COMPRESS DEFLATE\r\n')
    await pieces(socket, /^(382|206) .*\r\n$/)
    const [sent, received] = command === 'STARTTLS' ? overTls(socket, lab.ca) : compressed(socket)
    sent.write('CAPABILITIES\r\n')
    const reply = await pieces(received, /\r\n\.\r\n$/)
    expect(Math.max(...reply)).toBeLessThan(reply.reduce((sum, octets) => sum + octets) / 2)
    socket.destroy()
  })

  it('drop: after STARTTLS closes the connection before the handshake', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'smtp', verb: 'STARTTLS' }, do: { drop: 'after' } })
    const client = await LineClient.open(lab.server('smtp').port)
    client.send('EHLO me\r\nSTARTTLS\r\n')
    expect((await client.rest()).at(-1)).toMatch(/^220 2\.0\.0 /)
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('server closed')
    expect(lab.sessions()[0]?.refusals).toEqual([])
  })

  it('halfClose of a throttled connection comes after the reply', async () => {
    await using lab = await startLab()
    lab.faults.add({
      when: { protocol: 'nntp', verb: 'DATE' },
      do: { throttle: 200, reply: '111 20260101000000', halfClose: true },
    })
    const client = await LineClient.open(lab.server('nntp').port)
    client.send('DATE\r\n')
    expect((await client.rest()).at(-1)).toBe('111 20260101000000')
  })

  it('halfClose of a throttled connection continues reading', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'nntp', verb: 'DATE' }, do: { throttle: 200, halfClose: true }, times: 1 })
    const socket = connect({ host: '127.0.0.1', port: lab.server('nntp').port, allowHalfOpen: true })
    socket.write('DATE\r\n')
    await once(socket.resume(), 'end')
    socket.end('HELP\r\nQUIT\r\n')
    await expect.poll(() => lab.sessions()[0]?.endCause).toMatch(/^(?:client|server) closed$/)
    expect(lab.sessions()[0]?.transcript).toContainEqual(expect.objectContaining({ kind: 'line', text: 'QUIT' }))
  })

  it('oversizedReply sends one long line', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'smtp', verb: 'EHLO' }, do: { oversizedReply: '100KB' }, times: 1 })
    using client = await LineClient.greeted(lab.server('smtp').port)
    client.send('EHLO me\r\n')
    expect((await client.line())?.length).toBe(100_000 - 2)
  })

  it('abortHandshake sends the configured alert before the ServerHello', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'imap4', on: 'handshake' }, do: { abortHandshake: 112 } })
    const output = await sClient(['-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`], '')
    expect(output).toMatch(/unrecognized.name|alert number 112/)
    expect(lab.sessions().at(-1)?.hello?.versions).toContain('TLSv1.3')
  })

  it('the same seed produces the same faults, and reset removes faults', async () => {
    const outcomes = async (): Promise<boolean[]> => {
      await using lab = await startLab({ testing: { seed: 7 } })
      lab.faults.add({ when: { verb: 'NOOP', chance: 0.5 }, do: { reply: '450 4.0.0 no' } })
      const client = await LineClient.greeted(lab.server('smtp').port)
      const accepted = []
      for (let n = 0; n < 30; n++) {
        client.send('NOOP\r\n')
        accepted.push((await client.line())?.startsWith('250') ?? false)
      }
      await lab.reset()
      client.send('NOOP\r\n')
      expect(await client.line()).toMatch(/^250/)
      client.destroy()
      return accepted
    }
    const first = await outcomes()
    expect(new Set(first).size).toBe(2)
    expect(await outcomes()).toEqual(first)
  })

  it('reset restores the faults of the configuration, but not added ones', async () => {
    await using lab = await startLab({
      testing: { faults: [{ when: { verb: 'VRFY' }, do: { reply: '252 configured' } }] },
    })
    lab.faults.add({ when: { verb: 'NOOP' }, do: { reply: '450 added' } })
    await lab.reset()
    using client = await LineClient.greeted(lab.server('smtp').port)
    client.send('VRFY x\r\nNOOP\r\n')
    expect([await client.line(), await client.line()]).toEqual(['252 configured', expect.stringMatching(/^250/)])
  })

  it('explains what is wrong with a fault', async () => {
    await using lab = await startLab()
    expect(() => lab.faults.add({ when: { verb: 'RCPT' }, do: { abortHandshake: 40 } })).toThrow(
      'do.abortHandshake: is 40: not possible on command, only on handshake',
    )
    expect(() => lab.faults.add({ do: {} })).toThrow(/do: .*no action; add one of delay, reply/)
  })

  it('the lab stops while a fault keeps clients waiting', async () => {
    await using lab = await startLab()
    lab.faults.add({ when: { protocol: 'smtp', on: 'connect' }, do: { delay: '1h' } })
    lab.faults.add({ when: { protocol: 'pop3', on: 'connect' }, do: { silence: true } })
    lab.faults.add({ when: { protocol: 'imap4', on: 'handshake' }, do: { silence: true } })
    const { connect } = await import('node:net')
    const sockets = [lab.server('smtp').port, lab.server('pop3').port, lab.server('imap4').tlsPort].map((port) =>
      connect({ host: '127.0.0.1', port }),
    )
    for (const socket of sockets) socket.on('error', () => {})
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    sockets[2]?.write(Buffer.from([22, 3, 1]))
    await expect.poll(() => lab.sessions().length).toBe(3)
  })
})
