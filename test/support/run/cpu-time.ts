import { readFileSync } from 'node:fs'
import { afterAll } from 'vitest'

// Notes how much CPU time a file takes, with the programs that it starts, for the list of the slowest files: unlike its
// duration, this hardly depends on what else runs.

declare module 'vitest' {
  interface TaskMeta {
    /** From the setup of a file to its end, in milliseconds. */
    cpuMs?: number
  }
}

const before = cpuMs()

// vitest requires this form for hooks that get the suite.
// biome-ignore lint/correctness/noEmptyPattern: vitest wants a pattern for the fixtures, and this one uses none
afterAll(({}, { file }) => {
  file.meta.cpuMs = cpuMs() - before
})

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 + childrenMs()
}

/** Returns the CPU time of the programs that this process has started and that have ended. 0 where only Linux knows. */
function childrenMs(): number {
  if (process.platform !== 'linux') return 0
  // proc_pid_stat(5): cutime and cstime, in hundredths of a second. The second field, in parentheses, may contain spaces.
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return 10 * (Number(fields[13]) + Number(fields[14]))
}
