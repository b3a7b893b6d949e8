import { ConfigError, inOrder, type Mistake, type Path, type Place, placeByPath, valueAt } from './mistakes.ts'
import { type ResolvedLab, resolveLab } from './resolve.ts'
import { warnings } from './rules.ts'
import { type LabConfig, type LabInput, protocols } from './schema.ts'
import { validate } from './validate.ts'

/** A configuration that was read and found right. */
export interface LoadedConfig {
  readonly lab: ResolvedLab
  /** What works but should be known; one line each, with its place. */
  readonly warnings: readonly string[]
  /** Gives mistakes found later (an unknown certificate) their place; one line each. */
  readonly placed: (mistakes: readonly Mistake[]) => string[]
}

/**
 * Reads a lab from an object, as `startLab({ … })` takes it: mistakes are told by their path alone. YAML is read by
 * `load-yaml.ts`, apart from this: most tests need none.
 * @throws ConfigError with every mistake
 */
export function loadObject(input: LabInput, baseDir: string, overrides: readonly Override[] = []): LoadedConfig {
  return load(input, baseDir, overrides, placeByPath)
}

/** The way in for every form: what has been read, and where its parts stand. @throws ConfigError */
export function load(input: unknown, baseDir: string, overrides: readonly Override[], placeOf: Place): LoadedConfig {
  const place = placeByOrigin(overrides, placeOf)
  const placed = (mistakes: readonly Mistake[]): string[] => inOrder(mistakes, place)
  const result = validate(withOverrides(input, overrides))
  if ('mistakes' in result) throw new ConfigError(placed(result.mistakes))
  const config: LabConfig = result.config
  return { lab: resolveLab(config, baseDir), warnings: placed(warnings(config)), placed }
}

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
