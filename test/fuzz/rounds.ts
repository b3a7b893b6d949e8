/** Minutes of each target; 0 for a number of rounds. The weekly workflow sets 60. */
const minutes = Number(process.env.SEALPOST_FUZZ_MINUTES ?? '0')

/** Returns the seed of a target: given, random if targets run for minutes, or else `usual`. */
export const seedOf = (usual: number): number =>
  Number(process.env.SEALPOST_FUZZ_SEED ?? (minutes > 0 ? Date.now() % 1e9 : usual))

/** Milliseconds of a target that has several parts, in each of them. Undefined: a number of rounds. */
export const timeOf = (parts = 1): number | undefined => (minutes > 0 ? (minutes * 60_000) / parts : undefined)

/** Yields the numbers of the rounds of a target: `count`, or as many as fit into its time, which are printed. */
export function* roundsOf(target: string, count: number, parts = 1): Generator<number, void, void> {
  const timeMs = timeOf(parts)
  const startedAt = performance.now()
  let round = 0
  while (timeMs === undefined ? round < count : performance.now() - startedAt < timeMs) yield round++
  if (timeMs !== undefined) console.log(`${target}: ${round} executions`)
}
