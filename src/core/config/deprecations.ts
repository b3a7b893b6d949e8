import { version } from '../text/version.ts'
import { type Deprecation, deprecations, shortForms } from './deprecated-keys.ts'
import type { Mistake, Path } from './mistakes.ts'

/** A deprecated key in a configuration. */
export interface DeprecatedKey {
  /** The mapping that has it, in the present form. */
  readonly mapping: Path
  readonly from: string
  /** The present place, from the same mapping. */
  readonly to: readonly string[]
  /** The present form in words: `news.groups`, `legacy: off`. */
  readonly present: string
  /** The value in its present form, if that is another one. */
  readonly value?: unknown
  readonly since: string
  /** Whether the present place has a value too. */
  readonly isTwice: boolean
}

type Mapping = Record<string, unknown>

/** A configuration in its present form, and the deprecated keys that it had. */
export interface PresentForm {
  readonly value: unknown
  /** In the order in which they were renamed. */
  readonly keys: readonly DeprecatedKey[]
}

/** Returns a configuration in its present form: the same object if it has no deprecated keys, a copy otherwise. */
export function presentForm(input: unknown): PresentForm {
  const keys: DeprecatedKey[] = []
  let value = input
  for (const row of deprecations as readonly Deprecation[]) {
    const has = ({ value: mapping }: Found): boolean => isDeprecated(mapping, row)
    const find = (): Found[] => row.mappings.flatMap((pattern) => mappingsAt(value, stepsOf(pattern), []).filter(has))
    if (!find().length) continue
    if (keys.length === 0) value = copyOf(input)
    for (const { path, value: mapping } of find()) keys.push(renameIn(mapping, path, row))
  }
  return { value, keys }
}

const stepsOf = (text: string): string[] => (text === '' ? [] : text.split('.'))

const isDeprecated = (mapping: Readonly<Mapping>, { from, to, values }: Deprecation): boolean =>
  Object.hasOwn(mapping, from) && (from !== to || Object.hasOwn(values ?? {}, String(mapping[from])))

function renameIn(mapping: Mapping, path: Path, row: Deprecation): DeprecatedKey {
  const { from, since } = row
  const to = row.to.split('.')
  const before = mapping[from]
  const { values = {} } = row
  const value = typeof before !== 'object' && Object.hasOwn(values, String(before)) ? values[String(before)] : before
  const isTwice = from !== row.to && !hasRoom(mapping, to)
  const entries = Object.entries(mapping).filter(([key]) => key !== from || from === row.to)
  const renamed = Object.fromEntries(entries)
  if (!isTwice) putIn(renamed, to, value)
  const order = [...new Set(Object.keys(mapping).map((key) => (key === from ? (to[0] as string) : key)))]
  for (const key of Object.keys(mapping)) delete mapping[key]
  // Not by assignment, which would make a mapping that is named `__proto__` the prototype.
  for (const key of order) {
    const own = Object.getOwnPropertyDescriptor(renamed, key)
    if (own) Object.defineProperty(mapping, key, own)
  }
  const changed = value === before ? {} : { value }
  return {
    mapping: path,
    from,
    to,
    present: from === row.to ? `${from}: ${value}` : row.to,
    ...changed,
    since,
    isTwice,
  }
}

/** Returns whether a place is free, and can be created. */
function hasRoom(mapping: Readonly<Mapping>, [step = '', ...rest]: readonly string[]): boolean {
  const below = mapping[step] ?? undefined
  if (rest.length === 0) return !Object.hasOwn(mapping, step)
  if (typeof below === 'object' && !Array.isArray(below)) return hasRoom(below as Mapping, rest)
  const short = typeof below === 'string' ? shortForms[step] : undefined
  return below === undefined || (short !== undefined && short !== rest[0])
}

/** Sets a value in a mapping, and creates the mappings that are missing. */
export function putIn(target: Mapping, [step = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[step] = value
  else {
    const below = target[step]
    const short = typeof below === 'string' ? shortForms[step] : undefined
    if (typeof below !== 'object' || below === null) target[step] = short === undefined ? {} : { [short]: below }
    putIn(target[step] as Mapping, rest, value)
  }
}

interface Found {
  readonly path: Path
  readonly value: Mapping
}

function mappingsAt(value: unknown, [step, ...rest]: readonly string[], path: Path): Found[] {
  if (typeof value !== 'object' || value === null) return []
  if (step === '*') {
    return Array.isArray(value) ? value.flatMap((item, index) => mappingsAt(item, rest, [...path, index])) : []
  }
  if (Array.isArray(value)) return []
  const mapping = value as Mapping
  if (step === undefined) return [{ path, value: mapping }]
  return Object.hasOwn(mapping, step) ? mappingsAt(mapping[step], rest, [...path, step]) : []
}

/** Copies a value of a configuration without the parts that aliases share. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)]))
}

/** Returns the present form of a path in a configuration. */
export function presentPath(path: Path): Path {
  let present = path
  for (const { mappings, from, to } of deprecations as readonly Deprecation[]) {
    const length = mappings.map(stepsOf).find((steps) => isAt(present, steps) && present[steps.length] === from)?.length
    if (length !== undefined) present = [...present.slice(0, length), ...to.split('.'), ...present.slice(length + 1)]
  }
  return present
}

const isAt = (path: Path, steps: readonly string[]): boolean =>
  steps.every((step, index) => index < path.length && (step === '*' || step === path[index]))

/** Returns the path in the configuration as the user has written it, from the path in its present form. */
export function originalPath(path: Path, keys: readonly DeprecatedKey[]): Path {
  return keys.reduceRight((written, { mapping, from, to, isTwice }) => {
    const present = [...mapping, ...to]
    const isBelow = !isTwice && present.every((step, index) => step === written[index])
    return isBelow ? [...mapping, from, ...written.slice(present.length)] : written
  }, path)
}

/** Returns what to say about a deprecated key. @param hint how else to change it */
export const deprecationOf = ({ mapping, from, present, since }: DeprecatedKey, hint = ''): Mistake => ({
  path: [...mapping, from],
  message: `${deprecatedSince(since)}; write ${present}${hint}`,
  onKey: true,
})

export const deprecatedSince = (since: string): string =>
  `is deprecated since ${since} and will not work in ${nextMinor(since)}`

/** Returns what is wrong with a deprecated key: it no longer works, or its present form is set too. */
export function mistakeOf(key: DeprecatedKey, hint = ''): Mistake | undefined {
  const { mapping, from, present, since, isTwice } = key
  const at = { path: [...mapping, from], onKey: true }
  if (isTwice) return { ...at, message: `is the old form of ${present}, which is set too; keep one of them` }
  if (!isRemoved(key)) return undefined
  return { ...at, message: `does not work since ${nextMinor(since)}; write ${present}${hint}` }
}

/** Returns whether a version of Sealpost no longer accepts a key. */
export function isRemoved({ since }: Pick<DeprecatedKey, 'since'>, of = version): boolean {
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
