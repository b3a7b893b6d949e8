import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import {
  type Answer,
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  encode,
  type Question,
  TRUNCATED_RESPONSE,
} from 'dns-packet'
import { afterEach, expect, test } from 'vitest'
import { decodeMessage } from '../../../src/transport/dns/message.ts'
import { frameForTcp, parseServer, remoteResolver } from '../../../src/transport/dns/remote.ts'
import { createResolver } from '../../../src/transport/dns/resolver.ts'
import { pointerBomb } from './support.ts'

const open: (Socket | Server)[] = []

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

type Reply = (name: string, type: string) => { answers?: Answer[]; flags?: number; id?: number } | undefined

/** Answers by UDP on a free port, and by TCP if `tcp` is given. */
async function server(udp: Reply, tcp?: Reply): Promise<number> {
  const respond = (query: Buffer, reply: Reply): Buffer | undefined => {
    const { id, questions } = decodeMessage(query)
    const made = reply(questions[0]?.name ?? '', questions[0]?.type ?? '')
    const flags = AUTHORITATIVE_ANSWER | (made?.flags ?? 0)
    return made && encode({ type: 'response', id, questions: [...questions] as Question[], ...made, flags })
  }
  for (;;) {
    const socket = createSocket('udp4')
    socket.on('message', (query, { port, address }) => {
      const response = respond(query, udp)
      if (response) socket.send(response, port, address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    open.push(socket)
    const { port } = socket.address()
    if (!tcp || (await listensByTcp(port, (query) => respond(query, tcp)))) return port
  }
}

/** Returns whether the port is free for TCP. */
async function listensByTcp(port: number, respond: (query: Buffer) => Buffer | undefined): Promise<boolean> {
  const listener = createServer((connection) =>
    connection.on('data', (query) => {
      const response = respond(query.subarray(2))
      if (response) connection.end(frameForTcp(response))
    }),
  )
  listener.listen(port, '127.0.0.1')
  try {
    await once(listener, 'listening')
  } catch {
    return false
  }
  open.push(listener)
  return true
}

const resolverAt = (port: number, timeoutMs = 5000) =>
  remoteResolver({ host: '127.0.0.1', port, timeoutMs, attempts: 2 })

test('sorts MX records by preference and reports the AD bit and the lowest TTL', async () => {
  const port = await server((name) => ({
    flags: AUTHENTIC_DATA,
    answers: [
      { type: 'MX', name, ttl: 60, data: { preference: 20, exchange: 'b.example.test' } },
      { type: 'MX', name, ttl: 30, data: { preference: 10, exchange: 'a.example.test' } },
    ],
  }))
  expect(await resolverAt(port).mx('Example.test')).toEqual({
    records: [
      { preference: 10, exchange: 'a.example.test' },
      { preference: 20, exchange: 'b.example.test' },
    ],
    authenticated: true,
    ttlSeconds: 30,
    canonicalName: 'example.test',
  })
})

test('reads a null MX as an empty host', async () => {
  const port = await server((name) => ({
    answers: [{ type: 'MX', name, ttl: 5, data: { preference: 0, exchange: '.' } }],
  }))
  expect((await resolverAt(port).mx('example.test')).records).toEqual([{ preference: 0, exchange: '' }])
})

test('follows CNAME records within an answer and out of it', async () => {
  const port = await server((name, type) => {
    const alias = (from: string, data: string): Answer => ({ type: 'CNAME', name: from, ttl: 9, data })
    if (name === 'one.test') return { answers: [alias('one.test', 'two.test'), alias('two.test', 'three.test')] }
    return type === 'A' ? { answers: [{ type: 'A', name, ttl: 7, data: '127.0.0.9' }] } : {}
  })
  expect(await resolverAt(port).addresses('one.test')).toMatchObject({
    records: ['127.0.0.9'],
    canonicalName: 'three.test',
    ttlSeconds: 7,
  })
})

test.each(['alias.test', 'host.test'])('is not authenticated if the answer about %s is not', async (insecure) => {
  const port = await server((name, type) => {
    const flags = name === insecure ? 0 : AUTHENTIC_DATA
    if (name === 'alias.test') return { flags, answers: [{ type: 'CNAME', name, ttl: 9, data: 'host.test' }] }
    return { flags, answers: type === 'TXT' ? [{ type: 'TXT', name, ttl: 7, data: ['text'] }] : [] }
  })
  expect(await resolverAt(port).txt('alias.test')).toMatchObject({ canonicalName: 'host.test', authenticated: false })
})

test.each([
  ['an address', ['127.0.0.9']],
  ['none', []],
])('one kind of address that fails is not hidden by the other, of which there is %s', async (_, addresses) => {
  const port = await server((name, type) =>
    type === 'AAAA' ? { flags: 2 } : { answers: addresses.map((data) => ({ type: 'A', name, ttl: 7, data })) },
  )
  await expect(resolverAt(port).addresses('host.test')).rejects.toMatchObject({ code: 'SERVFAIL' })
})

test.each([true, false])(
  'addresses of one kind are authenticated if the lack of the other is: %s',
  async (isSecure) => {
    const port = await server((name, type) => ({
      flags: type === 'A' || isSecure ? AUTHENTIC_DATA : 0,
      answers: type === 'A' ? [{ type, name, ttl: 7, data: '127.0.0.9' }] : [],
    }))
    expect(await resolverAt(port).addresses('host.test')).toMatchObject({
      records: ['127.0.0.9'],
      authenticated: isSecure,
    })
  },
)

test('gives up on a circle of CNAME records', async () => {
  const port = await server((name) => ({
    answers: [{ type: 'CNAME', name, ttl: 9, data: name === 'a.test' ? 'b.test' : 'a.test' }],
  }))
  await expect(resolverAt(port).txt('a.test')).rejects.toMatchObject({ code: 'BADRESPONSE' })
})

test('asks again by TCP if the answer is truncated', async () => {
  const port = await server(
    () => ({ flags: TRUNCATED_RESPONSE }),
    (name) => ({ answers: [{ type: 'TXT', name, ttl: 1, data: ['by ', 'TCP'] }] }),
  )
  expect((await resolverAt(port).txt('example.test')).records).toEqual(['by TCP'])
})

test.each([
  ['NXDOMAIN', 3, true],
  ['SERVFAIL', 2, false],
  ['REFUSED', 5, false],
  ['NODATA', 0, true],
])('fails with %s', async (code, rcode, isPermanent) => {
  const port = await server(() => ({ flags: rcode }))
  await expect(resolverAt(port).mx('example.test')).rejects.toMatchObject({ code, isPermanent })
})

test('asks a second time, and fails with TIMEOUT if no answer arrives', async () => {
  let asked = 0
  const port = await server(() => {
    asked += 1
    return undefined
  })
  await expect(resolverAt(port, 200).txt('example.test')).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(asked).toBe(2)
})

test('ignores responses with another id or question', async () => {
  const port = await server((name) => ({ id: 1, answers: [{ type: 'TXT', name, ttl: 1, data: 'forged' }] }))
  // The id of a query is 1 once in 65,536 tests.
  await expect(resolverAt(port, 200).txt('example.test')).rejects.toMatchObject({ code: 'TIMEOUT' })
  for (const question of [
    { name: 'other.test', type: 'TXT' },
    { name: 'example.test', type: 'A' },
  ] as const) {
    const resolver = createResolver(async (query) =>
      encode({ type: 'response', id: query.readUInt16BE(0), flags: AUTHORITATIVE_ANSWER, questions: [question] }),
    )
    await expect(resolver.txt('example.test')).rejects.toMatchObject({
      code: 'BADRESPONSE',
      message: expect.stringContaining('another question'),
    })
  }
})

test('does not follow long chains of pointers', async () => {
  const resolver = createResolver(async (query) => pointerBomb(query.readUInt16BE(0), 0x8480))
  await expect(resolver.lookup('a', 'A')).rejects.toMatchObject({ code: 'BADRESPONSE' })
})

test('does not read on where the length of data is wrong', async () => {
  const resolver = createResolver(async (query) => {
    const { id, questions } = decodeMessage(query)
    const answers: Answer[] = [{ type: 'A', name: 'a.test', ttl: 1, data: '127.0.0.9' }]
    const flags = AUTHORITATIVE_ANSWER
    const response = encode({ type: 'response', id, flags, questions: [...questions] as Question[], answers })
    response.writeUInt16BE(2, response.length - 6)
    return response
  })
  await expect(resolver.lookup('a.test', 'A')).rejects.toMatchObject({ code: 'BADRESPONSE' })
})

test('fails with UNREACHABLE if nothing listens', async () => {
  const port = await server(() => undefined)
  for (const socket of open.splice(0)) socket.close()
  await expect(resolverAt(port).txt('example.test')).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

test('stops when the signal is aborted', async () => {
  const port = await server(() => undefined)
  const stop = new AbortController()
  const lookup = resolverAt(port).txt('example.test', stop.signal)
  stop.abort(new Error('stopped'))
  await expect(lookup).rejects.toThrow('stopped')
})

test('reads the address of a server', () => {
  expect(['127.0.0.1', 'dns.test:5353', '::1', '[::1]:54'].map(parseServer)).toEqual([
    { host: '127.0.0.1', port: 53 },
    { host: 'dns.test', port: 5353 },
    { host: '::1', port: 53 },
    { host: '::1', port: 54 },
  ])
})
