import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { abortAfter } from '../../src/core/time/abort-after.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

it('aborts after its time, also if garbage is collected while a listener waits', async () => {
  const other = new AbortController()
  const reasons: string[] = []
  const listen = (): void => {
    const { signal } = abortAfter(50, other.signal)
    signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name))
  }
  for (let i = 0; i < 20; i++) listen()
  for (let i = 0; i < 5; i++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  await expect.poll(() => reasons).toEqual(Array(20).fill('TimeoutError'))
})

it('aborts with the other signal and its reason, and no more once it is released', () => {
  const other = new AbortController()
  using first = abortAfter(60_000, other.signal)
  const second = abortAfter(60_000, other.signal)
  second[Symbol.dispose]()
  other.abort(new Error('stopped'))
  expect((first.signal.reason as Error).message).toBe('stopped')
  expect(second.signal.aborted).toBe(false)
  using third = abortAfter(60_000, other.signal)
  expect(third.signal.aborted).toBe(true)
})
