import { z } from 'zod'
import type { Path } from './mistakes.ts'
import { labSchema } from './schema.ts'

/** As much of JSON Schema (draft 2020-12) as the lab's schema makes use of. */
export interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
}

let made: JsonSchema | undefined

/** The schema of what a user writes. Editors pick it up from `config/sealpost.schema.json`. Made when first asked for. */
export function labJsonSchema(): JsonSchema {
  made ??= makeJsonSchema()
  return made
}

const makeJsonSchema = (): JsonSchema =>
  z.toJSONSchema(labSchema, {
    io: 'input',
    // Zod leaves these out of whatever is transformed (`10m` to milliseconds), though they are of the input.
    override({ zodSchema, jsonSchema }) {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {}
      if (Array.isArray(examples)) jsonSchema.examples = examples
      const { def } = zodSchema._zod
      if (def.type === 'prefault') jsonSchema.default = def.defaultValue as NonNullable<typeof jsonSchema.default>
    },
  }) as JsonSchema

/** The alternatives of a schema: its branches, or itself. */
export function branches(schema: JsonSchema): readonly JsonSchema[] {
  return (schema.anyOf ?? schema.oneOf)?.flatMap(branches) ?? [schema]
}

/** The schemas that hold at a path. */
export function schemasAt(path: Path, from: readonly JsonSchema[] = [labJsonSchema()]): readonly JsonSchema[] {
  let at = from.flatMap(branches)
  for (const step of path) {
    at = at.flatMap((schema) => branches(childOf(schema, step) ?? {}).filter((child) => Object.keys(child).length > 0))
  }
  return at
}

function childOf(schema: JsonSchema, step: string | number): JsonSchema | undefined {
  if (typeof step === 'number') return schema.items
  const rest = schema.additionalProperties
  return schema.properties?.[step] ?? (typeof rest === 'object' ? rest : undefined)
}

/** What may stand there, in words: `off or a whole number from 0 to 65535`. */
export function expectation(schemas: readonly JsonSchema[]): string {
  return inWords([...new Set(schemas.flatMap(expectations))])
}

/** `a, b or c`. */
export function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function expectations(schema: JsonSchema): readonly string[] {
  if (schema.const !== undefined) return [String(schema.const)]
  if (schema.enum) return schema.enum.map(String)
  switch (schema.type) {
    case 'integer':
    case 'number':
      return [`a whole number${range(schema)}`]
    case 'boolean':
      return ['true', 'false']
    case 'array':
      return ['a list']
    case 'object':
      return [`a mapping of ${Object.keys(schema.properties ?? {}).join(', ')}`]
    default:
      return ['a text']
  }
}

function range({ minimum, maximum }: JsonSchema): string {
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum
  const from = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`
  if (from !== undefined) return ` from ${from} up`
  return to === undefined ? '' : ` up to ${to}`
}
