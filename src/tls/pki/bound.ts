/** Functions that all take the same first argument. */
type Functions<Context> = Readonly<Record<string, (context: Context, ...rest: never[]) => unknown>>

/** The same functions without their first argument. */
export type Bound<Context, T extends Functions<Context>> = {
  readonly [Name in keyof T]: T[Name] extends (context: Context, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never
}

/** Returns the functions of a table with their first argument filled in: the methods of a public object. */
export function bind<Context, T extends Functions<Context>>(functions: T, context: Context): Bound<Context, T> {
  const bound = Object.entries(functions).map(([name, one]) => [name, one.bind(undefined, context)])
  return Object.fromEntries(bound) as Bound<Context, T>
}
