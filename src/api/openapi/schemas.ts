import { z } from 'zod'

export type Json = Record<string, unknown>

/** Returns the JSON Schema of a type. Schemas with an id are put into `schemas` and referred to. */
export function schemaOf(type: z.ZodType, schemas: Json, io: 'input' | 'output'): Json {
  const {
    $schema: _,
    $defs = {},
    ...schema
  } = z.toJSONSchema(type, { io, unrepresentable: 'any', override: simplify }) as Json & { $defs?: Json }
  for (const [id, one] of Object.entries($defs)) schemas[id] = referring(one)
  return referring(schema) as Json
}

/** Shows flags of a query as the booleans that they are, and integers without the limits of JavaScript. */
function simplify({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: z.core.JSONSchema.BaseSchema
}) {
  const { def } = zodSchema._zod
  if (def.type === 'pipe' && typeOf(def.in) === 'string' && typeOf(def.out) === 'boolean') jsonSchema.type = 'boolean'
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

const typeOf = (type: z.core.$ZodType): string => (type as z.core.$ZodTypes)._zod.def.type

/** Points the references of a schema at the components of the document. */
const referring = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'))
