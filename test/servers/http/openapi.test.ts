import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, it } from 'vitest'
import { loadExamples } from '../../../src/api/openapi/examples.ts'
import { takesBody } from '../../../src/api/openapi/parameters.ts'
import { operations } from '../../../src/api/operations.ts'
import { isThorough } from '../../support/thorough.ts'
import { document, documented, mistakesIn, responseOf } from './documented.ts'

const examples = await loadExamples()

/** Rules besides the recommended ones. */
const rules = {
  'operation-description': 'error',
  'operation-tag-defined': 'error',
  'operation-singular-tag': 'error',
  'tag-description': 'error',
  'tags-alphabetical': 'off',
  'no-invalid-parameter-examples': 'error',
  'no-invalid-media-type-examples': 'error',
  'no-invalid-schema-examples': 'error',
  'operation-parameters-unique': 'error',
  // /authorities/requests/{id} has POST only, and /authorities/{name}/certificate and /issued have GET only.
  'no-ambiguous-paths': 'off',
} as const

it.runIf(isThorough)('is a valid document without a finding of Redocly', async () => {
  const config = await createConfig({ extends: ['recommended'], rules })
  const found = await lintFromString({ source: JSON.stringify(document), absoluteRef: '/openapi.json', config })
  expect(found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([])
})

it('has an example of every operation, and no others', () => {
  expect(Object.keys(examples).sort()).toEqual(operations.map(({ name }) => name).sort())
})

describe.each(operations.map((one) => [one.name, one] as const))('the example of %s', (name, operation) => {
  const { input = {}, upload, answer, answerType } = examples[name] ?? {}
  const { parameters, requestBody } = documented(operation)

  it('has values for everything that is required, and only values that are declared', () => {
    const body = requestBody?.content['application/json'] as { schema: { properties: object } } | undefined
    const declared = [...parameters.map((one) => one.name), ...Object.keys(body?.schema.properties ?? {})]
    expect(Object.keys(input).filter((one) => !declared.includes(one))).toEqual([])
    for (const { name: one, schema, required } of parameters as ((typeof parameters)[number] & {
      required: boolean
    })[]) {
      if (one in input) expect(mistakesIn(input[one], schema), one).toEqual([])
      else expect(required, one).toBe(false)
    }
    if (takesBody(operation) && operation.upload) expect(operation.upload).toContain(upload?.type)
  })

  it('has an answer as declared', () => {
    const { output, status = output === undefined ? 204 : 200 } = operation
    const { content = {} } = responseOf(operation, status) ?? {}
    if (output === undefined) return expect(answer).toBeUndefined()
    const type = answerType ?? (typeof output === 'string' ? output : 'application/json')
    expect(content[type]?.example).toEqual(answer)
    expect(answer).toBeDefined()
    expect(mistakesIn(answer, content[type]?.schema as object)).toEqual([])
  })
})
