import { version } from '../../core/text/version.ts'
import type { Operation } from '../operation.ts'
import type { Example, Examples } from './examples.ts'
import { otherPaths } from './other-paths.ts'
import { outputTypes, pathParameters, usesQuery } from './parameters.ts'
import { problemComponents, problemResponses, problemSchema } from './problem-responses.ts'
import { type Json, schemaOf } from './schemas.ts'
import { tags } from './tags.ts'

const ACCESS = {
  read: 'Needs the right to read.',
  inspect: 'Needs the right to read what belongs to the whole lab, which administrators and readers have.',
  change: 'Needs the right to change mail.',
  administer: 'Needs the right to administer the lab.',
} as const

/** Returns the OpenAPI 3.1 document of the operations. https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(operations: readonly Operation[], examples: Examples = {}): Json {
  const schemas: Json = {}
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const path = (paths[`/api/v1${operation.path}`] ??= {})
    path[operation.method.toLowerCase()] = operationObject(operation, examples[operation.name] ?? {}, schemas)
  }
  schemas.Problem = problemSchema
  const used = new Set([...operations.map(tagOf), 'events', 'metrics'])
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sealpost',
      version,
      description:
        'The HTTP API of a Sealpost lab. Below `/t/TENANT/api/v1`, the same operations see only what belongs to a tenant.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }, { password: [] }],
    tags: [...used].map((name) => ({ name, description: tags[name] ?? '' })),
    paths: { ...paths, ...otherPaths },
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of `access.tokens`, or of a tenant.' },
        password: { type: 'http', scheme: 'basic', description: 'The name and password of an account.' },
      },
      headers: fieldComponents,
      responses: { ...problemComponents(operations), NotModified: notModified },
    },
  }
}

const tagOf = ({ name }: Operation): string => name.split('.')[0] ?? name

function operationObject(operation: Operation, example: Example, schemas: Json): Json {
  const { name, method, summary, access, output, status } = operation
  return {
    operationId: name,
    summary,
    description: ACCESS[access],
    tags: [tagOf(operation)],
    'x-access': access,
    ...requestOf(operation, example, schemas),
    responses: {
      [output === undefined ? 204 : (status ?? 200)]: response(operation, example, schemas),
      // A dry run creates nothing.
      ...(status === 201 && 'dryRun' in operation.input.shape ? { 200: response(operation, example, schemas) } : {}),
      ...(method === 'GET' ? { 304: { $ref: '#/components/responses/NotModified' } } : {}),
      ...problemResponses(operation),
    },
  }
}

function requestOf(operation: Operation, example: Example, schemas: Json): Json {
  const { path, input, describedInput, upload } = operation
  const { properties = {}, required = [] } = schemaOf(describedInput ?? input, schemas, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const inPath = pathParameters(path)
  const others = Object.keys(properties).filter((one) => !inPath.includes(one))
  const inQuery = usesQuery(operation) ? others : []
  const parameter = (one: string, place: 'path' | 'query'): Json => {
    const { description, ...schema } = properties[one] ?? {}
    return {
      name: one,
      in: place,
      required: place === 'path' || required.includes(one),
      schema,
      ...(description ? { description } : {}),
      ...(example.input?.[one] === undefined ? {} : { example: example.input[one] }),
    }
  }
  const parameters = [...inPath.map((one) => parameter(one, 'path')), ...inQuery.map((one) => parameter(one, 'query'))]
  if (upload) return { parameters, requestBody: uploadBody(upload, example) }
  if (others.length === inQuery.length) return { parameters }
  const wanted = required.filter((one) => others.includes(one))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(others.map((one) => [one, properties[one]])),
    required: wanted,
    additionalProperties: false,
  }
  const given = Object.entries(example.input ?? {}).filter(([one]) => others.includes(one))
  const json = { schema, example: Object.fromEntries(given) }
  return { parameters, requestBody: { required: wanted.length > 0, content: { 'application/json': json } } }
}

function uploadBody(types: readonly string[], { upload }: Example): Json {
  const schema = { type: 'string', format: 'binary' }
  const contents = types.map((type) => [
    type,
    { schema, ...(upload?.type === type ? { example: upload.content } : {}) },
  ])
  return { required: true, content: Object.fromEntries(contents) }
}

function response(operation: Operation, { answer, answerType }: Example, schemas: Json): Json {
  const { output } = operation
  if (output === undefined) return { description: 'Done.' }
  const types = outputTypes(operation)
  const contents = types.map((type, at): [string, Json] => {
    const isExample = answer !== undefined && type === (answerType ?? types[0])
    const schema = at === 0 && typeof output !== 'string' ? schemaOf(output, schemas, 'output') : contentSchema(type)
    return [type, { schema, ...(isExample ? { example: answer } : {}) }]
  })
  return { description: 'Done.', ...fieldsOf(operation), content: Object.fromEntries(contents) }
}

/** Header fields of answers. */
const fieldComponents: Json = {
  ETag: {
    description:
      'Entity tag of the answer, for If-None-Match (304 if nothing has changed) and If-Match. Large answers have none.',
    schema: { type: 'string' },
  },
  Location: { description: 'The path of what was created.', schema: { type: 'string' } },
}

const notModified: Json = {
  description: 'The client has the response already: it has sent its ETag in If-None-Match.',
  headers: { ETag: { $ref: '#/components/headers/ETag' } },
}

/** Returns the header fields of the answer of an operation. */
function fieldsOf({ method, hasEtag, location }: Operation): Json {
  const names = [...(method === 'GET' || hasEtag ? ['ETag'] : []), ...(location ? ['Location'] : [])]
  const headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
  return names.length === 0 ? {} : { headers }
}

function contentSchema(type: string): Json {
  if (type.endsWith('+json')) return { type: 'object' }
  return { type: 'string', ...(type.startsWith('text/') ? {} : { format: 'binary' }) }
}
