import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiDocument } from '../../../src/api/openapi/document.ts'
import { loadExamples } from '../../../src/api/openapi/examples.ts'
import type { Operation } from '../../../src/api/operation.ts'
import { operations } from '../../../src/api/operations.ts'
import type { Answer } from './client.ts'

/** The OpenAPI document of all operations, as the lab serves it. */
export const document = JSON.parse(JSON.stringify(openApiDocument(operations, await loadExamples())))

interface ResponseObject {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>>
}

interface OperationObject {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<Record<string, ResponseObject>>
}

// OpenAPI has keywords besides those of JSON Schema. `format` is not checked: the types that it names are checked by tests.
// Optimized code takes longer to compile than it saves.
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true, code: { optimize: false } })
ajv.addSchema(document, 'openapi')

const pathOf = ({ path }: Operation): string => `/api/v1${path}`

/** Returns what the document says about an operation. */
export const documented = (operation: Operation): OperationObject =>
  document.paths[pathOf(operation)][operation.method.toLowerCase()]

/** Returns the response that the document declares for a status; undefined without one. */
export function responseOf(operation: Operation, status: number): ResponseObject | undefined {
  const found = documented(operation).responses[status]
  if (found?.$ref === undefined) return found
  return found.$ref
    .slice(2)
    .split('/')
    .reduce((at, key) => at[key], document)
}

/** Returns what is wrong with a value, by a schema of the document. */
export function mistakesIn(value: unknown, schema: object): string[] {
  // A schema that refers to others does so from the root of the document.
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/')
  const known = compiled.get(text) ?? ajv.compile(JSON.parse(text))
  compiled.set(text, known)
  if (known(value)) return []
  return (known.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

const compiled = new Map<string, ReturnType<typeof ajv.compile>>()

/** Returns how an answer differs from what the document declares for the operation. */
export function undocumented(operation: Operation, { status, headers, body }: Answer): string[] {
  const response = responseOf(operation, status)
  if (!response) return [`the status ${status} is not documented: ${JSON.stringify(body)}`]
  const type = headers.get('content-type')?.split(';')[0]?.trim() ?? ''
  if (!response.content) return type === '' && body === '' ? [] : [`has a body of the type ${type}`]
  const types = Object.keys(response.content)
  const matching = types.find((one) => one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))))
  if (matching === undefined) return [`the type ${type} is not documented; there are ${types}`]
  if (!/json$/.test(type)) return []
  return mistakesIn(body, response.content[matching]?.schema as object)
}
