import { readFileSync } from 'node:fs'

/** `getconf CLK_TCK` on every Linux that Node.js supports. */
const TICKS_PER_SECOND = 100
const PAGE_OCTETS = 4096
const SAMPLE_MS = 20

interface ProcessFacts {
  readonly ticks: number
  readonly residentPages: number
}

/**
 * Measures CPU time and memory of a process and all its descendants. The CPU time of a descendant that ends is lost unless
 * its parent waits for it (Dovecot does not), so each one's usage is read every few milliseconds. proc_pid_stat(5).
 */
export class ProcessTree {
  readonly #root: number
  readonly #ticks = new Map<number, number>()
  readonly #timer: NodeJS.Timeout

  constructor(root: number) {
    this.#root = root
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  cpuSeconds(): number {
    this.#sample()
    let ticks = 0
    for (const used of this.#ticks.values()) ticks += used
    return ticks / TICKS_PER_SECOND
  }

  memoryOctets(): number {
    return this.#sample().reduce((sum, { residentPages }) => sum + residentPages, 0) * PAGE_OCTETS
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sample(): readonly ProcessFacts[] {
    const found: ProcessFacts[] = []
    const into = (pid: number): void => {
      const facts = factsOf(pid)
      if (!facts) return
      found.push(facts)
      this.#ticks.set(pid, facts.ticks)
      for (const child of childrenOf(pid)) into(child)
    }
    into(this.#root)
    return found
  }
}

/** Returns undefined if the process has ended. */
function factsOf(pid: number): ProcessFacts | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The command name in parentheses can contain anything. The fields after it are numbered from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return { ticks: field(14) + field(15), residentPages: field(24) }
}

const childrenOf = (pid: number): number[] =>
  (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').flatMap((text) => (text === '' ? [] : [Number(text)]))

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
