import { z } from 'zod'
import type { Path } from './mistakes.ts'
import { labSchema } from './schema.ts'

/** The part of JSON Schema (draft 2020-12) that the lab's schema uses. */
export interface JsonSchema {
  readonly type?: string
  /** Describes a value that JSON cannot express, such as `a regular expression`. */
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minimum?: number
  /** A secret. */
  readonly writeOnly?: boolean
  readonly maximum?: number
}

let cached: JsonSchema | undefined

/** Returns the JSON Schema of a configuration. Created on first use. Editors read it from `config/sealpost.schema.json`. */
export function labJsonSchema(): JsonSchema {
  cached ??= createJsonSchema()
  return cached
}

const createJsonSchema = (): JsonSchema => ({
  ...jsonSchemaOf(labSchema),
  // Top-level keys for anchors.
  patternProperties: { '^x-': {} },
})

/**
 * Returns the JSON Schema of what a user writes.
 * @param unrepresentable `any`: values that JSON cannot express keep only their title; `throw` (the default): they throw
 */
export const jsonSchemaOf = (schema: z.ZodType, unrepresentable: 'any' | 'throw' = 'throw'): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable,
    // Zod omits examples and defaults of values that are transformed, such as `10m`. They belong to the input.
    override({ zodSchema, jsonSchema }) {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {}
      if (Array.isArray(examples)) jsonSchema.examples = examples
      const { def } = zodSchema._zod
      if (def.type === 'prefault') jsonSchema.default = def.defaultValue as NonNullable<typeof jsonSchema.default>
    },
  }) as JsonSchema

/** Returns the alternatives of a schema, or the schema itself if it has none. */
export function branches(schema: JsonSchema): readonly JsonSchema[] {
  return (schema.anyOf ?? schema.oneOf)?.flatMap(branches) ?? [schema]
}

/** Returns the schemas that apply to a path. */
export function schemasAt(path: Path, from: readonly JsonSchema[] = [labJsonSchema()]): readonly JsonSchema[] {
  let at: readonly JsonSchema[] = from.flatMap(branches)
  for (const step of path) at = childSchemas(at, step)
  return at
}

/** Returns the schemas of a key or an item of values that match schemas. */
export const childSchemas = (schemas: readonly JsonSchema[], step: string | number): readonly JsonSchema[] =>
  schemas.flatMap((schema) => branches(childOf(schema, step) ?? {}).filter((child) => Object.keys(child).length > 0))

/** Returns the default of the value at a path, as a user would write it. */
export function defaultAt(path: Path): unknown {
  const parents = schemasAt(path.slice(0, -1))
  const step = path.at(-1) as string | number
  return parents.map((parent) => propertyDefault(parent, step)).find((value) => value !== undefined)
}

/** Returns the default of a key of values that match a schema. */
export const propertyDefault = (schema: JsonSchema | undefined, step: string | number): unknown =>
  schema && childOf(schema, step)?.default

function childOf(schema: JsonSchema, step: string | number): JsonSchema | undefined {
  if (typeof step === 'number') return schema.items
  const rest = schema.additionalProperties
  return schema.properties?.[step] ?? (typeof rest === 'object' ? rest : undefined)
}

/** Describes the values that schemas allow: `off or a whole number from 0 to 65535`. */
export function expectation(schemas: readonly JsonSchema[]): string {
  return joinWords([...new Set(schemas.flatMap(expectations))])
}

/** Joins words: `a, b or c`. */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function expectations(schema: JsonSchema): readonly string[] {
  if (schema.const !== undefined) return [String(schema.const)]
  if (schema.enum) return schema.enum.map(String)
  if (schema.title !== undefined) return [schema.title]
  switch (schema.type) {
    case 'integer':
      return [`a whole number${range(schema)}`]
    case 'number':
      return [`a number${range(schema)}`]
    case 'boolean':
      return ['true', 'false']
    case 'array':
      return ['a list']
    case 'object':
      return [`a mapping of ${firstOf(Object.keys(schema.properties ?? {}))}`]
    default:
      return ['text']
  }
}

/** People read a few keys of a mapping. */
const MAX_KEYS = 10

const firstOf = (keys: readonly string[]): string =>
  keys.length > MAX_KEYS ? `${keys.slice(0, MAX_KEYS).join(', ')} …` : keys.join(', ')

/** Returns an example of a mapping with the keys that it needs, or one of its keys: `{ host: mail.example.com }`. */
export function exampleOf({ examples, properties = {}, required = [] }: JsonSchema): string | undefined {
  const needed = Object.entries(properties).filter(([key]) => required.includes(key))
  const values = (needed.length > 0 ? needed : Object.entries(properties)).map(([key, schema]) => [
    key,
    exampleValue(schema),
  ])
  const known = values.filter(([, value]) => value !== undefined)
  const example = examples?.[0] ?? Object.fromEntries(needed.length > 0 ? known : known.slice(0, 1))
  return known.length === 0 || known.length < needed.length ? undefined : flowText(example)
}

/** Returns a value of an example as YAML on one line. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${flowText(one)}`)
    .join(', ')} }`
}

/** Returns a value that a schema shows. */
const exampleValue = (schema: JsonSchema): unknown =>
  branches(schema)
    .map((one) => one.examples?.[0] ?? one.enum?.[0] ?? one.const ?? one.default)
    .find((value) => value !== undefined) ?? schema.examples?.[0]

function range({ minimum, maximum }: JsonSchema): string {
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum
  const from = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`
  if (from !== undefined) return ` from ${from} up`
  return to === undefined ? '' : ` up to ${to}`
}
