import { ConfigError, inOrder, type Mistake, type Place, placeByPath } from './mistakes.ts'
import { type Override, placeByOrigin, withOverrides } from './overrides.ts'
import { type ResolvedLab, resolveLab } from './resolve.ts'
import type { LabConfig, LabInput } from './schema.ts'
import { validate } from './validate.ts'
import { warnings } from './warnings.ts'

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
