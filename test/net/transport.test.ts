import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stuffDots } from '../../src/net/dot-stuffing.ts'
import { Transport } from '../../src/net/transport.ts'

vi.mock('../../src/core/time/real-timers.ts', async (original) => {
  const { lateTimers } = await import('../support/late-timers.ts')
  return lateTimers('setTimeout', 'clearTimeout', 'performance')(original)
})

const IDLE_MS = 60_000

/** Returns a stream whose client reads each write after a delay, or never. */
function slowStream(delayMs: number | 'never') {
  const received: Buffer[] = []
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received.push(chunk)
      if (delayMs !== 'never') setTimeout(done, delayMs)
    },
  })
  return { stream, text: () => Buffer.concat(received).toString() }
}

describe('a transport over a slow stream', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends when everything is read, not before', async () => {
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

  it.each(['end', 'release'] as const)('waits no longer than the idle timeout: %s', async (how) => {
    const { stream } = slowStream('never')
    const transport = new Transport(stream, IDLE_MS, () => {})
    transport.write('never read')
    void (how === 'end' ? transport.end('server closed') : transport.release())
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1_000)
    expect(stream.destroyed).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(stream.destroyed).toBe(true)
  })
})

it('dot-stuffing copies a block with many dots, and returns views of one with few', () => {
  const dots = stuffDots(Buffer.alloc(3 << 20, '.\r\n'))
  expect(dots.length).toBe(2)
  expect(Buffer.concat(dots).equals(Buffer.concat([Buffer.alloc(4 << 20, '..\r\n'), Buffer.from('.\r\n')]))).toBe(true)
  const text = Buffer.from(`${'long line '.repeat(100)}\r\n.x\r\n`)
  const few = stuffDots(text)
  expect(Buffer.concat(few).toString()).toBe(`${'long line '.repeat(100)}\r\n..x\r\n.\r\n`)
  expect(few[0]?.buffer).toBe(text.buffer)
})
