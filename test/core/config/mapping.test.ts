import { expect, test } from 'vitest'
import { z } from 'zod'
import { mapping } from '../../../src/core/config/schema/mapping.ts'

let built = 0
const outer = mapping(() => ({
  inner: mapping(() => {
    built++
    return { size: z.number().optional() }
  }),
}))

test('the keys of a mapping are built once, when they are first read', () => {
  expect(built).toBe(0)
  expect(outer.parse({ inner: { size: 1 } })).toEqual({ inner: { size: 1 } })
  outer.parse({ inner: {} })
  expect(built).toBe(1)
})

test('an unknown key in a nested mapping is refused', () => {
  expect(outer.safeParse({ inner: { sise: 1 } }).error?.issues).toMatchObject([
    { code: 'unrecognized_keys', keys: ['sise'], path: ['inner'] },
  ])
})

test('the JSON Schema has the keys of nested mappings', () => {
  expect(z.toJSONSchema(outer)).toMatchObject({
    properties: {
      inner: { type: 'object', properties: { size: { type: 'number' } }, additionalProperties: false },
    },
    additionalProperties: false,
  })
})
