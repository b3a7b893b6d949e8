import { readdirSync, readFileSync } from 'node:fs'

const PAGE_OCTETS = 4096
const SAMPLE_MS = 20

interface ProcessFacts {
  readonly cpuSeconds: number
  readonly residentPages: number
}

/**
 * Measures CPU time and memory of a process and all its descendants. The CPU time of a descendant that ends is lost unless
 * its parent waits for it (Dovecot does not), so each one's usage is read every few milliseconds.
 */
export class ProcessTree {
  readonly #root: number
  readonly #cpuSeconds = new Map<number, number>()
  readonly #timer: NodeJS.Timeout

  constructor(root: number) {
    this.#root = root
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  cpuSeconds(): number {
    this.#sample()
    let seconds = 0
    for (const used of this.#cpuSeconds.values()) seconds += used
    return seconds
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
      this.#cpuSeconds.set(pid, Math.max(facts.cpuSeconds, this.#cpuSeconds.get(pid) ?? 0))
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
  // proc_pid_stat(5).
  return { cpuSeconds: cpuSecondsOf(pid), residentPages: field(24) }
}

/** Returns the CPU time of the threads. It is exact, unlike the hundredths of a second in `stat`. */
function cpuSecondsOf(pid: number): number {
  let nanoseconds = 0
  for (const thread of threadsOf(pid)) {
    const [running = '0'] = (read(`/proc/${pid}/task/${thread}/schedstat`) ?? '').split(' ')
    nanoseconds += Number(running)
  }
  return nanoseconds / 1e9
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
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
