import { appendFileSync } from 'node:fs'

/**
 * Loaded into a lab (`--import`): appends turns of the event loop that take much CPU time to the file BENCH_TURNS, as the
 * time of day and the CPU time, both in milliseconds. The CPU time does not depend on what else the machine does, but
 * includes other threads of the process.
 */
const file = process.env.BENCH_TURNS
const MANY_MS = 10
const EVERY_MS = 5

let before = process.cpuUsage()
setInterval(() => {
  const { user, system } = process.cpuUsage(before)
  const usedMs = (user + system) / 1000
  if (file !== undefined && usedMs > MANY_MS) appendFileSync(file, `${Date.now()} ${usedMs.toFixed(0)}\n`)
  before = process.cpuUsage()
}, EVERY_MS).unref()
