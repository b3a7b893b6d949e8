import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Intake } from '../../src/core/octets/received-octets.ts'
import { seededRandom } from '../../src/core/values/random.ts'
import { BlockReader } from '../../src/net/dot-stuffing.ts'
import { Input } from '../../src/net/input.ts'
import { isThorough } from '../support/thorough.ts'

/** Returns the block at the beginning of `octets`, and what follows it: a literal reading of RFC 3977 section 3.1.1. */
function expected(octets: string): { block: string; rest: string } | undefined {
  const lines = octets.split('\r\n')
  const end = lines.slice(0, -1).indexOf('.')
  if (end === -1) return undefined
  const block = lines.slice(0, end).map((line) => `${line.startsWith('.') ? line.slice(1) : line}\r\n`)
  return { block: block.join(''), rest: lines.slice(end + 1).join('\r\n') }
}

/** Returns the same from the reader, which receives the octets in pieces, the first one together with a command. */
function collected(pieces: readonly string[], command = ''): { block: string; rest: string } | undefined {
  const input = new Input()
  const source = new PassThrough()
  input.attach(source)
  const [first = '', ...others] = pieces
  for (const piece of [command + first, ...others]) source.emit('data', Buffer.from(piece, 'latin1'))
  if (command !== '') expect(input.takeLine(512, 'latin1')).toBe(command.trimEnd())
  const received = new Intake().receive()
  const reader = new BlockReader(1_000_000, received)
  while (input.heldOctets > 0) {
    reader.take(input)
    if (!reader.isComplete) continue
    const block = Buffer.concat(received.pieces ?? []).toString('latin1')
    return { block, rest: input.take(input.heldOctets).toString('latin1') }
  }
  return undefined
}

const ROUNDS = isThorough ? 20_000 : 4_000

test('a block ends at its final dot and nowhere else, however its octets are split', () => {
  const random = seededRandom(3977)
  const below = (limit: number): number => Math.floor(random() * limit)
  const words = ['\r', '\n', '.', '\r\n', '\r\n.', '\r\n.\r\n', '.\r\n', 'x', '..', '\r\n..\r\n']
  let ends = 0
  for (let round = 0; round < ROUNDS; round++) {
    const octets = Array.from({ length: 1 + below(8) }, () => words[below(words.length)]).join('')
    const pieces: string[] = []
    for (let at = 0; at < octets.length; ) {
      const next = at + 1 + below(4)
      pieces.push(octets.slice(at, next))
      at = next
    }
    const found = collected(pieces)
    expect({ pieces, found }).toEqual({ pieces, found: expected(octets) })
    expect({ pieces, found: collected(pieces, 'POST\r\n') }).toEqual({ pieces, found })
    if (found) ends++
  }
  expect(ends).toBeGreaterThan(ROUNDS / 4)
})

test('a block that arrives one octet at a time is held in few pieces', () => {
  for (const octets of [1_020, 1_021, 1_022, 1_023, 1_024, 1_025, 2_046, 2_048, 100_000]) {
    const intake = new Intake()
    const message = intake.receive()
    const reader = new BlockReader(1_000_000, message)
    const input = new Input()
    const source = new PassThrough()
    input.attach(source)
    const line = `${'.x'.repeat(octets / 2)}${octets % 2 ? 'y' : ''}\r\n`
    const received = [...`.${line}.\r\n`].map((octet) => Buffer.from(octet))
    const isComplete = received.map((piece) => {
      source.emit('data', piece)
      reader.take(input)
      return reader.isComplete
    })
    expect(isComplete.indexOf(true)).toBe(received.length - 1)
    const pieces = message.pieces ?? []
    expect(Buffer.concat(pieces).toString()).toBe(line)
    // Each piece takes hundreds of octets of memory.
    expect(pieces.length).toBeLessThan(1_024)
    expect(intake.memory.usage.messages).toBeLessThan(octets + 1_024 * 200)
  }
})
