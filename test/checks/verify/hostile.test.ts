import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import { askHello } from '../../../src/checks/verify/tls/hello.ts'
import { allSuites } from '../../../src/checks/verify/tls/suite-classes.ts'
import { Wire } from '../../../src/checks/verify/wire.ts'
import type { Protocol } from '../../../src/core/config/schema.ts'
import { inspect } from './inspect.ts'

const open = new Set<Socket>()
let stop = async (): Promise<void> => {}
afterEach(() => stop())

/** Starts a server that handles each line by a function. Returns its port. `line` is empty at the start. */
async function listen(onLine: (line: string, socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString('latin1').trimEnd().split('\r\n')) onLine(line, socket)
    })
    onLine('', socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stop = async () => {
    for (const socket of open) socket.destroy()
    await once(server.close(), 'close')
  }
  return (server.address() as AddressInfo).port
}

/** Sends octets again and again, as fast as the client takes them. */
function repeat(socket: Socket, octets: Buffer): void {
  Readable.from(
    (function* () {
      for (;;) yield octets
    })(),
  ).pipe(socket)
}

/** No answer takes as long, on a busy machine either. */
const GENEROUS_MS = 100_000

const look = (protocol: Protocol, port: number, check: string, timeoutMs: number) =>
  inspect(protocol, port, { ca: [], only: [check], timeoutMs })

it('gives up a reply without an end', async () => {
  const port = await listen((line, socket) => {
    if (line === '') repeat(socket, Buffer.from('220-and so on\r\n'.repeat(4_000)))
  })
  expect((await look('smtp', port, 'greeting', GENEROUS_MS)).words('greeting')).toBe(
    'fail: the server sends a reply of more than 8 MiB',
  )
})

it('gives up a reply whose lines arrive slowly', async () => {
  const port = await listen((line, socket) => {
    if (line !== '') return
    const timer = setInterval(() => socket.write('220-and so on\r\n'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  expect((await look('smtp', port, 'greeting', 300)).words('greeting')).toMatch(/^fail: no answer within 0.3 s/)
})

it('gives up a line that is too long, and reports it as a failure of the server', async () => {
  const port = await listen((_, socket) => void socket.write(`220 ${'x'.repeat(131_100)}\r\n`))
  expect((await look('smtp', port, 'greeting', GENEROUS_MS)).words('greeting')).toMatch(
    /^fail: the server sends a line of/,
  )
})

/** A record with an unknown handshake message of one octet. RFC 8446 sections 4 and 5.1. */
const record = Buffer.from([22, 3, 3, 0, 5, 99, 0, 0, 1, 0])

it.each([
  ['as fast as possible', GENEROUS_MS, (socket: Socket) => repeat(socket, Buffer.concat(Array(4_000).fill(record)))],
  [
    'slowly',
    300,
    (socket: Socket) => {
      const timer = setInterval(() => socket.write(record), 20)
      socket.on('close', () => clearInterval(timer))
    },
  ],
])('gives up a first flight without an end that arrives %s', async (_, timeoutMs, answer) => {
  const port = await listen((line, socket) => {
    if (line === '') answer(socket)
  })
  const wire = await Wire.open({ host: '127.0.0.1', port }, { timeoutMs })
  try {
    const answered = await askHello(wire, { version: 0x0303, suites: allSuites, serverName: 'localhost' })
    expect(answered).toEqual({ kind: 'closed' })
  } finally {
    wire.close()
  }
})

it.each([
  ['smtp', 'tls', 'STARTTLS', { '': '220 hi', EHLO: '250-hi\r\n250 STARTTLS' }],
  ['nntp', 'state', 'LIST', { '': '200 hi', CAPABILITIES: '101 list\r\nVERSION 2\r\nSTARTTLS\r\n.' }],
] as const)('%s: closes the connection after the %s check if %s fails', async (protocol, check, silent, replies) => {
  const heard: string[] = []
  const port = await listen((line, socket) => {
    const verb = line.split(' ')[0] ?? ''
    heard.push(verb)
    const reply = Object.entries(replies).find(([name]) => name === verb)?.[1]
    if (reply !== undefined) socket.write(`${reply}\r\n`)
  })
  expect((await look(protocol, port, check, 200)).words(check)).toMatch(/no answer within 0.2 s/)
  expect(heard).toContain(silent)
  await expect.poll(() => open.size).toBe(0)
})
