import { expect, test } from 'vitest'
import { z } from 'zod'
import { mapping } from '../../../src/core/config/schema/mapping.ts'

let built: number
const nested = () => {
  built = 0
  return mapping(() => ({
    inner: mapping(() => {
      built++
      return { size: z.number().optional() }
    }),
  }))
}

test('the keys of a mapping are built once, when they are first read', () => {
  const outer = nested()
  expect(built).toBe(0)
  expect(outer.parse({ inner: { size: 1 } })).toEqual({ inner: { size: 1 } })
  outer.parse({ inner: {} })
  expect(built).toBe(1)
})

test('an unknown key in a nested mapping is refused', () => {
  expect(nested().safeParse({ inner: { sise: 1 } }).error?.issues).toMatchObject([
    { code: 'unrecognized_keys', keys: ['sise'], path: ['inner'] },
  ])
})

test('the JSON Schema has the keys of nested mappings', () => {
  expect(z.toJSONSchema(nested())).toMatchObject({
    properties: {
      inner: { type: 'object', properties: { size: { type: 'number' } }, additionalProperties: false },
    },
    additionalProperties: false,
  })
})
