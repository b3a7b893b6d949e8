import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Wire } from '../bench/frame/wire.js'
import { ProcessTree } from '../bench/frame/proc.js'
for (const mode of process.argv.slice(2)) {
  const child = fork(new URL('./echo.mjs', import.meta.url).pathname, [mode], { execArgv: ['--no-deprecation'] })
  const [{ port }] = await once(child, 'message')
  const tree = new ProcessTree(child.pid)
  const wire = await Wire.open({ host: '127.0.0.1', port })
  for (const ms of [700, 2500]) {
    const c0 = tree.cpuSeconds(), t0 = performance.now(); let n = 0
    for (; performance.now() - t0 < ms; n++) await wire.ask('GROUP bench.read\r\n', 'bench.read\r\n')
    if (ms > 1000) console.log(mode, 'per s', Math.round(n / (performance.now() - t0) * 1000), 'us cpu', ((tree.cpuSeconds() - c0) / n * 1e6).toFixed(2))
  }
  wire.close(); tree.stop(); child.kill()
}
process.exit(0)
