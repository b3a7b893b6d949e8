import { clients, support } from './caniemail-data.ts'
import type { Finding } from './findings.ts'
import { lineCounter, type Tag } from './html-tags.ts'

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

/** Yields the HTML and CSS of a message that some mail programs do not support, once for each feature. */
export function* htmlSupport(html: string, tags: readonly Tag[]): Generator<Finding, void, void> {
  const seen = new Map<string, number>()
  const use = (kind: string, name: string, line: number): void => {
    const key = `${kind} ${name.toLowerCase()}`
    if (!seen.has(key) && featuresByName().has(key)) seen.set(key, line)
  }
  const css = (text: string, lineOf: (index: number) => number): void => {
    for (const match of text.matchAll(DECLARATION)) use('property', match[1] as string, lineOf(match.index))
  }
  for (const { name, attributes, line, end } of tags) {
    use('element', name, line)
    for (const [attribute, value] of attributes) {
      use('attribute', attribute, line)
      if (attribute === 'style') css(value, () => line)
    }
    const format = name === 'img' && /\.([a-z]+)(?:[?#]|$)/i.exec(attributes.get('src') ?? '')?.[1]
    if (format) use('image', format === 'jpeg' ? 'jpg' : format, line)
    if (name !== 'style') continue
    const close = html.indexOf('</', end)
    const sheet = html.slice(end, close === -1 ? undefined : close)
    const lineInSheet = lineCounter(sheet)
    for (const match of sheet.matchAll(RULE)) use('rule', match[0], line)
    css(sheet, (index) => line + lineInSheet(index) - 1)
  }
  for (const [key, line] of seen) {
    const { page, without, partly } = featuresByName().get(key) as Feature
    const isMissing = without.length > 0
    const [kind, name] = key.split(' ')
    yield {
      check: 'html-support',
      level: isMissing ? 'warning' : 'info',
      message: `the ${kind} ${name} is ${isMissing ? 'not supported' : 'supported only partly'} by ${(isMissing ? without : partly).length} mail programs`,
      line,
      clients: [...(isMissing ? without : partly)],
      source: `https://www.caniemail.com/features/${page}/`,
    }
  }
}
