// node prof.mjs nntp|imap|pop3 WORDS [ms]
import { fork } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, mkdirSync } from 'node:fs'
const [name, only, ms = '4000', noprof] = process.argv.slice(2)
const { suite } = await import(`../bench/suites/${name}.js`)
const procs = await import('../bench/frame/processes.js')
const dir = new URL('./prof/', import.meta.url).pathname
rmSync(dir, { recursive: true, force: true }); mkdirSync(dir)
// patch fork's execArgv by env
if (!noprof) process.env.BENCH_ARGV = `--cpu-prof --cpu-prof-dir=${dir} --cpu-prof-interval=200`
const target = await suite.contenders[0].start()
const w = suite.workloads.find((w) => w.name.includes(only))
await w.run(target, performance.now() + 1500)
const c0 = target.cpuSeconds(), t0 = performance.now()
const n = await w.run(target, performance.now() + Number(ms))
const cpu = target.cpuSeconds() - c0
console.log(w.name, 'per s', Math.round(n / (performance.now() - t0) * 1000), 'per cpu s', Math.round(n / cpu), 'us cpu', (cpu / n * 1e6).toFixed(2))
await target.stop()
if (noprof) process.exit(0)
const prof = JSON.parse(readFileSync(dir + readdirSync(dir)[0], 'utf8'))
const self = new Map(); const byId = new Map(prof.nodes.map((n) => [n.id, n]))
let total = 0
prof.samples.forEach((id, i) => { const n = byId.get(id); const d = prof.timeDeltas[i]; const k = `${n.callFrame.functionName || '(anon)'} ${n.callFrame.url.split('/').slice(-2).join('/')}:${n.callFrame.lineNumber + 1}`; self.set(k, (self.get(k) ?? 0) + d); total += d })
const idle = self.get([...self.keys()].find((k) => k.startsWith('(idle)'))) ?? 0
for (const [k, d] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 45)) console.log((d / (total - idle) * 100).toFixed(1).padStart(6), k)
