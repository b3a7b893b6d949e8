/** What a list is searched for: values by the path of a key, such as `from.address`. */
export type Filter = readonly (readonly [path: string, value: string])[]

/** Returns the values at a path. On the way, an array stands for all of its items. */
function valuesAt(value: unknown, [key, ...rest]: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, key === undefined ? [] : [key, ...rest]))
  if (key === undefined) return [value]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  return valuesAt((value as Record<string, unknown>)[key], rest)
}

/** Returns whether a message has all values. */
export const matches = (message: object, filter: Filter): boolean =>
  filter.every(([path, value]) => valuesAt(message, path.split('.')).some((one) => String(one) === value))

/** Returns the conditions about keys that an object has. */
export const conditionsOn = (object: object, filter: Filter): Filter =>
  filter.filter(([path]) => Object.hasOwn(object, path.split('.')[0] ?? ''))
