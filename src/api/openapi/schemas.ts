import { z } from 'zod'

export type Json = Record<string, unknown>

/** Returns the JSON Schema of a type. Schemas with an id are put into `schemas` and referred to. */
export function schemaOf(type: z.ZodType, schemas: Json, io: 'input' | 'output'): Json {
  const { $schema: _, $defs = {}, ...schema } = wholeSchemaOf(type, io) as Json & { $defs?: Json }
  for (const [id, one] of Object.entries($defs)) schemas[id] = referring(one)
  return referring(schema) as Json
}

/** Returns the JSON Schema of a type, with everything that it refers to. */
export const wholeSchemaOf = (type: z.ZodType, io: 'input' | 'output'): Json =>
  z.toJSONSchema(type, { io, unrepresentable: 'any', override: simplify })

/** Shows integers without the limits of JavaScript. */
function simplify({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

/** Points the references of a schema at the components of the document. */
const referring = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'))
