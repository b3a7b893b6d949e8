import { version } from '../text/version.ts'
import { readAccountFiles } from './accounts/account-files.ts'
import { shortForms } from './deprecated-keys.ts'
import {
  type DeprecatedKey,
  deprecationOf,
  mistakeOf,
  originalPath,
  type PresentForm,
  presentForm,
  presentPath,
  putIn,
} from './deprecations.ts'
import {
  ConfigError,
  type LabWithPlaces,
  type Locate,
  linesOf,
  locateByPath,
  type Mistake,
  type Path,
  type PlacedMistake,
  pathText,
  placedInOrder,
  valueAt,
} from './mistakes.ts'
import { resolveLab } from './resolve.ts'
import { warnings } from './rules/warnings.ts'
import { CONFIG_VERSION, type LabConfig, type LabInput, protocols } from './schema.ts'
import { withSecretsOfFiles } from './secret-files.ts'
import { validate } from './validate.ts'

/** A valid configuration. */
export interface LoadedConfig extends LabWithPlaces {
  /** Warnings about a valid configuration; one line each, with its place. */
  readonly warnings: readonly string[]
  /** The configuration as the user has written it, with the overrides, and without deprecated keys. */
  readonly input: unknown
  /** The same configuration, validated, with its defaults. */
  readonly config: LabConfig
}

/**
 * Reads a lab from an object, as `startLab({ … })` takes it. Messages name the path only. YAML files are read by
 * `yaml.ts`, so that tests without YAML do not load its parser.
 * @throws ConfigError with every mistake
 */
export function loadObject(input: LabInput, baseDir: string, overrides: readonly Override[] = []): LoadedConfig {
  return load(input, baseDir, overrides, locateByPath)
}

/**
 * Applies the overrides, validates and resolves a lab.
 * @param locate returns the place of a mistake in the input
 * @throws ConfigError
 */
export function load(input: unknown, baseDir: string, overrides: readonly Override[], locate: Locate): LoadedConfig {
  assertVersion(input, locate)
  const written = presentForm(input)
  const replaced = overrides.map(presentOverride)
  const given = withOverrides(written.value, replaced)
  const locateAny = locateByOrigin(replaced, (mistake) =>
    locate({ ...mistake, path: originalPath(mistake.path, written.keys) }),
  )
  const placed = (mistakes: readonly Mistake[]): PlacedMistake[] => placedInOrder(mistakes, locateAny)
  const deprecated = [...written.keys, ...replaced.flatMap(({ keys }) => keys)]
  const hintOf = (key: DeprecatedKey): string =>
    locate !== locateByPath && written.keys.includes(key) ? ' (sealpost config migrate FILE does it)' : ''
  const removed = deprecated.flatMap((key) => mistakeOf(key, hintOf(key)) ?? [])
  const withSecrets = withSecretsOfFiles(given, baseDir)
  const files = readAccountFiles(given, baseDir)
  const result = validate({ ...withSecrets, mistakes: [...withSecrets.mistakes, ...removed] }, files)
  if ('mistakes' in result) {
    const { mistakes, rest } = result
    throw new ConfigError(
      placed(mistakes),
      rest && {
        lab: resolveLab(rest.config, baseDir),
        locate: (found) => placed(found.flatMap((mistake) => rest.inInput(mistake) ?? [])),
      },
    )
  }
  const config: LabConfig = result.config
  const lab = resolveLab(config, baseDir)
  const found = [...deprecated.map((key) => deprecationOf(key, hintOf(key))), ...warnings(config)]
  return { lab, warnings: linesOf(placed(found)), locate: placed, input: given, config }
}

/** Checks the version of a configuration. What else a newer one contains cannot be judged. @throws ConfigError */
export function assertVersion(input: unknown, locate: Locate): void {
  const given = valueAt(input, ['version'])
  if (!Number.isInteger(given) || (given as number) <= CONFIG_VERSION) return
  const message = `is ${given}, but Sealpost ${version} supports only version ${CONFIG_VERSION}; use a newer Sealpost`
  throw new ConfigError([locate({ path: ['version'], message })])
}

/** A value from an environment variable or an option that replaces the value in the file. */
export interface Override {
  /** The name of the variable or option: `SEALPOST_PORT_OFFSET`, `--port-offset`. */
  readonly origin: string
  /** `*` means every item of a list. */
  readonly path: Path
  readonly value: unknown
  /** How many steps of the path the origin stands for. Default: all. */
  readonly named?: number
}

interface PresentOverride extends Override, Pick<PresentForm, 'keys'> {}

/** Returns an override in its present form. */
export function presentOverride(override: Override): PresentOverride {
  const path = presentPath(override.path)
  const short = typeof override.value === 'string' && path.length === 1 ? shortForms[String(path[0])] : undefined
  if (short !== undefined) return { ...override, path: [...path, short], keys: [] }
  if (path.includes('*')) return { ...override, path, keys: [] }
  const { value, keys } = presentForm(path.reduceRight((below: unknown, step) => ({ [step]: below }), override.value))
  return { ...override, path, value: valueAt(value, path), keys }
}

function withOverrides(input: unknown, overrides: readonly Override[]): unknown {
  if (overrides.length === 0 || typeof input !== 'object' || input === null || Array.isArray(input)) return input
  const changed = structuredClone(input) as Record<string, unknown>
  for (const { path, value } of overrides) {
    if (path[0] === 'virtualServers') changed.virtualServers ??= protocols.map((protocol) => ({ protocol }))
    if (path.includes('*')) putInEach(changed, path, value)
    else putIn(changed, path as readonly string[], value)
  }
  return changed
}

function putInEach(target: unknown, [step, ...rest]: Path, value: unknown): void {
  if (typeof target !== 'object' || target === null || step === undefined) return
  const steps = step === '*' ? Object.keys(target) : [step]
  for (const each of steps) {
    if (rest.length === 0) Object.assign(target, { [each]: value })
    else putInEach(valueAt(target, [each]), rest, value)
  }
}

/** Returns a function that places a mistake in an override by its name and the path in its value, and others by `locate`. */
function locateByOrigin(overrides: readonly Override[], locate: Locate): Locate {
  return (mistake) => {
    const override = overrides.findLast(({ path }) => coversMistake(path, mistake))
    if (!override) return locate(mistake)
    const { origin, path, named = path.length } = override
    const inside = pathText(mistake.path.slice(named))
    const message = `${inside === '' ? '' : `${inside}: `}${mistake.message}`
    return { line: `${origin}: ${message}`, offset: 0, path: mistake.path, message, place: origin }
  }
}

const coversMistake = (path: Path, mistake: Mistake): boolean => isBelow(mistake.path, path)

/** Returns whether a path is an override's, or below it. */
export const isBelow = (path: Path, override: Path): boolean =>
  override.every((step, index) => step === path[index] || (step === '*' && index < path.length))
