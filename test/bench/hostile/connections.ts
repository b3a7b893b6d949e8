import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import type { Attacker } from './attacker.ts'
import type { Attack } from './types.ts'

const CLEAR = ['smtp', 'pop3', 'imap4', 'nntp']
const UNFINISHED = Buffer.alloc(1 << 20, `${'x'.repeat(78)}\r\n`)
const UNFINISHED_MB = 24
const CONNECTIONS = 100

/** Leaves messages of 24 MB unfinished on many connections. `opening`: what precedes the message, and the reply to it. */
const unfinished = (server: string, opening: (attacker: Attacker) => Promise<string>): Attack => ({
  name: `${server}: unfinished messages of 24 MB on 100 connections`,
  async prepare(attacker) {
    const before = await opening(attacker)
    return async () => {
      const sockets = attacker.openMany(CONNECTIONS, server)
      for (const socket of sockets) socket.write(before)
      await Promise.all(
        sockets.map(async (socket) => {
          for (let i = 0; i < UNFINISHED_MB && !attacker.isOver; i++) await sent(socket, UNFINISHED)
        }),
      )
      await attacker.end()
    }
  },
})

/** Sends an endless line of commands on some connections, as fast as the server reads it. */
const flood = (name: string, server: string, connections: number, before: string, commands: string): Attack => ({
  name,
  async prepare(attacker) {
    const block = Buffer.from(commands.repeat(Math.ceil(64_000 / commands.length)), 'latin1')
    return async () => {
      const sockets = attacker.openMany(connections, server)
      for (const socket of sockets) socket.write(before)
      await Promise.all(sockets.map((socket) => attacker.repeat(() => sent(socket, block))))
    }
  },
})

/** Resolves when the octets are sent, or the connection is closed. */
function sent(socket: Socket, octets: Buffer): Promise<void> | void {
  if (socket.destroyed) return
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('close', done)
      resolve()
    }
    socket.on('close', done)
    socket.write(octets, done)
  })
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const PLAIN = (user: string, password: string): string => base64(`\0${user}\0${password}`)

/** Tries passwords on 100 connections, and disconnects before the delayed replies. */
const guessing = (mechanism: string, initial: string, response: string): Attack => ({
  name: `password guessing, ${mechanism}, reconnecting`,
  prepare: async (attacker) => () =>
    attacker.repeat(async () => {
      const sockets = attacker.openMany(100, 'smtp')
      for (const socket of sockets) socket.write(`EHLO a.test\r\nAUTH ${mechanism} ${initial}\r\n${response}\r\n`)
      await sleep(50)
      for (const socket of sockets) socket.resetAndDestroy()
    }),
})

/** Attacks by connections, and by octets that are not part of any message. */
export const connectionAttacks: readonly Attack[] = [
  unfinished('smtp', async () => 'EHLO a.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\n'),
  unfinished('imap4', async () => `l LOGIN alice secret\r\na APPEND INBOX {${UNFINISHED_MB << 20}+}\r\n`),
  unfinished('nntp', async () => 'POST\r\nFrom: a@b.test\r\nNewsgroups: lab.general\r\nSubject: x\r\n\r\n'),
  {
    name: '1,000 connections from one address to every port, again and again',
    prepare: async (attacker) => () =>
      attacker.repeat(async () => {
        const sockets = CLEAR.flatMap((server) => attacker.openMany(250, server))
        await Promise.all(
          sockets.map((socket) => new Promise((open) => socket.once('connect', open).once('close', open))),
        )
        for (const socket of sockets) socket.destroy()
      }, 100),
  },
  {
    name: 'slow octets before the log-on on 400 connections',
    prepare: async (attacker) => async () => {
      const sockets = CLEAR.flatMap((server) => attacker.openMany(100, server))
      await attacker.repeat(() => {
        for (const socket of sockets) socket.write('x')
      }, 20)
    },
  },
  guessing('PLAIN', PLAIN('alice', 'wrong'), ''),
  guessing('SCRAM-SHA-256', base64('n,,n=alice,r=abc'), base64('c=biws,r=abc,p=AAAA')),
  flood(
    'passwords in malformed log-ons, SMTP',
    'smtp',
    10,
    'EHLO a.test\r\n',
    `AUTH PLAIN ${PLAIN('alice', 'secret')}=x\r\nAUTH LOGIN !\r\n*\r\n`,
  ),
  flood(
    'literals of 99,999,999,999 octets',
    'imap4',
    50,
    'l LOGIN alice secret\r\n',
    'x LOGIN {99999999999+}\r\nx SELECT {99999999999999999999}\r\n',
  ),
  flood('commands of 64 KB that never end', 'imap4', 50, '', 'x'),
  flood(
    'bare CR in the header of articles',
    'nntp',
    10,
    '',
    'POST\r\nFrom: a@b.test\r\nNewsgroups: lab.general\r\nSubject: a\rX-Forged: b\r\n\r\nx\r\n.\r\n',
  ),
  {
    name: 'open mode: RCPT of 1,000 unknown names a message',
    isOpen: true,
    prepare: async (attacker) => async () => {
      const wire = await attacker.greeted('smtp')
      await wire.ask('EHLO a.test\r\n', '250 ')
      await attacker.repeat(async (round) => {
        const names = Array.from({ length: 1_000 }, (_, i) => `RCPT TO:<user${round}.${i}@lab.test>\r\n`)
        await wire.ask(`RSET\r\nMAIL FROM:<a@b.test>\r\n${names.join('')}`, '2.1.5', names.length)
      })
    },
  },
  {
    name: 'COMPRESS=DEFLATE: 20 KB that become 20 MB, on 10 connections',
    prepare: async (attacker) => {
      const bomb = deflateRawSync(Buffer.alloc(20 << 20, 'x'))
      return async () => {
        const wires = await Promise.all(Array.from({ length: 10 }, () => attacker.loggedOn()))
        await Promise.all(wires.map((wire) => wire.ask('c COMPRESS DEFLATE\r\n', 'c OK')))
        await attacker.repeat(() => {
          for (const wire of wires) wire.send(bomb)
        }, 20)
      }
    },
  },
  {
    name: 'ulimit -n 256: 400 connections',
    openFiles: 256,
    prepare: async (attacker) => () =>
      attacker.repeat(async () => {
        const sockets = CLEAR.flatMap((server) => attacker.openMany(100, server))
        await sleep(500)
        for (const socket of sockets) socket.destroy()
      }),
  },
]
