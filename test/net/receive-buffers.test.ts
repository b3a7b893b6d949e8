import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { runInNewContext } from 'node:vm'
import nodemailer from 'nodemailer'
import { afterEach, describe, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../src/testing/index.ts'

let lab: TestLab
afterEach(() => lab.stop())

/** Whether the garbage collection was asked for, and is one of the young generation. */
const isForcedMinor = (entry: PerformanceEntry): boolean => {
  const { kind, flags } = (entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }).detail
  return kind === constants.NODE_PERFORMANCE_GC_MINOR && flags === constants.NODE_PERFORMANCE_GC_FLAGS_FORCED
}

describe('buffers of received octets', () => {
  it('are freed while messages arrive, without showing gc to the program', async () => {
    // Another test of the process may have exposed it.
    const before = [typeof globalThis.gc, runInNewContext('typeof gc')]
    lab = await startLab()
    let isFreed = false
    const observer = new PerformanceObserver((list) => {
      isFreed ||= list.getEntries().some(isForcedMinor)
    })
    observer.observe({ entryTypes: ['gc'] })
    const client = nodemailer.createTransport(lab.nodemailer())
    try {
      // Another thread of the process may hide V8's function at the first attempt: the next 8 MiB make another.
      for (let n = 0; n < 20 && !isFreed; n++)
        await client.sendMail({ from: 'a@lab.test', to: 'b@lab.test', subject: 'Large', text: 'x'.repeat(2_000_000) })
      await expect.poll(() => isFreed).toBe(true)
    } finally {
      observer.disconnect()
      client.close()
    }
    expect([typeof globalThis.gc, runInNewContext('typeof gc')]).toEqual(before)
  })
})
