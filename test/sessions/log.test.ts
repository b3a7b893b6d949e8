import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/common/clock.ts'
import { SessionLog } from '../../src/sessions/log.ts'

const start = {
  virtualServer: 'A',
  protocol: 'nntp',
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  localAddress: '127.0.0.1',
  localPort: 2,
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('the session log', () => {
  it('keeps only the part of a long line that it shows', () => {
    const log = new SessionLog(systemClock)
    const recorder = log.open(start)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 1_000; i++) {
      const long = Buffer.alloc(60_000, 'x').toString('utf8')
      recorder.line('in', long)
      recorder.refused(long)
    }
    collect()
    expect(recorder.record.transcript[0]).toMatchObject({ text: `${'x'.repeat(1_000)}… (60000 characters)` })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16_000_000)
  })

  it('deletes the oldest sessions when all transcripts together are too long', () => {
    const log = new SessionLog(systemClock)
    for (let i = 0; i < 100; i++) {
      const recorder = log.open(start)
      for (let line = 0; line < 2_000; line++) recorder.line('in', 'x'.repeat(990))
    }
    expect(log.list().length).toBeLessThan(40)
    expect(log.list().at(-1)?.id).toBe('nntp-100')
    log.clear()
    log.open(start)
    expect(log.list()).toHaveLength(1)
  })

  it('masks a password after any white space before its command', () => {
    const recorder = new SessionLog(systemClock).open(start)
    recorder.line('in', ' \tAUTHINFO \t PASS secret')
    expect(recorder.record.transcript[0]).toMatchObject({ text: ' \tAUTHINFO \t PASS ***' })
  })
})
