import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { activeHandles } from '../support/open-handles.ts'

/** `npm run test:leak` sets 1,000. */
const ROUNDS = Number(process.env.SEALPOST_LABS ?? '60')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('starting and stopping labs leaks nothing', { timeout: ROUNDS * 1_000 + 60_000 }, async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => /Timeout|Immediate/.test(one)).length
  const labs: WeakRef<TestLab>[] = []
  const round = async (): Promise<void> => {
    const lab = await startLab()
    labs.push(new WeakRef(lab))
    await lab.deliver({ subject: 'hello', text: 'x'.repeat(10_000) }, { to: 'bob' })
    await lab.waitForMessage({ to: 'bob' })
    await lab.stop()
  }
  const heapOctets = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  // The first rounds load and compile code once, which is not a leak.
  for (let n = 0; n < ROUNDS / 4; n++) await round()
  const [heapBefore, handlesBefore, timersBefore] = [heapOctets(), activeHandles(), timers()]
  for (let n = 0; n < ROUNDS; n++) await round()
  // A weak reference keeps its target until the turn of the event loop ends.
  await new Promise((resolve) => setImmediate(resolve))
  const grown = heapOctets() - heapBefore
  expect(labs.filter((lab) => lab.deref() !== undefined).length).toBeLessThanOrEqual(2)
  expect(activeHandles()).toEqual(handlesBefore)
  expect(timers()).toBe(timersBefore)
  // A lab takes about 200 KB. Leaking a tenth of that per lab fails the test.
  expect(grown).toBeLessThan(4_000_000 + ROUNDS * 20_000)
})
