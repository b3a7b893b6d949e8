import { readdirSync, readFileSync } from 'node:fs'

/** `getconf CLK_TCK` of every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100
const PAGE_OCTETS = 4096

interface ProcessFacts {
  readonly parent: number
  readonly ticks: number
  readonly residentPages: number
}

/** CPU seconds of a process, its children, theirs, and those of them that have ended. proc_pid_stat(5). */
export const cpuSecondsOf = (root: number): number =>
  treeOf(root).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND

export const memoryOctetsOf = (root: number): number =>
  treeOf(root).reduce((sum, { residentPages }) => sum + residentPages, 0) * PAGE_OCTETS

function treeOf(root: number): readonly ProcessFacts[] {
  const all = new Map<number, ProcessFacts>()
  for (const name of readdirSync('/proc')) {
    const facts = /^\d+$/.test(name) ? factsOf(name) : undefined
    if (facts) all.set(Number(name), facts)
  }
  const tree = new Map<number, ProcessFacts>()
  const add = (pid: number): void => {
    const facts = all.get(pid)
    if (!facts || tree.has(pid)) return
    tree.set(pid, facts)
    for (const [child, { parent }] of all) if (parent === pid) add(child)
  }
  add(root)
  return [...tree.values()]
}

/** Undefined where the process has ended in between. */
function factsOf(pid: string): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command's name, in parentheses, may hold anything; the fields after it are counted from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const field = (number: number): number => Number(fields[number - 3])
    return {
      parent: field(4),
      ticks: field(14) + field(15) + field(16) + field(17),
      residentPages: field(24),
    }
  } catch {
    return undefined
  }
}
