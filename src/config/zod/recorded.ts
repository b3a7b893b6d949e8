import type { ZodType } from 'zod'
import { Call } from './call.ts'
import { FAILED, read } from './read.ts'
import { realZod, type Zod } from './real.ts'

/**
 * `z` of zod for schemas that are checked at every start. To load zod and to build the schemas with it takes a sixth of a
 * start, so a schema is first a record of the calls that build it. `read.ts` checks values against the record in the same
 * way as zod. zod is loaded, and the calls are repeated with it, when a value is not valid and its mistakes need words, or
 * when something else is asked of a schema, such as its JSON Schema.
 */
export const z = {
  array: recorder('array'),
  boolean: recorder('boolean'),
  custom: recorder('custom'),
  enum: recorder('enum'),
  ipv4: recorder('ipv4'),
  ipv6: recorder('ipv6'),
  literal: recorder('literal'),
  number: recorder('number'),
  record: recorder('record'),
  strictObject: recorder('strictObject'),
  string: recorder('string'),
  tuple: recorder('tuple'),
  union: recorder('union'),
  url: recorder('url'),
} as unknown as Omit<Zod, 'globalRegistry' | 'iso' | 'prettifyError' | 'toJSONSchema' | 'ZodError'>

/** A text with a date and time. The only schema whose function zod has in a namespace. */
export const isoDateTime = ((...args: unknown[]) =>
  new Recorded(undefined, 'datetime', args)) as unknown as Zod['iso']['datetime']

function recorder(name: string) {
  return (...args: unknown[]) => new Recorded(undefined, name, args)
}

/** A recorded schema. It has the methods and properties of zod’s schemas. */
class Recorded extends Call {
  #real: ZodType | undefined

  override get real(): ZodType {
    this.#real ??= this.#build()
    return this.#real
  }

  #build(): ZodType {
    const zod = realZod()
    const args = this.args.map(withReal)
    const target = this.of?.real ?? (this.name === 'datetime' ? zod.iso : zod)
    const schema = (target as unknown as Readonly<Record<string, (...args: unknown[]) => ZodType>>)[this.name]?.(
      ...args,
    )
    if (schema === undefined) throw new Error(`zod has no ${this.name}`)
    return schema
  }

  get shape(): unknown {
    return this.name === 'strictObject' ? this.args[0] : (this.real as unknown as { readonly shape: unknown }).shape
  }

  safeParse(value: unknown, options?: Parameters<ZodType['safeParse']>[1]): ReturnType<ZodType['safeParse']> {
    const data = read(this, value)
    return data === FAILED ? this.real.safeParse(value, options) : { success: true, data }
  }

  parse(value: unknown, options?: Parameters<ZodType['parse']>[1]): unknown {
    const data = read(this, value)
    return data === FAILED ? this.real.parse(value, options) : data
  }

  /** With an argument, adds it to the description; without, returns the description. */
  meta(...args: unknown[]): unknown {
    return args.length === 0 ? this.real.meta() : new Recorded(this, 'meta', args)
  }
}

/** The methods that return a schema. */
const METHODS = [
  'check',
  'default',
  'describe',
  'int',
  'max',
  'min',
  'nonnegative',
  'nullable',
  'optional',
  'pipe',
  'positive',
  'prefault',
  'refine',
  'regex',
  'superRefine',
  'transform',
]

for (const name of METHODS) {
  Object.defineProperty(Recorded.prototype, name, {
    value(this: Recorded, ...args: unknown[]) {
      return new Recorded(this, name, args)
    },
  })
}

/** Everything else is zod’s. */
const others = new Proxy(Object.create(null), {
  get(_target, key, recorded: Recorded) {
    // A promise asks every value for `then`.
    if (typeof key === 'symbol' || key === 'then' || !(recorded instanceof Recorded)) return undefined
    if (key === '_zod') throw new TypeError('a recorded schema is inside one of zod: use realOf()')
    const value: unknown = Reflect.get(recorded.real, key)
    return typeof value === 'function' ? value.bind(recorded.real) : value
  },
})
Object.setPrototypeOf(Call.prototype, others)

/** Returns an argument with the schemas of zod in it. */
function withReal(arg: unknown): unknown {
  if (arg instanceof Recorded) return arg.real
  if (Array.isArray(arg)) return arg.map(withReal)
  const isShape = typeof arg === 'object' && arg !== null && Object.values(arg).some((one) => one instanceof Recorded)
  return isShape ? Object.fromEntries(Object.entries(arg).map(([key, one]) => [key, withReal(one)])) : arg
}

/** Returns the schema of zod for one that may be recorded. Schemas of zod must not contain recorded ones. */
export const realOf = <Schema extends ZodType>(schema: Schema): Schema =>
  schema instanceof Recorded ? (schema.real as Schema) : schema
