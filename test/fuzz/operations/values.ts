import fc from 'fast-check'

/** The parts of JSON Schema that the OpenAPI document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly propertyNames?: Schema
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
}

/** A value that only the running lab knows, such as the id of a message: the `at`-th that it has named so far. */
export class Link {
  readonly kind: string
  readonly at: number

  constructor(kind: string, at: number) {
    this.kind = kind
    this.at = at
  }

  /** Shown by fast-check. */
  toString(): string {
    return `Link(${this.kind}, ${this.at})`
  }
}

export const linkTo = (kind: string): fc.Arbitrary<Link> => fc.nat(1000).map((at) => new Link(kind, at))

/** Values that programs handle badly. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  '/',
  '//',
  '\\',
  '%',
  '%00',
  '%2e%2e%2f',
  '\0',
  '\r\nX-Injected: 1',
  '\n',
  '"',
  "'",
  '`',
  '{}',
  '[]',
  '*',
  '?a=b&c=d',
  '#',
  ';',
  ',',
  '<script>alert(1)</script>',
  '$' + '{7*7}',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '1'.repeat(400),
  'true',
  'İ',
  '\u202e\ufeff\u2028',
  '\ud800',
  '😀'.repeat(50),
  'xn--a',
  'a@b',
  '@',
  '<>',
  'a'.repeat(10_000),
  'é'.repeat(2_000),
  '2026-02-30',
  '+275760-09-13T00:00:00Z',
  'smtp-999999',
  'INBOX',
  'CAPTURED',
  '(a+)+$',
]

/** Generates texts of any code points, with halves of pairs. fast-check's unit `binary` first makes a map of all of them: 1.2 s. */
export const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength }).map((points) => String.fromCodePoint(...points))

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...hostileTexts),
  anyText(40),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)

/** The same for JSON. */
export const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  ...[null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, [], {}, [[[[]]]]],
]

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(...hostileValues),
  fc.jsonValue({ maxDepth: 3 }),
)

const plainText = fc.oneof(
  fc.constantFrom('lab.general', 'Hello', 'Straße', '日本語', 'a b', 'x-1'),
  fc.string({ maxLength: 12 }),
)

/** Lookaheads are not supported by fast-check: such values are tried until one matches. */
function textOf({ pattern, format, minLength = 0, maxLength = 200 }: Schema): fc.Arbitrary<string> {
  if (format === 'base64') return fc.base64String({ maxLength: 60 })
  if (pattern === undefined) return plainText.filter((text) => text.length >= minLength && text.length <= maxLength)
  const wanted = new RegExp(pattern)
  if (!pattern.includes('(?!')) {
    return fc.stringMatching(wanted).filter((text) => text.length >= minLength && text.length <= maxLength)
  }
  return plainText.filter((text) => wanted.test(text))
}

function integer({
  exclusiveMinimum,
  minimum = exclusiveMinimum === undefined ? -1_000 : exclusiveMinimum + 1,
  maximum = 1_000_000,
}: Schema): fc.Arbitrary<number> {
  return fc.integer({ min: minimum, max: Math.min(maximum, Number.MAX_SAFE_INTEGER) })
}

/** Values that make sense for a property. */
export interface Known {
  readonly values: fc.Arbitrary<unknown>
  /** Whether no others are wanted. */
  readonly isAll: boolean
}

/** Returns values that a schema allows. @param known for a property, what makes sense for it */
export function validValue(
  schema: Schema,
  known: (name: string) => Known | undefined,
  root: { readonly components: { readonly schemas: Readonly<Record<string, Schema>> } },
): fc.Arbitrary<unknown> {
  const value = (one: Schema): fc.Arbitrary<unknown> => validValue(one, known, root)
  if (schema.$ref) return value(root.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema)
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return fc.oneof(...choices.map(value))
  const type = [schema.type].flat()[0]
  if (type === 'string') return textOf(schema)
  if (type === 'integer') return integer(schema)
  if (type === 'number') return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true })
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  if (type === 'array')
    return fc.array(value(schema.items ?? {}), {
      minLength: schema.minItems ?? 0,
      maxLength: Math.min(3, schema.maxItems ?? 3),
    })
  if (type !== 'object') return fc.jsonValue({ maxDepth: 1 })
  const { properties = {}, required = [], additionalProperties } = schema
  const fields = Object.entries(properties).map(([name, one]) => {
    const sensible = known(name)
    if (sensible?.isAll) return [name, sensible.values] as const
    return [name, sensible ? fc.oneof({ weight: 4, arbitrary: sensible.values }, value(one)) : value(one)] as const
  })
  const record = fc.record(Object.fromEntries(fields), { requiredKeys: [...required] })
  if (typeof additionalProperties !== 'object' || Object.keys(properties).length > 0) return record
  const names = textOf(schema.propertyNames ?? { pattern: '^[a-z]{1,8}$' })
  return fc.dictionary(names, value(additionalProperties), { maxKeys: 3 })
}

/** How a valid value becomes one that is nearly valid. Paths and keys are chosen by numbers, so that fast-check can shrink them. */
export const mutation = fc.record({
  kind: fc.constantFrom('remove', 'add', 'replace', 'rename', 'wrap'),
  at: fc.nat(20),
  value: hostileValue,
})

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

/** Returns the object with one of its properties removed, added, replaced, renamed or wrapped. */
export function mutated(
  given: Readonly<Record<string, unknown>>,
  { kind, at, value }: Mutation,
): Record<string, unknown> {
  const names = Object.keys(given)
  const name = names[at % Math.max(1, names.length)]
  if (name === undefined || kind === 'add') return { ...given, [`${name ?? 'extra'}s`]: value }
  const { [name]: old, ...rest } = given
  if (kind === 'remove') return rest
  if (kind === 'rename') return { ...rest, [name.toUpperCase()]: old }
  return { ...rest, [name]: kind === 'wrap' ? [old] : value }
}
