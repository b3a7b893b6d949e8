import type { z } from 'zod'
import {
  branches,
  exampleOf,
  expectation,
  type JsonSchema,
  joinWords,
  jsonSchemaOf,
  labJsonSchema,
  schemasAt,
} from './json-schema.ts'
import { ConfigError, locateByPath, type Mistake, type Path, placedInOrder, valueAt } from './mistakes.ts'
import { nearestWord } from './nearest.ts'

type Issue = z.core.$ZodIssue

/** The input that was checked, and the JSON Schema that describes it. */
interface Checked {
  readonly input: unknown
  readonly root: JsonSchema
}

/** Parses a part of a configuration that a program gives, such as a fault. @throws ConfigError listing every mistake */
export function parsePart<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const mistakes = mistakesOf(parsed.error.issues, given, jsonSchemaOf(schema, 'any'))
  throw new ConfigError(placedInOrder(mistakes, locateByPath))
}

/**
 * Translates zod's issues to mistakes: the value found, and the values expected.
 * @param root the JSON Schema of the input; default: the schema of a lab
 */
export function mistakesOf(issues: readonly Issue[], input: unknown, root = labJsonSchema()): Mistake[] {
  const misspelled = issues.filter((issue) => hasOnlyUnknownKeys(issue, input)).map(({ path }) => path.join())
  return issues
    .filter(({ code, path }) => code !== 'custom' || !misspelled.includes(path.join()))
    .flatMap((issue) => mistakesOfIssue(issue, [], { input, root }))
}

/** Returns whether no key of a mapping is known. Its missing keys are told when the others are right. */
function hasOnlyUnknownKeys(issue: Issue, input: unknown): boolean {
  if (issue.code !== 'unrecognized_keys') return false
  const mapping = valueAt(input, issue.path as Path)
  return Object.keys(mapping as object).every((key) => issue.keys.includes(key))
}

function mistakesOfIssue(issue: Issue, prefix: Path, checked: Checked): Mistake[] {
  const { input } = checked
  const path: Path = [...prefix, ...(issue.path as (string | number)[])]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, checked))
    case 'invalid_union': {
      const branch = intendedBranch(issue.errors)
      if (branch) return branch.flatMap((inner) => mistakesOfIssue(inner, path, checked))
      const unknown = unknownInAll(issue.errors)
      if (unknown.length > 0) return unknown.map((key) => unknownKey(path, key, checked))
      // The union has its own message.
      if (issue.message !== 'Invalid input') return [invalidValue(path, checked, issue.message)]
      break
    }
    case 'invalid_format':
    case 'custom':
      return [invalidValue(path, checked, issue.message)]
    case 'too_small':
      if (issue.origin === 'string') {
        const isEmpty = valueAt(input, path) === ''
        const message = isEmpty ? 'is empty; write a text' : `is too short; write at least ${issue.minimum} characters`
        return [{ path, message }]
      }
      if (issue.origin === 'array') return [{ path, message: 'is an empty list; name at least one' }]
      break
  }
  return [wrongValue(path, checked)]
}

function invalidValue(path: Path, { input, root }: Checked, message: string): Mistake {
  const value = valueAt(input, path)
  const found = value === undefined ? absence(input, path) : valueInWords(value, schemasAt(path, [root]))
  return { path, message: `is ${found}: ${message}` }
}

function wrongValue(path: Path, { input, root }: Checked): Mistake {
  const value = valueAt(input, path)
  const schemas = schemasAt(path, [root])
  const expected = expectation(schemas)
  if (value === undefined) return { path, message: `is ${absence(input, path)}; must be ${expected}`, onKey: true }
  return { path, message: `is ${valueInWords(value, schemas)}; must be ${expected}${hint(schemas, value)}` }
}

/** Programs can give a key with the value undefined. */
function absence(input: unknown, path: Path): 'missing' | 'undefined' {
  const [key = '', parent] = [path.at(-1), valueAt(input, path.slice(0, -1))]
  return typeof parent === 'object' && parent !== null && Object.hasOwn(parent, key) ? 'undefined' : 'missing'
}

/** Suggests the allowed word that is most similar to the value, or shows the mapping that a single value should be. */
function hint(schemas: readonly JsonSchema[], value: unknown): string {
  const [first, ...others] = schemas
  const example = first?.type === 'object' && others.length === 0 ? exampleOf(first) : undefined
  if (example !== undefined && typeof value !== 'object') return `; for example ${example}`
  if (typeof value !== 'string') return ''
  const words = schemas.flatMap((schema) => schema.enum ?? (schema.const === undefined ? [] : [schema.const]))
  const near = nearestWord(value, words.map(String))
  // The same word in quotes is a text where a number is expected.
  return near === undefined || near === value ? '' : `; did you mean ${near}?`
}

function unknownKey(path: Path, key: string, { root }: Checked): Mistake {
  const forms = schemasAt(path, [root])
  const others = forms.filter(({ properties }) => properties?.[key])
  // Another form of the mapping has the key.
  if (others.length > 0)
    return { path: [...path, key], message: `cannot be used here, only in ${expectation(others)}`, onKey: true }
  const known = [...new Set(forms.flatMap((schema) => Object.keys(schema.properties ?? {})))]
  const near = nearestWord(key, known)
  // Deeper mappings have keys with common names, such as `size` and `host`, which say little about what was meant.
  const isNearTop = path.length === 0 || (path.length === 2 && path[0] === 'virtualServers')
  const home = isNearTop ? placeInSchema(key, root) : undefined
  let right = `known here: ${joinWords(known)}`
  if (home !== undefined) right = `it belongs in ${home}`
  if (near !== undefined) right = `did you mean ${near}?`
  return { path: [...path, key], message: `unknown key; ${right}`, onKey: true }
}

/** Returns the mappings nearest to the top that have a key, if they are few: `testing or virtualServers[]`. */
function placeInSchema(key: string, root: JsonSchema): string | undefined {
  let level = branches(root).map((schema) => ({ place: '', schema }))
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const homes = new Set(level.filter(({ schema }) => schema.properties?.[key]).map(({ place }) => place))
    if (homes.size > 0) return homes.size > MAX_HOMES ? undefined : joinWords([...homes])
    level = level.flatMap(({ place, schema }) =>
      Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
        const below = place === '' ? name : `${place}.${name}`
        return branches(property).flatMap((branch) =>
          branch.items
            ? branches(branch.items).map((item) => ({ place: `${below}[]`, schema: item }))
            : [{ place: below, schema: branch }],
        )
      }),
    )
  }
  return undefined
}

const MAX_DEPTH = 4
/** More places say little about what was meant. */
const MAX_HOMES = 2

/**
 * Returns the branch of a union that the value is meant for: the one with the type of the value or, if there are several
 * for mappings, the one with the fewest unknown keys. Returns undefined if that leaves several.
 */
function intendedBranch(errors: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const candidates = errors.filter(isForType)
  const fewest = Math.min(...candidates.map((issues) => unknownKeys(issues).length))
  const best = candidates.filter((issues) => unknownKeys(issues).length === fewest)
  return best.length === 1 ? best[0] : undefined
}

/** Returns the keys of a mapping that no branch of a union for mappings knows. */
function unknownInAll(errors: readonly (readonly Issue[])[]): readonly string[] {
  const [first = [], ...others] = errors.filter(isForType).map(unknownKeys)
  return first.filter((key) => others.every((keys) => keys.includes(key)))
}

const unknownKeys = (issues: readonly Issue[]): readonly string[] =>
  issues.flatMap((issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : []))

/** Returns whether the value has the type that a branch of a union requires. */
const isForType = (issues: readonly Issue[]): boolean =>
  !issues.some((issue) => issue.path.length === 0 && isOfOtherType(issue))

const isOfOtherType = (issue: Issue): boolean => issue.code === 'invalid_type' || issue.code === 'invalid_value'

/** Returns a value as text for a message, at most 60 characters. Readers of the log must not learn secrets. */
function valueInWords(value: unknown, schemas: readonly JsonSchema[]): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  const isSecret = schemas.some(({ writeOnly }) => writeOnly)
  // A password in braces is a mapping for YAML, whose key is the password.
  if (typeof value === 'object') return isSecret ? 'a mapping' : objectInWords(value)
  if (typeof value === 'function') return 'a function'
  if (isSecret) return typeof value === 'string' ? 'not valid' : `a ${typeof value}`
  // JSON has no NaN, no Infinity and no bigint.
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** Returns the keys of a mapping as text of at most 60 characters, or the class of an object, such as RegExp. */
function objectInWords(value: object): string {
  const { name } = Object.getPrototypeOf(value)?.constructor ?? Object
  if (name !== 'Object') return `an object of the class ${name}`
  const keys = Object.keys(value).join(', ')
  if (keys === '') return 'a mapping'
  return `a mapping of ${keys.length > 60 ? `${keys.slice(0, 57)}…` : keys}`
}
