import { startLab } from '../../../src/testing/index.ts'

/** Starts and stops labs one after another. Reports how much the heap grew from the first tenth of them to the last. */
const { labs } = JSON.parse(process.argv[2] ?? '{}') as { labs: number }
const heap = (): number => {
  global.gc?.()
  return process.memoryUsage().heapUsed
}
let before = 0
for (let i = 0; i < labs; i++) {
  const lab = await startLab()
  await lab.deliver('Subject: x\r\n\r\nbody\r\n', { to: 'bob@lab.test' })
  await lab.stop()
  if (i === labs / 10) before = heap()
}
const grown = heap() - before
process.send?.({
  port: 0,
  note: `heap grew ${(grown / 1024).toFixed(0)} KB, ${(grown / labs / 0.9) | 0} octets per lab`,
})
process.on('SIGTERM', () => process.exit(0))
