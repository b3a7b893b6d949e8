import type { BenchOptions, Contender, RateSuite, Target, Workload } from './types.ts'

/** The result of one contender under one workload: the median of the rounds. */
export interface Rate {
  readonly workload: string
  /** The same for all shapes of one work. */
  readonly work: string
  readonly unit: string
  readonly contender: string
  readonly perSecond: number
  /** Units per CPU second of the server. Does not depend on other programs of the machine. */
  readonly perCpuSecond: number
  /** Difference of the best and the worst round, as a share of `perCpuSecond`. */
  readonly spread: number
  /** Latencies of all rounds in milliseconds, if the workload measures them. */
  readonly latency?: { readonly p50: number; readonly p99: number }
}

/**
 * Measures every workload on every contender. All run side by side and take turns, so all see the same machine. With
 * `keepsMessages`, servers keep what the counted rounds of the workload bring: nothing of the warm-up and of others.
 */
export async function measureRates(
  { contenders, workloads, warmUps = 0.5 }: RateSuite,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<readonly Rate[]> {
  const rates: Rate[] = []
  const running: { name: string; target: Target }[] = []
  try {
    for (const contender of contenders.filter((each, i) => i === 0 || wanted(each, options, say))) {
      running.push({ name: contender.name, target: await contender.start() })
    }
    for (const workload of workloads.filter(({ name }) => name.includes(options.only ?? ''))) {
      say(`  ${workload.name}`)
      rates.push(...(await measureWorkload(workload, running, warmUps, options)))
    }
  } finally {
    for (const { target } of running) await target.stop()
  }
  return rates
}

function wanted({ name, missing }: Contender, { peer }: BenchOptions, say: (line: string) => void): boolean {
  if (peer !== undefined && !name.toLowerCase().includes(peer.toLowerCase())) return false
  const why = missing?.()
  if (why !== undefined) say(`  without ${name}: ${why}`)
  return why === undefined
}

async function measureWorkload(
  workload: Workload,
  running: readonly { name: string; target: Target }[],
  warmUps: number,
  { rounds, roundMs }: BenchOptions,
): Promise<Rate[]> {
  const samples = new Map<string, Sample[]>()
  const suited = running.filter(({ target }) => workload.suits?.(target) ?? true)
  // The first round is a warm-up.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, target } of suited) {
      if (round <= 1 || !workload.keepsMessages) await target.reset?.()
      const sample = await measureOnce(workload, target, round === 0 ? roundMs * warmUps : roundMs)
      if (round > 0) samples.set(name, [...(samples.get(name) ?? []), sample])
    }
  }
  for (const { target } of suited) await target.reset?.()
  return suited.map(({ name }) => {
    const all = samples.get(name) ?? []
    const latencies = all.flatMap(({ latencies }) => latencies).sort((a, b) => a - b)
    return {
      workload: workload.name,
      work: workload.shapeOf ?? workload.name,
      unit: workload.unit,
      contender: name,
      perSecond: median(all.map(({ perSecond }) => perSecond)),
      ...ofCpu(all.map(({ perCpuSecond }) => perCpuSecond)),
      ...(latencies.length > 0 && { latency: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) } }),
    }
  })
}

function ofCpu(values: readonly number[]): Pick<Rate, 'perCpuSecond' | 'spread'> {
  const perCpuSecond = median(values)
  return { perCpuSecond, spread: (Math.max(...values) - Math.min(...values)) / perCpuSecond }
}

interface Sample {
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly latencies: readonly number[]
}

async function measureOnce(workload: Workload, target: Target, ms: number): Promise<Sample> {
  const latencies: number[] = []
  const cpuBefore = target.cpuSeconds()
  const before = performance.now()
  const units = await workload.run(target, before + ms, (took) => latencies.push(took))
  const seconds = (performance.now() - before) / 1000
  const cpuSeconds = Math.max(0.01, target.cpuSeconds() - cpuBefore)
  return { perSecond: units / seconds, perCpuSecond: units / cpuSeconds, latencies }
}

/** @param sorted ascending, not empty */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
