import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stuff } from '../../src/net/dot-stuffing.ts'
import { Transport } from '../../src/net/transport.ts'

const IDLE_MS = 60_000

/** A client that takes each write so long after the one before; `never`: none. */
function slowStream(takes: number | 'never') {
  const taken: Buffer[] = []
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk)
      if (takes !== 'never') setTimeout(done, takes)
    },
  })
  return { stream, text: () => Buffer.concat(taken).toString() }
}

describe('a transport over a slow stream', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends once everything is taken, not before', async () => {
    const { stream, text } = slowStream(10_000)
    const transport = new Transport(stream, IDLE_MS, () => {})
    transport.write('one ')
    transport.flush()
    transport.write('two')
    transport.end('server closed')
    await vi.advanceTimersByTimeAsync(50_000)
    expect(text()).toBe('one two')
    expect(await transport.closed).toBe('server closed')
  })

  it.each(['end', 'release'] as const)('waits no longer than a client may be idle: %s', async (how) => {
    const { stream } = slowStream('never')
    const transport = new Transport(stream, IDLE_MS, () => {})
    transport.write('never taken')
    void (how === 'end' ? transport.end('server closed') : transport.release())
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1_000)
    expect(stream.destroyed).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(stream.destroyed).toBe(true)
  })
})

it('a block of dots alone is stuffed in one piece, one of few dots in views', () => {
  const dots = stuff(Buffer.alloc(3 << 20, '.\r\n'))
  expect(dots.length).toBe(2)
  expect(Buffer.concat(dots).equals(Buffer.concat([Buffer.alloc(4 << 20, '..\r\n'), Buffer.from('.\r\n')]))).toBe(true)
  const text = Buffer.from(`${'long line '.repeat(100)}\r\n.x\r\n`)
  const few = stuff(text)
  expect(Buffer.concat(few).toString()).toBe(`${'long line '.repeat(100)}\r\n..x\r\n.\r\n`)
  expect(few[0]?.buffer).toBe(text.buffer)
})
