/** An object without the keys whose value is undefined. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Leaves out the keys whose value is undefined, for types with `exactOptionalPropertyTypes`. */
export const omitUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>
