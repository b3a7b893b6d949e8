import { version } from '../text/version.ts'
import { deprecations } from './deprecated-keys.ts'
import type { Mistake, Path } from './mistakes.ts'

/** A deprecated key in a configuration. */
export interface DeprecatedKey {
  /** The mapping that has it. */
  readonly mapping: Path
  readonly from: string
  readonly to: string
  readonly since: string
}

/** Returns the deprecated keys of a configuration. A mapping that has the new name too is not changed. */
export const deprecatedKeys = (input: unknown): DeprecatedKey[] =>
  deprecations.flatMap(({ mappings, from, to, since }) =>
    mappings
      .flatMap((pattern) => mappingsAt(input, pattern.split('.'), []))
      .filter(({ value }) => Object.hasOwn(value, from) && !Object.hasOwn(value, to))
      .map(({ path }) => ({ mapping: path, from, to, since })),
  )

interface Mapping {
  readonly path: Path
  readonly value: Readonly<Record<string, unknown>>
}

function mappingsAt(value: unknown, [step, ...rest]: readonly string[], path: Path): Mapping[] {
  if (typeof value !== 'object' || value === null) return []
  if (step === '*') {
    return Array.isArray(value) ? value.flatMap((item, index) => mappingsAt(item, rest, [...path, index])) : []
  }
  if (Array.isArray(value)) return []
  const mapping = value as Readonly<Record<string, unknown>>
  if (step === undefined) return [{ path, value: mapping }]
  return Object.hasOwn(mapping, step) ? mappingsAt(mapping[step], rest, [...path, step]) : []
}

/** Returns a copy of a configuration in which these keys have their new names. */
export const renameKeys = (input: unknown, keys: readonly DeprecatedKey[]): unknown =>
  keys.reduce((value, { mapping, from, to }) => renamedAt(value, mapping, from, to), input)

function renamedAt(value: unknown, [step, ...rest]: Path, from: string, to: string): unknown {
  const entries = Object.entries(value as object)
  const changed = entries.map(([key, one]): [string, unknown] => {
    if (step === undefined) return [key === from ? to : key, one]
    return [key, key === String(step) ? renamedAt(one, rest, from, to) : one]
  })
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed)
}

/** Returns the path in the configuration as the user has written it, from the path in that of `renameKeys`. */
export function writtenPath(path: Path, keys: readonly DeprecatedKey[]): Path {
  const key = keys.find(({ mapping, to }) => [...mapping, to].every((step, index) => step === path[index]))
  return key === undefined ? path : [...key.mapping, key.from, ...path.slice(key.mapping.length + 1)]
}

/** Returns what to say about a deprecated key. @param hint how else to change it */
export const deprecationOf = ({ mapping, from, to, since }: DeprecatedKey, hint = ''): Mistake => ({
  path: [...mapping, from],
  message: `is deprecated since ${since} and will not work in ${nextMinor(since)}; write ${to}${hint}`,
  onKey: true,
})

/** Returns what to say about a key that no longer works. */
export const removalOf = ({ mapping, from, to, since }: DeprecatedKey, hint = ''): Mistake => ({
  path: [...mapping, from],
  message: `does not work since ${nextMinor(since)}; write ${to}${hint}`,
  onKey: true,
})

/** Returns whether a version of Sealpost no longer accepts a key. */
export function isRemoved({ since }: DeprecatedKey, of = version): boolean {
  const [major = 0, minor = 0] = numbersOf(of)
  const [lastMajor = 0, lastMinor = 0] = numbersOf(since)
  return major > lastMajor || (major === lastMajor && minor > lastMinor)
}

/** Returns the first version of the next minor version. */
export function nextMinor(since: string): string {
  const [major = 0, minor = 0] = numbersOf(since)
  return `${major}.${minor + 1}.0`
}

const numbersOf = (text: string): number[] => text.split('.').map((part) => Number.parseInt(part, 10))
