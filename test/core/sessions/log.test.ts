import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import { SessionLog } from '../../../src/core/sessions/log.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { systemClock } from '../../../src/core/time/clock.ts'

const start = {
  virtualServer: 'A',
  protocol: 'nntp',
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  localAddress: '127.0.0.1',
  localPort: 2,
}

/** Records long lines in a worker whose heap is smaller than the lines together, and sends the last record. */
const recordLongLines = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData.module).then(({ SessionLog }) => {
    const log = new SessionLog({ now: () => 0 })
    const recorder = log.open(workerData.start)
    for (let i = 0; i < 1_000; i++) {
      const long = Buffer.alloc(60_000, 'x').toString('utf8')
      recorder.line('in', long)
      recorder.refused(long)
    }
    parentPort.postMessage(recorder.record)
  })
`

describe('the session log', () => {
  it('keeps only the part of a long line that it shows', async () => {
    const module = new URL('../../../dist/src/core/sessions/log.js', import.meta.url).href
    const worker = new Worker(recordLongLines, {
      eval: true,
      workerData: { module, start },
      resourceLimits: { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 8 },
    })
    const [record] = (await once(worker, 'message')) as [SessionRecord]
    expect(record.transcript).toHaveLength(2_000)
    expect(record.transcript[0]).toMatchObject({ text: `${'x'.repeat(1_000)}… (60000 characters)` })
    await worker.terminate()
  })

  it('counts records in the memory of the lab, and gives the memory back', () => {
    const memory = new MemoryBudget()
    const log = new SessionLog(systemClock, memory)
    const recorder = log.open(start)
    const { transcripts } = memory.usage
    for (let i = 0; i < 10; i++) {
      recorder.line('in', 'x'.repeat(60_000))
      recorder.octets('in', 5)
    }
    recorder.hello({ versions: [], suites: [], alpn: ['x'.repeat(200)] })
    expect(memory.usage.transcripts - transcripts).toBeGreaterThan(10 * 1_000)
    expect(memory.usage.transcripts - transcripts).toBeLessThan(10 * 1_500)
    log.clear()
    // The record of an open session begins again.
    expect(memory.usage.transcripts).toBeLessThan(transcripts + 1_000)
    recorder.end('client closed')
    log.clear()
    expect(memory.usage.transcripts).toBe(0)
    recorder.line('in', 'after')
    expect(memory.usage.transcripts).toBe(0)
  })

  it('keeps no transcript of an open session whose record was deleted', () => {
    const log = new SessionLog(systemClock)
    const open = log.open(start)
    open.line('in', 'NOOP')
    for (let i = 0; i < 1_000; i++) log.open(start)
    open.line('in', 'NOOP')
    open.octets('in', 5)
    open.refused('why')
    expect(open.record).toMatchObject({ transcript: [], refusals: [] })
  })

  it('deletes the oldest sessions when all transcripts together are too long', () => {
    const log = new SessionLog(systemClock)
    for (let i = 0; i < 100; i++) {
      const recorder = log.open(start)
      for (let line = 0; line < 2_000; line++) recorder.line('in', 'x'.repeat(990))
      recorder.end('client closed')
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
