import { describe, expect, it } from 'vitest'
import { handshakeMessage, handshakeTypes } from '../../../src/tls/legacy/messages.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import { LegacyClient } from './client.ts'
import { startOldEcho } from './server.ts'

const AES_128 = 0x002f
/** The client's report if the server closes without an alert. The engine uses the same words. */
const CLOSED = 'the client closed the connection during the handshake'

/** Runs the steps of a misbehaving client. Returns `served`, or the alert that it receives. */
async function outcome(misbehave: (client: LegacyClient) => Promise<void> | void): Promise<string> {
  await using echo = await startOldEcho()
  const client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [AES_128] })
  try {
    await misbehave(client)
    await client.expectText('hello\r\n')
    return 'served'
  } catch (error) {
    return (error as Error).message.replace(/^.*alert /, '')
  } finally {
    client.destroy()
  }
}

/** Makes the handshake with messages that a step sends instead of the client. */
async function handshakeSending(client: LegacyClient, send: (message: Buffer) => void): Promise<void> {
  const { transport } = client
  const write = transport.write.bind(transport)
  transport.write = (contentType, content, done) => {
    if (contentType === contentTypes.handshake) send(content)
    else write(contentType, content, done)
  }
  await client.handshake()
}

describe('records and handshake messages (RFC 5246 section 6.2.1)', () => {
  it('a message that begins behind the ClientHello, before the server has answered, is refused', async () => {
    // The length of a ClientKeyExchange for an RSA key of 2048 bits is known before the server answers.
    const start = Buffer.from([handshakeTypes.clientKeyExchange, 0, 1])
    expect(
      await outcome((client) => {
        const write = client.transport.write.bind(client.transport)
        return handshakeSending(client, (message) => {
          const isHello = message[0] === handshakeTypes.clientHello
          const isKeyExchange = message[0] === handshakeTypes.clientKeyExchange
          const sent = isHello ? Buffer.concat([message, start]) : message.subarray(isKeyExchange ? start.length : 0)
          write(contentTypes.handshake, sent)
        })
      }),
    ).toBe('unexpected_message')
  })

  it('a handshake message may be split over records of one octet each', async () => {
    expect(
      await outcome((client) => {
        const write = client.transport.write.bind(client.transport)
        return handshakeSending(client, (message) => {
          for (const octet of message) write(contentTypes.handshake, Buffer.of(octet))
        })
      }),
    ).toBe('served')
  })

  it.each([
    ['a ChangeCipherSpec is refused', contentTypes.changeCipherSpec, [1], 'unexpected_message'],
    ['application data is refused', contentTypes.applicationData, [1], 'unexpected_message'],
    ['an empty record is refused', contentTypes.handshake, [], 'unexpected_message'],
    // RFC 5246 section 7.2: user_canceled, as a warning. OpenSSL ignores it there, too.
    ['a warning is ignored', contentTypes.alert, [1, 90], 'served'],
    ['a fatal alert ends the handshake', contentTypes.alert, [2, 40], CLOSED],
    ['close_notify ends the handshake', contentTypes.alert, [1, 0], CLOSED],
  ])('between the parts of ClientKeyExchange, %s', async (_, type, between, expected) => {
    expect(
      await outcome((client) => {
        const write = client.transport.write.bind(client.transport)
        return handshakeSending(client, (message) => {
          if (message[0] !== handshakeTypes.clientKeyExchange) return write(contentTypes.handshake, message)
          write(contentTypes.handshake, message.subarray(0, 5))
          write(type, Buffer.from(between))
          write(contentTypes.handshake, message.subarray(5))
        })
      }),
    ).toBe(expected)
  })

  it.each([
    ['2^14 octets', 0x4000, 'served'],
    ['one octet more', 0x4001, 'record_overflow'],
  ])('content of %s', async (_, octets, expected) => {
    expect(
      await outcome(async (client) => {
        await client.handshake()
        const { output, raw } = client.transport
        const fragment = output.seal(contentTypes.applicationData, Buffer.alloc(octets, 'x'))
        raw.write(Buffer.concat([Buffer.of(23, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment]))
        // The greeting is sent before the record is read.
        if (expected !== 'served') await client.expectText('never')
      }),
    ).toBe(expected)
  })

  it('a record longer than any protected one is refused by its header', async () => {
    expect(
      await outcome(async (client) => {
        await client.handshake()
        client.transport.raw.write(Buffer.of(23, 3, 1, 0x48, 0x01))
        await client.expectText('never')
      }),
    ).toBe('record_overflow')
  })

  it.each([
    ['one octet', Buffer.of(1)],
    ['three octets', Buffer.of(1, 0, 0)],
  ])('an alert of %s is refused', async (_, content) => {
    expect(
      await outcome(async (client) => {
        await client.handshake()
        client.transport.write(contentTypes.alert, content)
        await client.expectText('never')
      }),
    ).toBe('decode_error')
  })
})

describe('the order of messages (RFC 5246 section 7.3)', () => {
  it('ChangeCipherSpec before ClientKeyExchange is refused (CVE-2014-0224)', async () => {
    expect(
      await outcome(async (client) => {
        client.sendHello()
        await client.serverFlight()
        client.transport.write(contentTypes.changeCipherSpec, Buffer.of(1))
        await client.flow.changeCipherSpec()
      }),
    ).toBe('unexpected_message')
  })

  it('Finished without ChangeCipherSpec is refused', async () => {
    expect(
      await outcome(async (client) => {
        client.sendHello()
        client.sendKeyExchange(await client.serverFlight())
        client.flow.send(handshakeMessage(handshakeTypes.finished, Buffer.alloc(12)))
        await client.flow.changeCipherSpec()
      }),
    ).toBe('unexpected_message')
  })

  it.each([0, 5, 11])('Finished with octet %i changed is refused', async (at) => {
    expect(
      await outcome((client) => {
        const write = client.transport.write.bind(client.transport)
        return handshakeSending(client, (message) => {
          const sent = Buffer.from(message)
          if (sent[0] === handshakeTypes.finished) sent[4 + at] = (sent[4 + at] as number) ^ 1
          write(contentTypes.handshake, sent)
        })
      }),
    ).toBe('decrypt_error')
  })

  it('a Finished message that is too short is refused', async () => {
    expect(
      await outcome((client) => {
        const write = client.transport.write.bind(client.transport)
        return handshakeSending(client, (message) => {
          const isFinished = message[0] === handshakeTypes.finished
          write(
            contentTypes.handshake,
            isFinished ? handshakeMessage(handshakeTypes.finished, message.subarray(4, 12)) : message,
          )
        })
      }),
    ).toBe('decrypt_error')
  })
})

describe('the extended master secret (RFC 7627 section 5.3)', () => {
  const extension = Buffer.from('00170000', 'hex')
  it.each([
    ['with it', extension, 'resumed'],
    ['without it', undefined, 'handshake_failure'],
  ])('a session that has it, resumed %s', async (_, extensions, expected) => {
    await using echo = await startOldEcho()
    const port = echo.server.tlsPort as number
    const first = LegacyClient.connect(port, { suites: [AES_128], extensions: extension })
    const { sessionId } = await first.handshake()
    first.destroy()
    const second = LegacyClient.connect(port, { suites: [AES_128], sessionId, ...(extensions ? { extensions } : {}) })
    second.sendHello()
    const answer = await second.serverHello().then(
      (hello) => (hello.sessionId.equals(sessionId) ? 'resumed' : 'new'),
      (error: Error) => error.message.replace(/^.*alert /, ''),
    )
    second.destroy()
    expect(answer).toBe(expected)
  })

  it('a session without it is not resumed with it', async () => {
    await using echo = await startOldEcho()
    const port = echo.server.tlsPort as number
    const first = LegacyClient.connect(port, { suites: [AES_128] })
    const { sessionId } = await first.handshake()
    first.destroy()
    using second = LegacyClient.connect(port, { suites: [AES_128], sessionId, extensions: extension })
    expect((await second.handshake()).sessionId).not.toEqual(sessionId)
  })
})
