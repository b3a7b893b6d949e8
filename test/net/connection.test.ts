import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { connect as connectTls } from 'node:tls'
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { echoTlsSettings, startEcho } from '../support/echo-server.ts'
import { opensslCertificate } from '../support/openssl.ts'
import { run } from '../support/run-program.ts'

/** Sends `input`, closes its side, and returns everything received. */
async function talk(port: number | undefined, input: string | Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: port as number })
  socket.end(input)
  return readAll(socket)
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

const localhost = opensslCertificate(['localhost'])
const layers = {
  'in clear text': async (port: number) => connect({ host: '127.0.0.1', port, allowHalfOpen: true }),
  'under TLS': async (port: number) => {
    const below = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const socket = connectTls({ socket: below, ca: localhost.certificatePem, servername: 'localhost' })
    await once(socket, 'secureConnect')
    return socket
  },
}

describe('a connection', () => {
  it.each(Object.entries(layers))('ends in order while its client still sends: %s', async (layer, open) => {
    await using echo = await startEcho({ tls: echoTlsSettings([localhost]) })
    const { port, tlsPort } = echo.server
    const socket = await open((layer === 'under TLS' ? tlsPort : port) as number)
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    // Far more than the system buffers. A reset would be an error.
    socket.write('QUIT\r\n')
    for (let i = 0; i < 16; i++) socket.write(Buffer.alloc(1 << 20, 'x\r\n'))
    socket.end()
    // Rejects if the connection is closed before everything is sent.
    await finished(socket)
    expect(Buffer.concat(received).toString()).toBe('hello\r\n')
    await expect.poll(() => echo.sessions.list()[0]?.endCause).toBe('server closed')
  })

  it('ends in order while its client still sends compressed octets', async () => {
    await using echo = await startEcho({})
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number, allowHalfOpen: true })
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.write('COMPRESS\r\n')
    const random = Buffer.concat([Buffer.from('QUIT\r\n'), randomBytes(4 << 20)])
    socket.end(deflateRawSync(random, { level: 0, finishFlush: constants.Z_SYNC_FLUSH }))
    await finished(socket)
    expect(Buffer.concat(received).toString('latin1')).toMatch(/^hello\r\ncompressing\r\n/)
  })

  it('is not handed over once its client has closed it', async () => {
    await using echo = await startEcho({
      serve: async (connection) => {
        await once(connection.socket, 'end')
        connection.handOver(() => {})
        await connection.closed
      },
    })
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number })
    socket.end()
    expect(await readAll(socket)).toBe('')
    await expect.poll(() => echo.sessions.list()[0]?.endCause).toBe('client closed')
  })

  it('joins the replies to pipelined commands into one write', async () => {
    await using echo = await startEcho({})
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number })
    await once(socket, 'data')
    socket.write('a\r\n'.repeat(1_000))
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(first.toString()).toBe('a\r\n'.repeat(1_000))
    socket.destroy()
  })

  it('serves other clients while one has sent many commands', async () => {
    const read: string[] = []
    await using echo = await startEcho({
      serve: async (connection) => {
        connection.write('hello\r\n')
        for (let line = ''; line !== 'end'; read.push(line)) {
          line = await connection.readLine(100, 'utf8')
          // Simulates an expensive command that never waits.
          for (const until = performance.now() + 1; performance.now() < until; );
        }
        connection.end()
      },
    })
    const [greedy, other] = [0, 1].map(() => connect({ host: '127.0.0.1', port: echo.server.port as number }))
    for (const socket of [greedy, other]) if (socket) await once(socket, 'data')
    greedy?.write(`${'greedy\r\n'.repeat(300)}end\r\n`)
    other?.write('other\r\nend\r\n')
    for (const socket of [greedy, other]) if (socket) await readAll(socket)
    expect(read).toHaveLength(303)
    expect(read.indexOf('other')).toBeLessThan(read.lastIndexOf('greedy'))
  })

  it('yields while a client keeps sending commands without a pause', async () => {
    let turns = 0
    const spin = (): void => {
      turns++
      next = setImmediate(spin)
    }
    let next = setImmediate(spin)
    const linesPerTurn = new Map<number, number>()
    await using echo = await startEcho({
      serve: async (connection) => {
        for (let line = ''; line !== 'end'; linesPerTurn.set(turns, (linesPerTurn.get(turns) ?? 0) + 1)) {
          line = await connection.readLine(8_000, 'utf8')
          for (const until = performance.now() + 2; performance.now() < until; );
        }
        connection.end()
      },
    })
    // A separate process sends while this one reads.
    const sender = `require('net').connect(${echo.server.port}, '127.0.0.1').end(('x'.repeat(7998) + '\\r\\n').repeat(300) + 'end\\r\\n')`
    await run(process.execPath, ['-e', sender])
    clearImmediate(next)
    expect([...linesPerTurn.values()].reduce((sum, lines) => sum + lines)).toBe(301)
    // A time slice is 20 ms, and each line takes 2 ms.
    expect(Math.max(...linesPerTurn.values())).toBeLessThan(15)
  })

  it('holds little for a client that does not read, and sends everything in the end', async () => {
    await using echo = await startEcho({})
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number })
    socket.pause()
    const octets = 64 * 1024 * 1024
    socket.write(`FLOOD ${octets}\r\nQUIT\r\n`)
    await expect.poll(() => echo.sessions.list()[0]?.transcript.some((entry) => entry.kind === 'octets')).toBe(true)
    const prepared = echo.sessions
      .list()[0]
      ?.transcript.reduce((sum, entry) => sum + (entry.kind === 'octets' ? entry.octets : 0), 0)
    expect(prepared).toBeLessThan(octets)
    let received = 0
    for await (const chunk of socket) received += (chunk as Buffer).length
    expect(received).toBe('hello\r\n'.length + octets)
  })

  it('sends everything to a client that has closed its side', async () => {
    await using echo = await startEcho({})
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number, allowHalfOpen: true })
    socket.pause()
    const octets = 64 * 1024 * 1024
    socket.end(`FLOOD ${octets}\r\nlast\r\nQUIT\r\n`)
    let received = 0
    for await (const chunk of socket) received += (chunk as Buffer).length
    expect(received).toBe('hello\r\nlast\r\n'.length + octets)
  })

  it('survives a reset and serves the next client', async () => {
    await using echo = await startEcho({})
    const socket = connect({ host: '127.0.0.1', port: echo.server.port as number })
    await once(socket, 'data')
    socket.write('FLOOD 10000000\r\n')
    await once(socket, 'data')
    socket.resetAndDestroy()
    expect(await talk(echo.server.port, 'still here\r\nQUIT\r\n')).toBe('hello\r\nstill here\r\n')
    await expect.poll(() => echo.sessions.list()[0]?.endCause).toBe('connection lost')
  })
})
