import type { ZodType } from 'zod'
import { Call } from './call.ts'

/** What `read` returns for a value that is not valid. */
export const FAILED = Symbol('failed')

/**
 * Returns what zod returns for a valid value, and `FAILED` for every other. The rules are those of zod 4; what has no rule
 * here is left to zod. `test/config/recorded-schema.test.ts` compares both.
 */
export function read(schema: unknown, value: unknown): unknown {
  if (!(schema instanceof Call)) return readWithZod(schema as ZodType, value)
  const rule = rules[schema.name]
  return rule ? rule(schema, value) : readWithZod(schema.real, value)
}

function readWithZod(schema: ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value, { jitless: true })
  return parsed.success ? parsed.data : FAILED
}

type Rule = (schema: Call, value: unknown) => unknown

/** Returns the rule of a function: what a value must be. */
const when =
  (isValid: (value: unknown, schema: Call) => boolean): Rule =>
  (schema, value) =>
    isValid(value, schema) ? value : FAILED

/** Returns the rule of a method: what a valid value must be in addition. */
const also =
  (isValid: (value: never, arg: never) => boolean): Rule =>
  ({ of, args }, given) => {
    const value = read(of, given)
    return value !== FAILED && isValid(value as never, args[0] as never) ? value : FAILED
  }

/** Returns the rule of a method with a function that adds issues to a list. */
const withIssues =
  (call: (fn: Fn, payload: Payload) => unknown, result: (payload: Payload, returned: unknown) => unknown): Rule =>
  ({ of, args }, given) => {
    const value = read(of, given)
    if (value === FAILED) return FAILED
    const issues: unknown[] = []
    const payload: Payload = { value, issues, addIssue: (issue) => issues.push(issue) }
    const returned = call(args[0] as Fn, payload)
    return issues.length > 0 ? FAILED : result(payload, returned)
  }

/** What zod gives to the functions of `check`, `superRefine` and `transform`. */
interface Payload {
  readonly value: unknown
  readonly issues: unknown[]
  addIssue(issue: unknown): unknown
}

type Fn = (...args: unknown[]) => unknown

const rules: Readonly<Record<string, Rule>> = {
  string: when((value) => typeof value === 'string'),
  boolean: when((value) => typeof value === 'boolean'),
  number: when((value) => Number.isFinite(value)),
  enum: when((value, { args }) => (args[0] as readonly unknown[]).includes(value)),
  literal: when((value, { args }) => value === args[0]),
  custom: when((value, { args }) => Boolean((args[0] as Fn)(value))),
  array: ({ args }, value) => (Array.isArray(value) ? readEach(value, () => args[0]) : FAILED),
  tuple(schema, value) {
    const [items, rest] = schema.args as [readonly unknown[], unknown]
    // A tuple with optional items can be shorter.
    if (rest !== undefined || items.some((item) => absenceOf(item).in !== undefined))
      return readWithZod(schema.real, value)
    return Array.isArray(value) && value.length === items.length ? readEach(value, (index) => items[index]) : FAILED
  },
  union({ args }, value) {
    for (const option of args[0] as readonly unknown[]) {
      const result = read(option, value)
      if (result !== FAILED) return result
    }
    return FAILED
  },
  strictObject: readObject,
  record: readRecord,

  describe: ({ of }, value) => read(of, value),
  meta: ({ of }, value) => read(of, value),
  optional({ of }, value) {
    if (value !== undefined) return read(of, value)
    if (absenceOf(of).in !== 'defaulted') return undefined
    const result = read(of, undefined)
    return result === FAILED ? undefined : result
  },
  nullable: ({ of }, value) => (value === null ? null : read(of, value)),
  default({ of, args }, value) {
    const result = value === undefined ? undefined : read(of, value)
    return result === undefined ? standard(args[0]) : result
  },
  prefault: ({ of, args }, value) => read(of, value === undefined ? standard(args[0]) : value),
  pipe({ of, args }, value) {
    const result = read(of, value)
    return result === FAILED ? FAILED : read(args[0], result)
  },

  int: also((value: number) => Number.isSafeInteger(value)),
  positive: also((value: number) => value > 0),
  nonnegative: also((value: number) => value >= 0),
  min: also((value: number | string | unknown[], least: number) => sizeOf(value) >= least),
  max: also((value: number | string | unknown[], most: number) => sizeOf(value) <= most),
  regex: also((value: string, pattern: RegExp) => {
    pattern.lastIndex = 0
    return pattern.test(value)
  }),
  refine: also((value: unknown, isValid: Fn) => Boolean(isValid(value))),
  check: withIssues(
    (fn, payload) => fn(payload),
    ({ value }) => value,
  ),
  superRefine: withIssues(
    (fn, payload) => fn(payload.value, payload),
    ({ value }) => value,
  ),
  transform: withIssues(
    (fn, payload) => fn(payload.value, payload),
    (_payload, returned) => returned,
  ),
}

function readEach(values: readonly unknown[], schemaAt: (index: number) => unknown): unknown {
  const results: unknown[] = []
  // Not map(), which leaves out the holes of a list.
  for (let index = 0; index < values.length; index++) {
    const result = read(schemaAt(index), values[index])
    if (result === FAILED) return FAILED
    results.push(result)
  }
  return results
}

function readObject({ args }: Call, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return FAILED
  const input = value as Readonly<Record<string, unknown>>
  const shape = args[0] as Readonly<Record<string, unknown>>
  const output: Record<string, unknown> = {}
  for (const key in input) if (!Object.hasOwn(shape, key)) return FAILED
  for (const key of Object.keys(shape)) {
    const isPresent = key in input
    const absence = isPresent ? undefined : absenceOf(shape[key])
    if (absence?.in === 'optional' && absence.out) continue
    const result = read(shape[key], input[key])
    if (result === FAILED) {
      // What is optional may be absent, whatever its schema says of undefined.
      if (absence?.in !== undefined && absence.out) continue
      return FAILED
    }
    if (absence && absence.in === undefined) return FAILED
    if (result !== undefined || isPresent || (absence?.in === 'defaulted' && !absence.out)) output[key] = result
  }
  return output
}

function readRecord(schema: Call, value: unknown): unknown {
  const [keys, values] = schema.args
  // Other schemas of keys require every key, or read a key as a number.
  if (!isText(keys) || !isPlain(value)) return readWithZod(schema.real, value)
  const output: Record<string, unknown> = {}
  for (const [key, one] of Object.entries(value)) {
    const name = read(keys, key)
    const result = name === FAILED ? FAILED : read(values, one)
    if (result === FAILED) return FAILED
    output[name as string] = result
  }
  return output
}

const isText = (schema: unknown): boolean =>
  schema instanceof Call && (schema.of === undefined ? schema.name === 'string' : isText(schema.of))

/** Returns whether a value is an object literal, or parsed from YAML or JSON, without a key that zod treats differently. */
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.getOwnPropertySymbols(value).length === 0 &&
  !Object.hasOwn(value, '__proto__') &&
  !Object.hasOwn(value, 'constructor')

/** What the absence of a key means to a schema: `optin` and `optout` of zod. */
interface Absence {
  /** Whether a key may be absent, and whether a default replaces it. */
  readonly in: 'optional' | 'defaulted' | undefined
  /** Whether the result may lack the key. */
  readonly out: boolean
}

const absences = new WeakMap<object, Absence>()

function absenceOf(schema: unknown): Absence {
  const known = absences.get(schema as object)
  if (known) return known
  const found = findAbsence(schema)
  absences.set(schema as object, found)
  return found
}

function findAbsence(schema: unknown): Absence {
  if (!(schema instanceof Call)) {
    const { optin, optout } = (schema as ZodType)._zod
    return { in: optin, out: optout === 'optional' }
  }
  const { of, name, args } = schema
  if (name === 'union') {
    const options = (args[0] as readonly unknown[]).map(absenceOf)
    const isAny = (kind: Absence['in']): boolean => options.some((option) => option.in === kind)
    const optional = isAny('optional') ? 'optional' : undefined
    return { in: isAny('defaulted') ? 'defaulted' : optional, out: options.some(({ out }) => out) }
  }
  if (name === 'default' || name === 'prefault') return { in: 'defaulted', out: false }
  // No other function that is recorded makes a schema for undefined.
  if (of === undefined) return { in: undefined, out: false }
  const inner = absenceOf(of)
  if (name === 'optional') return { in: inner.in ?? 'optional', out: true }
  if (name === 'transform') return { in: inner.in, out: false }
  if (name === 'pipe') return { in: inner.in, out: absenceOf(args[0]).out }
  return inner
}

/** Returns the default that a call of `default` or `prefault` names, as a copy of its own. */
function standard(given: unknown): unknown {
  const value = typeof given === 'function' ? given() : given
  if (Array.isArray(value)) return [...value]
  return typeof value === 'object' && value !== null ? { ...value } : value
}

/** Returns what `min` and `max` compare: a number, the code points of a text or the items of a list. */
function sizeOf(value: number | string | unknown[]): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' ? [...value].length : value.length
}
