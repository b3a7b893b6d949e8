import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { describe, expect, test, vi } from 'vitest'
import { commands, fromEngine } from '../../servers/smtp/commands/index.ts'
import { SmtpEngine } from '../../servers/smtp/engine.ts'
import { smtp } from '../../servers/smtp/service.ts'
import { SmtpSession } from '../../servers/smtp/session.ts'
import { startMailLab } from '../support/mail-lab.ts'
import { play } from '../support/transcript.ts'
import { ask, greeted, startData } from './support.ts'

/**
 * What the adapter takes for granted of the smtp-server library, each point by itself, so that an update of the library
 * that changes one is seen here and not by a client.
 */

/** A bare engine of the library, its replies caught. */
function bareEngine(options: ConstructorParameters<typeof SMTPServer>[0] = {}) {
  class Bare extends SMTPServer {
    override updateSecureContext(): void {}
  }
  const server = new Bare({
    logger: false,
    authOptional: true,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    ...options,
  })
  const replies: [code: number, text: unknown, context: unknown][] = []
  const engine = new (class extends SMTPConnection {
    override send(code: number, data?: string | string[] | null, context?: string | false): void {
      replies.push([code, data, context])
    }
  })(server, new PassThrough() as never, { id: 'x', localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' })
  engine._setClientHostname('')
  engine._resetSession()
  engine._ready = true
  const say = (line: string): Promise<void> => new Promise((resolve) => engine._onCommand(Buffer.from(line), resolve))
  return { engine, server, replies, say }
}

describe('the library', () => {
  test('is the version that the overrides were written for', () => {
    const require = createRequire(import.meta.url)
    const { version } = JSON.parse(readFileSync(require.resolve('smtp-server/package.json'), 'utf8')) as {
      version: string
    }
    expect(version).toBe('3.21.6')
  })

  test('has every method and field that is overridden or used', () => {
    const methods = [
      '_onCommand',
      '_getHandler',
      '_getEnhancedStatusCode',
      '_parseAddressCommand',
      '_rejectInvalidParams',
      '_resetSession',
      '_sendGreeting',
      '_setClientHostname',
      '_transmissionType',
      '_createParser',
      '_whenWritable',
      'send',
      'close',
    ] as const
    for (const method of methods) expect(SMTPConnection.prototype[method], method).toBeTypeOf('function')
    for (const name of fromEngine) expect(SMTPConnection.prototype).toHaveProperty(`handler_${name}`)
    const { engine } = bareEngine()
    expect(engine).toMatchObject({
      _transactionCounter: 0,
      _unrecognizedCommands: 0,
      hostNameAppearsAs: false,
      secure: false,
    })
    expect(engine.session.envelope).toEqual({
      mailFrom: false,
      rcptTo: [],
      requireTLS: false,
      bodyType: '7bit',
      smtpUtf8: false,
      dsn: { ret: null, envid: null },
    })
  })

  test('has no command handlers that nobody has decided on', () => {
    const found = Object.getOwnPropertyNames(SMTPConnection.prototype).filter((name) => name.startsWith('handler_'))
    const notWanted = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD']
    const decided = [...commands.keys(), ...fromEngine, ...notWanted]
    expect(found.map((name) => name.slice('handler_'.length)).filter((name) => !decided.includes(name))).toEqual([])
  })

  test('says nothing and opens nothing by itself: a session that is not initiated has no timers', () => {
    vi.useFakeTimers()
    const { replies, server, engine } = bareEngine()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
    expect(replies).toEqual([])
    expect(server.server.listening).toBe(false)
    expect(server.connections.size).toBe(0)
    expect(engine._closeTimer).toBeUndefined()
  })

  test('asks the handlers, with the parsed path and the envelope, before it answers MAIL and RCPT', async () => {
    const asked: unknown[] = []
    const { say, replies } = bareEngine({
      onMailFrom(address, session, done) {
        asked.push([address.address, session.envelope.smtpUtf8])
        done(null)
      },
      onRcptTo(address, _session, done) {
        asked.push([address.address, address.dsn])
        done(address.address === 'no@b.test' ? Object.assign(new Error('5.7.1 no'), { responseCode: 550 }) : null)
      },
    })
    for (const line of [
      'EHLO x',
      'MAIL FROM:<a@b.test> SMTPUTF8',
      'RCPT TO:<c@b.test> NOTIFY=SUCCESS',
      'RCPT TO:<no@b.test>',
    ]) {
      await say(line)
    }
    expect(asked).toEqual([
      ['a@b.test', true],
      ['c@b.test', { notify: ['SUCCESS'] }],
      ['no@b.test', undefined],
    ])
    expect(replies.slice(1)).toEqual([
      [250, 'Accepted', 'MAIL_FROM_OK'],
      [250, 'Accepted', 'RCPT_TO_OK'],
      [550, '5.7.1 no', undefined],
    ])
  })

  test('calls back exactly once a command', async () => {
    const { engine } = bareEngine()
    for (const line of ['EHLO x', 'NOOP', 'RSET', 'MAIL FROM:<>', 'RCPT TO:bad', 'XYZZY', '', 'MAIL']) {
      let calls = 0
      await new Promise<void>((resolve) => {
        engine._onCommand(Buffer.from(line), () => {
          calls++
          resolve()
        })
      })
      await new Promise((resolve) => setImmediate(resolve))
      expect([line, calls]).toEqual([line, 1])
    }
  })
})

describe('the overrides', () => {
  test('updateSecureContext: no TLS context is made, least of all of the built-in certificate', () => {
    const limits = { messageSize: 1, recipients: 1, messagesPerConnection: 'off' }
    expect(new SmtpEngine({ hostname: 'localhost', config: { limits } } as never).secureContext).toBeUndefined()
  })

  test('the greeting comes at once, without the 100 ms for early talkers, to a client that talks early too', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    expect(await ask(client, 'NOOP')).toBe('250 2.0.0 OK')
    client.destroy()
  })

  test('_createParser: no session has a parser of its own', async () => {
    expect(SmtpSession.prototype._createParser).not.toBe(SMTPConnection.prototype._createParser)
    const parser = SmtpSession.prototype._createParser.call({} as never)
    expect(SmtpSession.prototype._createParser.call({} as never)).toBe(parser)
  })

  test('_getHandler: what the library knows and we do not want is not recognized', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    for (const name of ['WIZ x', 'SHELL', 'KILL', 'XCLIENT NAME=x', 'XFORWARD NAME=x']) {
      expect(await ask(client, name)).toBe('500 5.5.2 Error: command not recognized')
    }
    client.destroy()
  })

  test('send: codes by context, a code of our own kept, control characters out, no code on 3yz', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    await play(
      client,
      `C: MAIL FROM:<a@b.test>
      S: 250 2.1.0 Accepted
      C: RCPT TO:<nobody@lab.test>
      S: 550 5.1.1 No mailbox here by the name nobody@lab.test
      C: RCPT TO:<alice@lab.test>
      S: 250 2.1.5 Accepted
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>`,
    )
    client.destroy()
  })

  test('_parseAddressCommand: quoted local parts and names in ASCII stay as the client wrote them', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    await ask(client, 'MAIL FROM:<"John \\"Q\\" Doe"@xn--bcher-kva.test>')
    await ask(client, 'RCPT TO:<"a b>@c"@xn--bcher-kva.test>')
    await ask(client, 'DATA')
    await ask(client, '.')
    expect((await lab.inbox(undefined))[0]?.entry.envelope).toMatchObject({
      mailFrom: '"John \\"Q\\" Doe"@xn--bcher-kva.test',
      rcptTo: ['"a b>@c"@xn--bcher-kva.test'],
    })
    client.destroy()
  })

  test('_resetSession: chunks of a message go with its transaction', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    await ask(client, 'RCPT TO:<alice@lab.test>')
    await ask(client, 'BDAT 3\r\nx')
    await ask(client, 'EHLO again')
    await startData(client)
    expect(await ask(client, '.')).toMatch(/^250 /)
    client.destroy()
  })

  test('close: nothing pipelined behind QUIT is answered', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.send('QUIT\r\nNOOP\r\nMAIL FROM:<a@b.test>\r\n')
    expect(await client.rest()).toEqual(['221 2.0.0 Bye'])
  })

  test('_whenWritable: a client that never reads is waited for, and memory stays bounded', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.pause()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 200; i++) client.send('HELP\r\n'.repeat(5_000))
    await expect.poll(() => client.pendingOctets > 1_000_000, { timeout: 20_000 }).toBe(true)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
    client.destroy()
  })
})
