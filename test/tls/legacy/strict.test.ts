import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { LegacyTlsOptions } from '../../../src/tls/legacy/options.ts'
import { contentTypes } from '../../../src/tls/legacy/record.ts'
import { acceptLegacy } from '../../../src/tls/legacy/socket.ts'
import { uint16, vector } from '../../../src/tls/negotiation/octets.ts'
import { extension, helloBody, helloRecords, serverName } from '../../support/client-hello.ts'
import { type ClientOptions, LegacyClient } from './client.ts'
import { startOldEcho } from './server.ts'

const PADDING = 21
const sniWithRest = extension(0, Buffer.concat([vector(2, Buffer.of(0, 0, 1, 97)), Buffer.of(0)]))

/** Returns the name of the alert that the engine sends; `none` if the handshake succeeds. */
async function alertFor(options: ClientOptions): Promise<string> {
  await using echo = await startOldEcho()
  const client = LegacyClient.connect(echo.server.tlsPort as number, options)
  try {
    await client.handshake()
    return 'none'
  } catch (error) {
    return (error as Error).message.replace(/^.*alert /, '')
  } finally {
    client.destroy()
  }
}

describe('the engine answers a malformed ClientHello with decode_error', () => {
  it.each([
    ['an empty list of server names', extension(0, vector(2, Buffer.alloc(0)))],
    ['octets after the list of server names', sniWithRest],
    ['an extension sent twice', Buffer.concat([serverName('a'), serverName('a')])],
    ['half an extension', Buffer.of(0, 21, 0)],
    ['an extension that is longer than the message', Buffer.concat([uint16(PADDING), uint16(9), Buffer.alloc(1)])],
  ])('%s', async (_, extensions) => {
    expect(await alertFor({ extensions })).toBe('decode_error')
  })

  it('octets after the extensions', async () => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number)
    const tail = Buffer.concat([vector(2, serverName('a')), Buffer.of(0, 0)])
    client.transport.raw.write(helloRecords(helloBody({ tail })))
    await expect(client.serverHello()).rejects.toThrow('decode_error')
  })
})

it('the engine answers a ChangeCipherSpec of two octets with unexpected_message', async () => {
  await using echo = await startOldEcho()
  using client = LegacyClient.connect(echo.server.tlsPort as number)
  client.sendHello()
  const parameters = client.sendKeyExchange(await client.serverFlight())
  client.transport.write(contentTypes.changeCipherSpec, Buffer.of(1, 1))
  await expect(client.serverFinished(parameters)).rejects.toThrow('unexpected_message')
})

it('the engine refuses a connection that is closed already, and does not wait for it', async () => {
  const raw = new PassThrough()
  raw.destroy()
  await once(raw, 'close')
  await expect(acceptLegacy(raw, {} as LegacyTlsOptions)).rejects.toThrow('the client closed the connection')
})

describe('the size of a ClientHello', () => {
  it.each([40_000, 60_000, 65_000])('may be %i octets, as with Node.js', async (octets) => {
    expect(await alertFor({ extensions: extension(PADDING, Buffer.alloc(octets)) })).toBe('none')
  })

  it('is limited', async () => {
    await using echo = await startOldEcho()
    using client = LegacyClient.connect(echo.server.tlsPort as number)
    // A message of 16 MB is announced.
    client.transport.write(contentTypes.handshake, Buffer.of(1, 255, 255, 255))
    await expect(client.serverHello()).rejects.toThrow()
    await expect.poll(() => echo.sessions.list()[0]?.endCause).toBe('handshake failed')
  })
})
