import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bucket, BucketError } from '../../src/storage/store/engines/postgres/bucket.ts'

const MIB = 1024 * 1024

type Answer = (response: ServerResponse) => void

/** A service of object storage that answers as a test says. */
let answer: Answer
const paths: string[] = []
const server = createServer((request, response) => {
  paths.push(request.url ?? '')
  response.on('error', () => {})
  request.resume().on('end', () => answer(response))
})

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const bucket = (totalMs = 20_000): Bucket => {
  const s3 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = { s3, bucket: 'lab', region: 'x', accessKeyId: 'a', secretAccessKey: 'b', prefix: 'mail/' }
  return new Bucket(settings, undefined, { attemptMs: totalMs, totalMs })
}

const octets = Buffer.alloc(MIB, 'a')
const check = { octets: octets.length, sha256: createHash('sha256').update(octets).digest('hex') }
const failureOf = (work: Promise<unknown>): Promise<BucketError> =>
  work.then(
    () => expect.fail('the answer was taken'),
    (error: unknown) => error as BucketError,
  )

/** Sends octets as long as the client reads them. */
function endless(response: ServerResponse, piece: Buffer): void {
  const send = (): void => {
    while (!response.destroyed) if (!response.write(piece)) return void response.once('drain', send)
  }
  send()
}

const ERROR = '<Error><Code>AccessDenied</Code><Message>'
const hostile: Readonly<Record<string, Answer>> = {
  'fewer octets': (response) => response.end(octets.subarray(1)),
  'one octet more': (response) => response.end(Buffer.concat([octets, Buffer.from('a')])),
  'other octets': (response) => response.end(Buffer.alloc(MIB, 'b')),
  'no end': (response) => endless(response, octets),
  'no end, compressed': (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 * MIB)))
  },
  'a length that is too large': (response) => {
    response.writeHead(200, { 'content-length': MIB * 2 }).write(octets)
    response.destroy()
  },
  'a length that is too small': (response) => {
    response.writeHead(200, { 'content-length': 10, connection: 'close' })
    response.socket?.end(octets)
  },
  'a redirect to another place': (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  'an error without end': (response) => endless(response.writeHead(403), Buffer.alloc(MIB, '<')),
  'text instead of HTTP': (response) => response.socket?.end('nonsense'),
  'a header without end': (response) => response.writeHead(200, { 'x-long': 'a'.repeat(MIB) }).end(octets),
}

describe('a hostile bucket', () => {
  it.each(Object.entries(hostile))(
    'answers with %s',
    async (_, answers) => {
      answer = answers
      paths.length = 0
      // Requests are repeated for this long.
      const failure = await failureOf(bucket(1_000).get('mail/x', check))
      expect(failure).toBeInstanceOf(BucketError)
      expect(failure.message).toMatch(/^[ -~]{1,400}$/)
      expect(new Set(paths)).toEqual(new Set(['/lab/mail/x']))
    },
    30_000,
  )

  it('sends an object in a million pieces, which are not kept', async () => {
    answer = (response) => {
      response.setHeader('content-type', 'application/octet-stream')
      // Chunks of one octet each.
      const socket = response.socket as NonNullable<typeof response.socket>
      response.flushHeaders()
      const chunks = Buffer.from('1\r\na\r\n'.repeat(MIB / 16), 'latin1')
      for (let n = 0; n < 16; n++) socket.write(chunks)
      socket.end('0\r\n\r\n')
    }
    expect((await bucket().get('mail/x', check)).equals(octets)).toBe(true)
  })

  it('sends error texts that would be lines of their own, or take the log', async () => {
    answer = (response) => response.writeHead(403).end(`${ERROR}no\r\n250 OK\0${'x'.repeat(3 * MIB)}</Message></Error>`)
    const { message } = await failureOf(bucket().get('mail/x', check))
    expect(message).toMatch(/^status 403, AccessDenied, no 250 OK x{100,200}$/)
  })

  it('sends a list of objects that have no end', async () => {
    answer = (response) => response.end('<Contents>'.repeat(MIB / 4))
    expect((await failureOf(bucket().list('mail/', 'mail/a'))).message).toMatch('before those that were asked for')
  })

  it('sends the same list again', async () => {
    answer = (response) => response.end('<Contents><Key>mail/b</Key></Contents>')
    const [found] = await bucket().list('mail/', 'mail/a')
    expect(found?.name).toBe('mail/b')
    expect((await failureOf(bucket().list('mail/', 'mail/b'))).message).toMatch('before those that were asked for')
  })

  it('sends more objects than were asked for', async () => {
    const names = Array.from({ length: 5_000 }, (_, i) => `<Contents><Key>mail/${10_000 + i}</Key></Contents>`)
    answer = (response) => response.end(names.join(''))
    expect(await bucket().list('mail/', '')).toHaveLength(1_000)
  })
})
