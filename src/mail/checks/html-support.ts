import { lineCounter, type Tag } from '../format/html-tags.ts'
import { clients, support } from './caniemail-data.ts'
import type { Finding } from './findings.ts'

/** A mail program that caniemail.com has tested. */
export interface TestedProgram {
  /** Its family and platform, as caniemail.com names them: `gmail`, `desktop-webmail`. */
  readonly family: string
  readonly platform: string
  readonly name: string
}

/** A feature of HTML or CSS that not all mail programs support. */
export interface Feature {
  readonly kind: string
  readonly name: string
  /** On caniemail.com. */
  readonly page: string
  /** For each tested program: y supports it, a supports a part of it, n does not. */
  readonly results: readonly { readonly program: TestedProgram; readonly letter: string }[]
}

/** How a message uses a feature. */
export interface FeatureUse {
  readonly feature: Feature
  /** Line of the first use. */
  readonly line: number
  readonly at: number | null
  count: number
}

const rowsOf = (text: string): string[] => text.trim().split('\n')

/** Returns the mail programs that caniemail.com has tested. */
export const testedPrograms = (): TestedProgram[] =>
  rowsOf(clients).map((row) => {
    const [, family = '', platform = '', name = ''] = /^(\S+) (\S+) (.+)$/.exec(row) ?? []
    return { family, platform, name }
  })

let features: ReadonlyMap<string, Feature> | undefined

/** Returns the features that some mail programs do not support, by kind and name. */
function featuresByName(): ReadonlyMap<string, Feature> {
  if (features) return features
  const programs = testedPrograms()
  features = new Map(
    rowsOf(support).map((row) => {
      const [kind = '', name = '', page = '', letters = ''] = row.split(' ')
      const results = programs.flatMap((program, at) =>
        (letters[at] ?? '-') === '-' ? [] : [{ program, letter: letters[at] as string }],
      )
      return [`${kind} ${name}`, { kind, name, page, results }]
    }),
  )
  return features
}

const DECLARATION = /(?:^|[{;\s])([a-z-]+)\s*:/gi
const RULE = /@[a-z-]+/gi

/** Uses of features between two pauses. */
const STEP_USES = 1000

/** Yields pauses, and returns the features that a message uses and that some mail programs do not support. */
export function* featureUses(tags: readonly Tag[]): Generator<undefined, FeatureUse[], void> {
  const known = featuresByName()
  const found = new Map<string, FeatureUse>()
  let count = 0
  for (const { kind, name, line, at } of usesOf(tags)) {
    const key = `${kind} ${name.toLowerCase()}`
    const use = found.get(key)
    const feature = known.get(key)
    if (use) use.count++
    else if (feature) found.set(key, { feature, line, at, count: 1 })
    if (++count % STEP_USES === 0) yield undefined
  }
  return [...found.values()]
}

/** Yields the HTML and CSS of a message that some mail programs do not support, once for each feature, and pauses. */
export function* htmlSupport(tags: readonly Tag[]): Generator<Finding | undefined, void, void> {
  for (const { feature, line, at } of yield* featureUses(tags)) {
    const { kind, name, results } = feature
    const isMissing = results.some(({ letter }) => letter === 'n')
    const concerned = results.filter(({ letter }) => letter === (isMissing ? 'n' : 'a'))
    yield {
      check: 'html-support',
      level: isMissing ? 'warning' : 'info',
      message: `the ${kind} ${name} is ${isMissing ? 'not supported' : 'supported only partly'} by ${concerned.length} mail program${concerned.length === 1 ? '' : 's'}`,
      line,
      at,
      clients: concerned.map(({ program }) => program.name),
      source: featureUrl(feature),
    }
  }
}

/** Returns the page about a feature. */
export const featureUrl = ({ page }: Feature): string => `https://www.caniemail.com/features/${page}/`

interface Use {
  readonly kind: 'element' | 'attribute' | 'property' | 'rule' | 'image'
  readonly name: string
  readonly line: number
  readonly at: number | null
}

function* usesOf(tags: readonly Tag[]): Generator<Use, void, void> {
  for (const { name, attributes, line, at, text } of tags) {
    // Web mail shows the content in an element of its own, which matters only if this one has a style.
    if (name !== 'body' || attributes.size > 0) yield { kind: 'element', name, line, at }
    for (const [attribute, value] of attributes) {
      yield { kind: 'attribute', name: attribute, line, at }
      if (attribute !== 'style') continue
      for (const [, property = ''] of value.matchAll(DECLARATION)) yield { kind: 'property', name: property, line, at }
    }
    const format = name === 'img' && /\.([a-z]+)(?:[?#]|$)/i.exec(attributes.get('src') ?? '')?.[1]
    if (format) yield { kind: 'image', name: format === 'jpeg' ? 'jpg' : format, line, at }
    if (name !== 'style') continue
    const lineInSheet = lineCounter(text)
    for (const [rule] of text.matchAll(RULE)) yield { kind: 'rule', name: rule, line, at: null }
    for (const { 1: property = '', index } of text.matchAll(DECLARATION))
      yield { kind: 'property', name: property, line: line + lineInSheet(index) - 1, at: null }
  }
}
