import { lineCounter, type Tag } from '../format/html-tags.ts'
import { clients, support } from './caniemail-data.ts'
import type { Finding } from './findings.ts'

interface Feature {
  readonly page: string
  readonly without: readonly string[]
  readonly partly: readonly string[]
}

let features: ReadonlyMap<string, Feature> | undefined

/** Returns the features that some mail programs do not support, by kind and name. */
function featuresByName(): ReadonlyMap<string, Feature> {
  const named = (numbers: string): string[] =>
    numbers === '-' ? [] : numbers.split(',').map((number) => clients[Number(number)] ?? '')
  features ??= new Map(
    support
      .trim()
      .split('\n')
      .map((row) => {
        const [kind, name, page = '', without = '-', partly = '-'] = row.split(' ')
        return [`${kind} ${name}`, { page, without: named(without), partly: named(partly) }]
      }),
  )
  return features
}

const DECLARATION = /(?:^|[{;\s])([a-z-]+)\s*:/gi
const RULE = /@[a-z-]+/gi

/** Uses of features between two pauses. */
const STEP_USES = 1000

/** Yields the HTML and CSS of a message that some mail programs do not support, once for each feature, and pauses. */
export function* htmlSupport(tags: readonly Tag[]): Generator<Finding | undefined, void, void> {
  const seen = new Map<string, number>()
  let count = 0
  for (const { kind, name, line } of usesOf(tags)) {
    const key = `${kind} ${name.toLowerCase()}`
    if (!seen.has(key) && featuresByName().has(key)) seen.set(key, line)
    if (++count % STEP_USES === 0) yield undefined
  }
  for (const [key, line] of seen) {
    const { page, without, partly } = featuresByName().get(key) as Feature
    const isMissing = without.length > 0
    const concerned = isMissing ? without : partly
    const [kind, name] = key.split(' ')
    yield {
      check: 'html-support',
      level: isMissing ? 'warning' : 'info',
      message: `the ${kind} ${name} is ${isMissing ? 'not supported' : 'supported only partly'} by ${concerned.length} mail program${concerned.length === 1 ? '' : 's'}`,
      line,
      clients: [...concerned],
      source: `https://www.caniemail.com/features/${page}/`,
    }
  }
}

interface Use {
  readonly kind: 'element' | 'attribute' | 'property' | 'rule' | 'image'
  readonly name: string
  readonly line: number
}

function* usesOf(tags: readonly Tag[]): Generator<Use, void, void> {
  for (const { name, attributes, line, text } of tags) {
    // Web mail shows the content in an element of its own, which matters only if this one has a style.
    if (name !== 'body' || attributes.size > 0) yield { kind: 'element', name, line }
    for (const [attribute, value] of attributes) {
      yield { kind: 'attribute', name: attribute, line }
      if (attribute !== 'style') continue
      for (const [, property = ''] of value.matchAll(DECLARATION)) yield { kind: 'property', name: property, line }
    }
    const format = name === 'img' && /\.([a-z]+)(?:[?#]|$)/i.exec(attributes.get('src') ?? '')?.[1]
    if (format) yield { kind: 'image', name: format === 'jpeg' ? 'jpg' : format, line }
    if (name !== 'style') continue
    const lineInSheet = lineCounter(text)
    for (const [rule] of text.matchAll(RULE)) yield { kind: 'rule', name: rule, line }
    for (const { 1: property = '', index } of text.matchAll(DECLARATION))
      yield { kind: 'property', name: property, line: line + lineInSheet(index) - 1 }
  }
}
