import type { z } from 'zod'
import { expectation, jsonSchemaOf, schemasAt } from '../core/config/json-schema.ts'
import { type Path, valueAt } from '../core/config/mistakes.ts'
import { nearestWord } from '../core/config/nearest.ts'
import type { InputMistake } from './problem.ts'

/** How the places of mistakes are written: the names of parameters, or JSON pointers (RFC 6901). */
export type Form = 'parameters' | 'json'

/** An input that its schema refuses. */
interface Refused {
  readonly given: unknown
  readonly schema: z.ZodObject
  readonly form: Form
}

/** Translates zod's issues: the place, the value found, and what is expected. `more` is how many are left out. */
export function inputMistakes(
  issues: readonly z.core.$ZodIssue[],
  refused: Refused,
  limit: number,
): { readonly errors: InputMistake[]; readonly more: number } {
  const single = issues.flatMap<{ issue: z.core.$ZodIssue; name: string | undefined }>((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((name) => ({ issue, name })) : [{ issue, name: undefined }],
  )
  const errors = single.slice(0, limit).map(({ issue, name }) => mistakeOf(issue, name, refused))
  return { errors, more: single.length - errors.length }
}

/** Finds texts with half of a surrogate pair, which UTF-8 cannot express. JSON can: `"\\ud800"`. RFC 8259 section 8.2. */
export function illFormedTexts(given: unknown, form: Form, path: readonly PropertyKey[] = []): InputMistake[] {
  if (typeof given === 'string') {
    return given.isWellFormed() ? [] : [{ pointer: placeText(path, form), message: 'has half of a surrogate pair' }]
  }
  if (typeof given !== 'object' || given === null) return []
  return Object.entries(given).flatMap(([key, value]) =>
    key.isWellFormed()
      ? illFormedTexts(value, form, [...path, key])
      : [{ pointer: placeText(path, form), message: 'has a key with half of a surrogate pair' }],
  )
}

/** @param name the key that is unknown, if that is the issue */
function mistakeOf(issue: z.core.$ZodIssue, name: string | undefined, { given, schema, form }: Refused): InputMistake {
  if (name === undefined) return { pointer: placeText(issue.path, form), message: messageOf(issue, given, schema) }
  const known = Object.keys(schema.shape)
  const near = issue.path.length === 0 ? nearestWord(name, known) : undefined
  const help = near ? `did you mean ${near}?` : `known: ${known.join(', ')}`
  return { pointer: placeText([...issue.path, name], form), message: `is unknown; ${help}` }
}

function placeText(path: readonly PropertyKey[], form: Form): string {
  const steps = path.map(String)
  if (form === 'parameters') return steps.join('.')
  return `/${steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
}

/** How the messages begin that zod makes up, for checks without a message of their own. */
const MADE_UP = /^(?:Invalid |Too (?:small|big):|Unrecognized )/

function messageOf(issue: z.core.$ZodIssue, given: unknown, schema: z.ZodObject): string {
  const path = issue.path as Path
  const value = valueAt(given, path)
  if (value === undefined && issue.code === 'invalid_type') return 'is missing'
  if (!MADE_UP.test(issue.message)) return issue.message
  const limit = lengthLimit(issue)
  if (limit !== undefined) return limit
  const isTime = issue.code === 'invalid_format' && issue.format === 'datetime'
  const expected = isTime
    ? 'a time such as 2026-11-25T16:40:00Z (RFC 3339)'
    : expectation(schemasAt(path, [jsonSchemaOf(schema, 'any')]))
  return `is ${valueInWords(value)}; must be ${expected.replaceAll('a mapping of', 'an object with')}`
}

/** Returns the message about a text or list of a wrong length. */
function lengthLimit(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined
  if (issue.origin !== 'string' && issue.origin !== 'array') return undefined
  const things = issue.origin === 'string' ? 'characters' : 'items'
  if (issue.code === 'too_big') return `has more than ${issue.maximum} ${things}`
  return issue.minimum === 1 ? 'is empty' : `has fewer than ${issue.minimum} ${things}`
}

function valueInWords(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
