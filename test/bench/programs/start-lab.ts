import { once } from 'node:events'
import { connect } from 'node:net'
import { median } from '../frame/measure.ts'

const FURTHER_LABS = 20

/**
 * Imports the built library and starts a lab: milliseconds to the first greeting. Then measures the CPU time of further
 * labs in the same process.
 */
const { library } = JSON.parse(process.argv[2] ?? '{}') as { library: string }
const before = performance.now()
const { startLab } = (await import(library)) as typeof import('../../../src/testing/index.ts')
const lab = await startLab()
const socket = connect({ host: '127.0.0.1', port: lab.server('smtp').port ?? 0 })
await once(socket, 'data')
const ms = performance.now() - before
socket.destroy()
const further: number[] = []
for (let round = 0; round < FURTHER_LABS; round++) {
  const used = process.cpuUsage()
  const another = await startLab()
  const { user, system } = process.cpuUsage(used)
  further.push((user + system) / 1000)
  await another.stop()
}
await lab.stop()
process.send?.({ port: 0, note: `${ms.toFixed(1)} ${median(further).toFixed(1)}` })
