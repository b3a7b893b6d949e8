import { createRequire } from 'node:module'
import type * as zod from 'zod'

/** The functions of zod that schemas are built with, and what describes them. The build bundles these (scripts/build/commonjs.mjs). */
export type Zod = Pick<
  typeof zod,
  | 'array'
  | 'boolean'
  | 'custom'
  | 'enum'
  | 'globalRegistry'
  | 'ipv4'
  | 'ipv6'
  | 'iso'
  | 'literal'
  | 'number'
  | 'prettifyError'
  | 'record'
  | 'strictObject'
  | 'string'
  | 'toJSONSchema'
  | 'tuple'
  | 'union'
  | 'url'
  | 'ZodError'
>

let loaded: Zod | undefined

/** Returns zod. Loads it first unless `provideZod` was called. */
export function realZod(): Zod {
  loaded ??= createRequire(import.meta.url)('./zod.cjs') as Zod
  return loaded
}

/** Gives the zod that the program has loaded anyway, so that no second one is loaded. */
export function provideZod(given: Zod): void {
  loaded ??= given
}
