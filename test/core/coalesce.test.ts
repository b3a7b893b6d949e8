import { expect, it } from 'vitest'
import { coalesce } from '../../src/core/async/coalesce.ts'
import { deferred } from '../tls/pki/support.ts'

it('runs once more for all calls that arrive during a run', async () => {
  const runs = [deferred(), deferred()]
  let started = 0
  const call = coalesce(() => runs[started++]?.promise ?? Promise.resolve())
  call()
  call()
  call()
  expect(started).toBe(1)
  runs[0]?.resolve()
  await expect.poll(() => started).toBe(2)
  runs[1]?.resolve()
  await runs[1]?.promise
  await new Promise((resolve) => setImmediate(resolve))
  expect(started).toBe(2)
  call()
  expect(started).toBe(3)
})
