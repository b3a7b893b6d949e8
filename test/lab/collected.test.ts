import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { LineClient } from '../support/line-client.ts'
import { listeningPorts } from '../support/open-handles.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Starts, uses and stops a lab, and returns weak references to its parts. */
async function useLab(): Promise<WeakRef<object>[]> {
  const lab = await startLab()
  const client = await LineClient.openTls(lab.server('pop3').tlsPort ?? 0, lab.ca)
  await client.line()
  await lab.deliver('Subject: x\r\n\r\nbody\r\n', { to: 'bob@lab.test' })
  await lab.stop()
  client.destroy()
  return [new WeakRef(lab), new WeakRef(lab.certificates)]
}

it('20 stopped labs are garbage-collected and leave no handles open', async () => {
  const refs: WeakRef<object>[] = []
  for (let i = 0; i < 20; i++) refs.push(...(await useLab()))
  const reachable = (): number => refs.filter((ref) => ref.deref() !== undefined).length
  // The last events of sockets come in later turns of the event loop.
  for (let turn = 0; turn < 100 && reachable() > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    collectGarbage()
  }
  expect(reachable()).toBe(0)
  expect(listeningPorts()).toEqual([])
})
