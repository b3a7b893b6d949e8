import { readdirSync, readFileSync } from 'node:fs'
import { inspect, isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { ZodType } from 'zod'
import { branches, type JsonSchema, jsonSchemaOf } from '../../src/config/json-schema.ts'
import { scriptedFault } from '../../src/config/schema/fault.ts'
import { labKeys, labSchema } from '../../src/config/schema.ts'
import { parseYamlValue, withoutAnchors } from '../../src/config/yaml.ts'
import { FAILED, read } from '../../src/config/zod/read.ts'
import { realOf, z } from '../../src/config/zod/recorded.ts'
import { tokenRequest } from '../../src/oauth2/request.ts'

/** Values that no schema expects everywhere: other types, limits, and texts of the formats of some keys. */
const strange: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  70_000,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'x',
  '\u{1f4e7}',
  'off',
  'all',
  'none',
  'auto',
  '0',
  '10s',
  '30d',
  '5MiB',
  'alice@lab.test',
  'lab.test',
  '127.0.0.1',
  '::1/64',
  'https://lab.test/x',
  'postgres://lab@db/lab',
  '2030-01-01T00:00:00Z',
  [],
  [''],
  ['x', 'x'],
  Array(2),
  [undefined],
  {},
  { x: 1 },
  { '': '' },
  { 1: 'x' },
  JSON.parse('{ "__proto__": 1 }'),
  { constructor: 1 },
  Object.create({ x: 1 }),
  new Date(0),
  new Map(),
  () => true,
]

/** Returns values for a schema: its examples, its default, each of its words, and mappings in which one key differs. */
function candidates(schema: JsonSchema, depth = 0): unknown[] {
  const { examples = [], const: only, enum: words = [], anyOf, oneOf, properties, items } = schema
  const values = [...examples, ...words, ...(only === undefined ? [] : [only])]
  if (schema.default !== undefined) values.push(schema.default)
  if (anyOf ?? oneOf) values.push(...branches(schema).flatMap((branch) => candidates(branch, depth)))
  if (properties) values.push(...mappings(properties, schema.required ?? [], depth))
  if (items) values.push(...candidates(items, depth + 1).map((item) => [item]))
  if (typeof schema.additionalProperties === 'object')
    values.push(...candidates(schema.additionalProperties, depth + 1).map((value) => ({ weekly: value })))
  return values
}

function mappings(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[], depth: number) {
  const all = Object.entries(properties).map(([key, schema]) => [key, candidates(schema, depth + 1)] as const)
  const first = all.flatMap(([key, [value]]) => (value === undefined ? [] : [[key, value] as const]))
  const whole = Object.fromEntries(first)
  const least = Object.fromEntries(first.filter(([key]) => required.includes(key)))
  const found: unknown[] = [whole, least, { ...least, unknown: 1 }]
  for (const [key, values] of all) {
    for (const value of [...values, ...strange]) found.push({ ...least, [key]: value })
    const { [key]: _without, ...rest } = least
    found.push(rest)
  }
  return found
}

/** A text that differs if the order of keys does. */
const inOrder = (value: unknown): string =>
  inspect(value, { depth: Infinity, maxArrayLength: null, breakLength: Infinity })

/** Fails unless the record of a schema and zod say the same of a value. Returns whether it is valid. */
function expectSame(schema: ZodType, value: unknown): boolean {
  const found = read(schema, value)
  const parsed = realOf(schema).safeParse(value)
  const isSame = parsed.success
    ? isDeepStrictEqual(found, parsed.data) && inOrder(found) === inOrder(parsed.data)
    : found === FAILED
  if (!isSame) expect({ value, found }).toEqual({ value, found: parsed.success ? parsed.data : FAILED })
  return parsed.success
}

test.each(Object.entries(labKeys))(
  '%s: a recorded schema accepts what zod accepts, with the same result',
  (_key, schema) => {
    const values = [...candidates(jsonSchemaOf(schema, 'any')), ...strange]
    const valid = values.filter((value) => expectSame(schema, value))
    expect(valid.length).toBeGreaterThan(0)
    expect(values.length - valid.length).toBeGreaterThan(0)
  },
)

test('whole configurations have the same result', () => {
  const folder = new URL('../../config/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  expect(files.length).toBeGreaterThan(3)
  expect(expectSame(labSchema, {})).toBe(true)
  for (const name of files) {
    const value = withoutAnchors(parseYamlValue(readFileSync(new URL(name, folder), 'utf8')))
    expect(expectSame(labSchema, value), name).toBe(true)
  }
  for (const value of strange) expectSame(labSchema, value)
})

test('schemas of the library have the same result', () => {
  const when = { verb: 'RCPT' }
  expect(expectSame(scriptedFault, { when, do: () => undefined })).toBe(true)
  expect(expectSame(scriptedFault, { when: { on: 'data' }, do: () => undefined })).toBe(false)
  for (const value of candidates(jsonSchemaOf(tokenRequest, 'any'))) expectSame(tokenRequest, value)
})

test('rules that the configuration does not use yet have the same result', () => {
  const count = z.number().int().min(0)
  const word = z.string().min(2).max(3)
  const schemas = {
    defaultInOptional: count.default(1).optional(),
    failingDefault: count.prefault(-1).optional(),
    optionalTransform: word.optional().transform((value) => value ?? 'none'),
    transformOptional: word.transform((value) => (value === 'xx' ? undefined : value)).optional(),
    union: z.union([word.optional(), count.default(3)]),
    nullable: count.nullable(),
    pipe: word
      .transform((value) => value.length)
      .pipe(count.max(2))
      .optional(),
    issues: word.superRefine((value, context) => {
      if (value === 'no') context.addIssue('not this')
    }),
  }
  for (const [name, schema] of Object.entries(schemas)) {
    const object = z.strictObject({ a: schema, b: count.default(2) })
    const keyed = z.record(z.string().regex(/^[a-z]$/), schema)
    const all = [...strange, 'no', 'xx', 'xxx', 'xxxx', '\u{1f4e7}\u{1f4e7}', 1, 2, 3]
    for (const value of all) {
      expectSame(schema, value)
      for (const one of [{ a: value }, { b: value }, { a: value, b: value }]) {
        expectSame(object, one)
        expectSame(keyed, one)
        expectSame(object.optional(), one)
      }
    }
    expect(expectSame(object, {}), name).toBe(!['nullable', 'issues'].includes(name))
  }
  const pair = z.tuple([word, count.optional()])
  for (const value of [['ab'], ['ab', 1], ['ab', -1], ['ab', 1, 1], [], [1], ['ab', undefined]]) expectSame(pair, value)
  const levels = z.record(z.enum(['a', 'b']), count)
  for (const value of [{ a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]) expectSame(levels, value)
})
