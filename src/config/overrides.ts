import { type Mistake, type Path, type Place, valueAt } from './mistakes.ts'
import { protocols } from './schema.ts'

/** A value from outside the file (an environment variable, an option) that takes the place of what the file says. */
export interface Override {
  /** What to call it in messages: `SEALPOST_PORT_OFFSET`, `--port-offset`. */
  readonly origin: string
  /** `*` stands for every item of a list. */
  readonly path: Path
  readonly value: unknown
}

/** The input with the overrides in place. */
export function withOverrides(input: unknown, overrides: readonly Override[]): unknown {
  if (overrides.length === 0 || typeof input !== 'object' || input === null || Array.isArray(input)) return input
  const changed = structuredClone(input) as Record<string, unknown>
  for (const { path, value } of overrides) {
    if (path[0] === 'virtualServers') changed.virtualServers ??= protocols.map((protocol) => ({ protocol }))
    put(changed, path, value)
  }
  return changed
}

function put(target: unknown, [step, ...rest]: Path, value: unknown): void {
  if (typeof target !== 'object' || target === null || step === undefined) return
  const steps = step === '*' ? Object.keys(target) : [step]
  for (const each of steps) {
    if (rest.length === 0) Object.assign(target, { [each]: value })
    else put(valueAt(target, [each]), rest, value)
  }
}

/** Mistakes in what an override gave are told by its name, once; all others by where they stand. */
export function placeByOrigin(overrides: readonly Override[], place: Place): Place {
  return (mistake) => {
    const override = overrides.findLast(({ path }) => covers(path, mistake))
    return override ? { line: `${override.origin}: ${mistake.message}`, offset: 0 } : place(mistake)
  }
}

function covers(path: Path, mistake: Mistake): boolean {
  return path.every((step, index) => step === mistake.path[index] || (step === '*' && index < mistake.path.length))
}
