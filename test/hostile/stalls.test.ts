import { describe, expect, test, vi } from 'vitest'
import { some } from '../support/thorough.ts'
import { repeated } from './bodies.ts'
import { noopsDuringDelivery, shortenSlices, startDuel } from './support.ts'

const MEGABYTE = 1 << 20

/** NOOPs that must be answered during an attack. Without pauses, one or two are. */
const NOOPS = 10

/** A message with a message inside, which has a message inside, and so on. */
const nested = (levels: number): string => repeated('Content-Type: message/rfc822\r\n\r\n', 32 * levels)

const digest = (parts: number, part: string): string =>
  `Content-Type: multipart/digest; boundary=b\r\n\r\n${`--b\r\n\r\n${part}\r\n`.repeat(parts)}--b--\r\n`

const words = (octets: number): string => `Subject: ${repeated('=?a?q??=', octets)}\r\n`

/** A message whose headers take as long as they can, in every part. */
const manyHeaders = (octets: number): string => digest(octets / (64 * 1024), `${words(60 * 1024)}\r\n`)

interface Attack {
  readonly name: string
  readonly mail: () => readonly string[]
  readonly command: string
  readonly reply?: RegExp
}

const attacks: readonly Attack[] = [
  {
    name: 'SEARCH of many words in one long message',
    mail: () => [`\r\n${repeated('some words ', 2 * MEGABYTE)}`],
    command: `SEARCH ${Array.from({ length: 50 }, (_, i) => `NOT BODY x${i}`).join(' ')}`,
    reply: /^\* SEARCH 1$/,
  },
  {
    name: 'SEARCH for words of one message in all of its headers',
    mail: () => [manyHeaders(4 * MEGABYTE)],
    command: 'SEARCH TEXT absent',
    reply: /^\* SEARCH$/,
  },
  {
    name: 'SEARCH of an unlabelled text that is not UTF-8',
    mail: () => [`\r\n${repeated('\xe9t\xe9\n', 4 * MEGABYTE)}`],
    command: 'SEARCH BODY absent',
  },
  {
    name: 'SEARCH of a text in quoted-printable',
    mail: () => [
      `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${repeated('=CC=81=\n', 8 * MEGABYTE)}`,
    ],
    command: 'SEARCH BODY absent',
  },
  {
    name: 'SEARCH for many words in many short messages',
    mail: () => Array.from({ length: 5 }, (_, i) => `\r\n${repeated(`some words ${i} `, 4_000)}`),
    command: `SEARCH ${Array.from({ length: 200 }, (_, i) => `NOT BODY x${i}`).join(' ')}`,
  },
  {
    name: 'FETCH BODYSTRUCTURE of many nested messages',
    mail: () => [digest(100, nested(50))],
    command: 'FETCH 1 BODYSTRUCTURE',
  },
  {
    name: 'FETCH BODY of many nested messages',
    mail: () => [digest(100, nested(50))],
    command: 'FETCH 1 BODY',
  },
  {
    name: 'FETCH of a part of a message with many parts',
    mail: () => [digest(9_000, '\r\n')],
    command: 'FETCH 1 BODY.PEEK[9000]',
  },
  {
    name: 'FETCH PREVIEW of a message with many lines that look like boundaries',
    mail: () => [`Content-Type: multipart/mixed; boundary=b\r\n\r\n${repeated('--x\n', 4 * MEGABYTE)}`],
    command: 'FETCH 1 PREVIEW',
  },
  {
    name: 'FETCH of the size of a decoded part, many times',
    mail: () => [`MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n${repeated('YWJj', MEGABYTE)}`],
    command: `FETCH 1 (${Array(60).fill('BINARY.SIZE[1]').join(' ')})`,
  },
]

describe('other sessions are served during', () => {
  test.each(some(attacks, 4))('$name', async ({ mail, command, reply = /^x OK/ }) => {
    await using duel = await startDuel(mail())
    shortenSlices()
    const outcome = await duel.attack(command)
    expect(outcome.reply.some((line) => reply.test(line))).toBe(true)
    expect(outcome.noops).toBeGreaterThanOrEqual(NOOPS)
  })

  test('LIST with many long patterns', async () => {
    await using duel = await startDuel([])
    await duel.attack(`CREATE ${'a'.repeat(500)}`)
    shortenSlices()
    const patterns = Array.from({ length: 180 }, (_, i) => `${'*a'.repeat(150)}${i}`)
    const { reply, noops } = await duel.attack(`LIST "" (${patterns.join(' ')})`)
    expect(reply).toEqual(['x OK LIST completed'])
    expect(noops).toBeGreaterThanOrEqual(NOOPS)
  })

  test.each(['MOVE 1:* Other', 'STORE 1:* +FLAGS.SILENT (a)'])('%s of many messages', async (command) => {
    await using duel = await startDuel(Array(12).fill('Subject: x\r\n\r\n'))
    for (let doubled = 0; doubled < 10; doubled++) await duel.attack('COPY 1:* INBOX')
    await duel.attack('CREATE Other')
    let turn = 0
    let counter = setImmediate(function count() {
      turn++
      counter = setImmediate(count)
    })
    const changedIn = new Set<number>()
    duel.lab.store.watch(() => changedIn.add(turn))
    shortenSlices()
    const { reply } = await duel.attack(command).finally(() => clearImmediate(counter))
    expect(reply.at(-1)).toMatch(/^x OK/)
    expect(changedIn.size).toBeGreaterThanOrEqual(6) // a slice ends when the clock is read, which happens twice in each turn
    if (command.startsWith('STORE')) return
    // The numbers of the messages, in the same order.
    expect(reply[0]).toMatch(/^\* OK \[COPYUID \d+ 1:12288 1:12288\] Moved$/)
    expect((await duel.attack('STATUS Other (MESSAGES)')).reply[0]).toBe('* STATUS Other (MESSAGES 12288)')
  })

  test.each([
    ['with many Bcc fields', repeated('Bcc: a@b\r\n', MEGABYTE)],
    ['with many header fields, one of them Bcc', `${repeated('a:\r\n', MEGABYTE)}Bcc: a@b\r\n\r\n`],
  ])('the delivery of a message %s', async (_name, message) => {
    const noops = await noopsDuringDelivery(message)
    expect(noops).toBeGreaterThanOrEqual(NOOPS)
  })

  test('the arrival of a message of bare LFs', async () => {
    const noops = await noopsDuringDelivery(`\r\n${repeated('\n', 4 * MEGABYTE)}`, 'arrival')
    expect(noops).toBeGreaterThanOrEqual(NOOPS)
  })
})

test('the store changes a few thousand messages at a time', async () => {
  await using duel = await startDuel(Array(6).fill('Subject: x\r\n\r\n'))
  const { store } = duel.lab
  for (let doubled = 0; doubled < 10; doubled++) await duel.attack('COPY 1:* INBOX')
  const changes = [vi.spyOn(store, 'setFlags'), vi.spyOn(store, 'expunge')]
  for (const command of ['FETCH 1:* BODY[HEADER]', 'STORE 1:* +FLAGS (\\Deleted)', 'EXPUNGE']) {
    expect((await duel.attack(command)).reply.at(-1)).toMatch(/^x OK/)
  }
  const counts = changes.flatMap(({ mock }) => mock.calls.map(([, uids]) => uids.length))
  expect(counts).toEqual([5_000, 1_144, 5_000, 1_144, 5_000, 1_144])
  expect((await duel.attack('STATUS INBOX (MESSAGES)')).reply[0]).toBe('* STATUS INBOX (MESSAGES 0)')
})
