import { z } from 'zod'
import { version } from '../common/version.ts'
import type { Operation } from './operation.ts'
import { problems } from './problem.ts'

type Json = Record<string, unknown>

/** Returns the OpenAPI 3.1 document of the operations. https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(operations: readonly Operation[]): Json {
  const schemas: Json = {}
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[`/api/v1${operation.path}`] ??= {})
    path[operation.method.toLowerCase()] = operationObject(operation, schemas)
  }
  schemas.Problem = problemSchema
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sealpost',
      version,
      description: 'The HTTP API of a Sealpost lab.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }, { password: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' }, password: { type: 'http', scheme: 'basic' } },
      responses: {
        Problem: {
          description: 'The request was not answered as wished: RFC 9457.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', description: `Ends with one of: ${Object.keys(problems).join(', ')}.` },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'Why, and what to do.' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { pointer: { type: 'string' }, message: { type: 'string' } } },
    },
  },
}

function operationObject(operation: Operation, schemas: Json): Json {
  const { name, method, path, summary, access, input, upload, output, status } = operation
  const { properties = {}, required = [] } = schemaOf(input, schemas, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, one = '']) => one)
  const others = Object.keys(properties).filter((one) => !inPath.includes(one))
  const inQuery = method === 'GET' || method === 'DELETE' || upload !== undefined
  const parameter = (one: string, place: 'path' | 'query'): Json => {
    const { description, ...schema } = properties[one] ?? {}
    return {
      name: one,
      in: place,
      required: place === 'path' || required.includes(one),
      schema,
      ...(description ? { description } : {}),
    }
  }
  const bodySchema = {
    type: 'object',
    properties: Object.fromEntries(others.map((one) => [one, properties[one]])),
    required: required.filter((one) => others.includes(one)),
    additionalProperties: false,
  }
  const body = upload
    ? {
        required: true,
        content: Object.fromEntries(upload.map((type) => [type, { schema: { type: 'string', format: 'binary' } }])),
      }
    : { required: bodySchema.required.length > 0, content: { 'application/json': { schema: bodySchema } } }
  return {
    operationId: name,
    summary,
    tags: [name.split('.')[0]],
    'x-access': access,
    parameters: [
      ...inPath.map((one) => parameter(one, 'path')),
      ...(inQuery ? others.map((one) => parameter(one, 'query')) : []),
    ],
    ...(upload || (!inQuery && others.length > 0) ? { requestBody: body } : {}),
    responses: {
      [output === undefined ? 204 : (status ?? 200)]: response(output, schemas),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function response(output: Operation['output'], schemas: Json): Json {
  if (output === undefined) return { description: 'Done.' }
  const content =
    typeof output === 'string'
      ? { [output]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: schemaOf(output, schemas, 'output') } }
  return { description: 'Done.', content }
}

/** Returns the JSON Schema of a type. Schemas with an id are put into `schemas` and referred to. */
function schemaOf(type: z.ZodType, schemas: Json, io: 'input' | 'output'): Json {
  const {
    $schema: _,
    $defs = {},
    ...schema
  } = z.toJSONSchema(type, { io, unrepresentable: 'any' }) as Json & { $defs?: Json }
  for (const [id, one] of Object.entries($defs)) schemas[id] = referring(one)
  return referring(schema) as Json
}

/** Points the references of a schema at the components of the document. */
const referring = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'))
