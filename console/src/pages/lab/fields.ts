import { parse as parseYaml, stringify } from 'yaml'

/** The part of a JSON Schema that a form needs. */
export interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly writeOnly?: boolean
  readonly deprecated?: boolean
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
}

/** - lines: a list of texts, one a line. secret: a text that is not shown. yaml: everything that has no field of its own. */
type Kind = 'choice' | 'number' | 'text' | 'secret' | 'lines' | 'yaml'

export interface FormField {
  readonly key: string
  readonly schema: Schema
  readonly kind: Kind
  readonly choices: readonly string[]
  readonly isRequired: boolean
}

/** Keys that name files of the machine. Nobody may set them over HTTP. */
const NAMES_FILE = /(?:^f|F)ile$|^preload$|^authority$|^mailboxReferrals$/

/**
 * Returns the fields for the keys of a schema, those of `first` before the others.
 * @param present the present values: keys that name files are shown only if they are set
 */
export function formFields(schema: Schema, first: readonly string[], present: Readonly<Record<string, unknown>>) {
  const required = schema.required ?? []
  const fields = Object.entries(schema.properties ?? {})
    .filter(([key, { deprecated }]) => !deprecated && (!NAMES_FILE.test(key) || present[key] !== undefined))
    .map(([key, one]): FormField => {
      const kind = kindOf(one)
      return { key, schema: one, kind, choices: choicesOf(one), isRequired: required.includes(key) }
    })
  const isMain = ({ key, isRequired }: FormField): boolean => isRequired || first.includes(key)
  const order = ({ key, isRequired }: FormField): number =>
    isRequired && !first.includes(key) ? -1 : first.indexOf(key)
  return {
    main: fields.filter(isMain).sort((a, b) => order(a) - order(b)),
    others: fields.filter((field) => !isMain(field)),
  }
}

function kindOf({ type, enum: words, const: one, items, anyOf, writeOnly }: Schema): Kind {
  if (words || type === 'boolean' || one !== undefined) return 'choice'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'string') return writeOnly ? 'secret' : 'text'
  if (type === 'array' && items?.type === 'string') return 'lines'
  if (anyOf?.every((part) => ['string', 'integer', 'number'].includes(part.type ?? ''))) return 'text'
  return 'yaml'
}

const choicesOf = ({ type, enum: words, const: one }: Schema): readonly string[] =>
  type === 'boolean' ? ['true', 'false'] : (words ?? (one === undefined ? [] : [one])).map(String)

/** Returns a value as the form shows it. */
export function shownIn({ kind }: Pick<FormField, 'kind'>, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (kind === 'yaml') return stringify(value).trimEnd()
  return Array.isArray(value) ? value.join('\n') : String(value)
}

/** Returns the value for the configuration; null for none. What is not YAML stays as it is: the lab refuses it. */
export function valueIn({ kind, schema }: FormField, shown: string): unknown {
  const text = shown.trim()
  if (text === '') return null
  if (kind === 'lines') return text.split('\n').flatMap((line) => line.trim() || [])
  if (kind === 'number') return /^-?\d+$/.test(text) ? Number(text) : text
  if (schema.type === 'boolean') return text === 'true'
  // A duration or a size can be a number, too.
  if (kind !== 'yaml') return schema.anyOf && /^\d+$/.test(text) ? Number(text) : text
  try {
    return parseYaml(text)
  } catch {
    return text
  }
}

/** Returns a value in one line. */
export function inWords(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  if (Array.isArray(value)) return value.map(inWords).join(', ')
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .flatMap(([key, one]) => (inWords(one) === '' ? [] : `${key}: ${inWords(one)}`))
    .join(', ')
}
