import { isMapping } from '../../../src/core/values/mapping.ts'
import { invalid, invalidProperties, type JsonObject, type MethodCall } from './types.ts'

export type Check<T> = (value: unknown) => value is T
/** A test of the value of a property. */
export type Test = (value: unknown) => boolean

export const isString: Check<string> = (value) => typeof value === 'string'
export const isBoolean: Check<boolean> = (value) => typeof value === 'boolean'
export const isInteger: Check<number> = (value): value is number => Number.isSafeInteger(value)
export const isPositive: Check<number> = (value): value is number => isInteger(value) && value > 0
export const isStrings: Check<string[]> = (value) => Array.isArray(value) && value.every(isString)
export const isMappings: Check<JsonObject[]> = (value): value is JsonObject[] =>
  Array.isArray(value) && value.every(isMapping)
export const isObjects: Check<Record<string, JsonObject>> = (value): value is Record<string, JsonObject> =>
  isMapping(value) && Object.values(value).every(isMapping)
/** RFC 8620 section 1.2; a creation id follows `#`. */
export const isIds: Check<string[]> = (value): value is string[] =>
  isStrings(value) && value.every((id) => /^#?[\w-]{1,255}$/.test(id))
/** RFC 8620 section 1.4: a UTCDate. */
export const isUtcDate: Check<string> = (value): value is string =>
  isString(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value))
export const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value)

/** Returns an argument; undefined if it is absent or null. @throws MethodError `invalidArguments` */
export function optional<T>({ args }: MethodCall, name: string, isRight: Check<T>): T | undefined {
  const value = args[name] ?? undefined
  if (value === undefined || isRight(value)) return value
  throw invalid(`${name} has a wrong type`)
}

/** @throws MethodError `invalidArguments` */
export function required<T>(call: MethodCall, name: string, isRight: Check<T>): T {
  const value = optional(call, name, isRight)
  if (value === undefined) throw invalid(`${name} is missing`)
  return value
}

/** Checks that the client may set properties, and to these values. @throws SetError `invalidProperties` */
export function assertSettable(settable: Readonly<Record<string, Test>>, given: JsonObject): void {
  const wrong = Object.keys(given).filter((name) => !Object.hasOwn(settable, name) || !settable[name]?.(given[name]))
  if (wrong.length > 0)
    throw invalidProperties(wrong, `${wrong.join(', ')} cannot be set, or not to values of this type`)
}

/** Returns the value of a key of a table; undefined for a key that a client has made up. */
export const rowOf = <T>(table: Readonly<Record<string, T>>, key: unknown): T | undefined =>
  isString(key) && Object.hasOwn(table, key) ? table[key] : undefined

/** Returns a list or an object; null instead of an empty one. */
export const filled = <T extends object>(value: T): T | null => (Object.keys(value).length > 0 ? value : null)
