import { once } from 'node:events'
import { connect } from 'node:net'
import { startLab } from '../../src/index.ts'

/** Measures the first `startLab()` of a process: milliseconds to the first greeting. */
const before = performance.now()
const lab = await startLab()
const socket = connect({ host: '127.0.0.1', port: lab.server('smtp').port ?? 0 })
await once(socket, 'data')
const ms = performance.now() - before
socket.destroy()
process.send?.({ port: 0, note: ms.toFixed(1) })
process.on('SIGTERM', async () => {
  await lab.stop()
  process.exit(0)
})
