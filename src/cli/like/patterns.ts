/**
 * Returns the patterns that a regular expression means, with `*` for any text: `@example\.com$` is `*@example.com`.
 * @throws Error for an expression that no pattern can say: mail must not go where it may not
 */
export function patternsOf(expression: string): string[] {
  const rest = [...expression]
  const alternatives = alternativesIn(rest, expression)
  if (rest.length > 0) throw noPattern(expression)
  return alternatives.map((one) => patternOf(one, expression))
}

/** Most patterns of one expression. */
const MAX_PATTERNS = 200

const noPattern = (expression: string): Error =>
  new Error(`${expression} has no pattern with * for any text; write a configuration with outgoing.connectors`)

/** Returns the alternatives of an expression without groups and sets of characters. @param rest loses what is read */
function alternativesIn(rest: string[], whole: string): string[] {
  const found: string[] = []
  let parts = ['']
  for (let next = rest[0]; next !== undefined && next !== ')'; next = rest[0]) {
    rest.shift()
    if (next === '|') {
      found.push(...parts)
      parts = ['']
      continue
    }
    const choices = next === '(' ? group(rest, whole) : next === '[' ? set(rest, whole) : [atom(next, rest)]
    parts = parts.flatMap((part) => choices.map((choice) => part + choice))
    if (parts.length + found.length > MAX_PATTERNS) throw noPattern(whole)
  }
  return [...found, ...parts]
}

const QUANTIFIER = /^[*+?{]$/

function group(rest: string[], whole: string): string[] {
  if (rest[0] === '?' && rest[1] === ':') rest.splice(0, 2)
  const choices = alternativesIn(rest, whole)
  if (rest.shift() !== ')' || QUANTIFIER.test(rest[0] ?? '')) throw noPattern(whole)
  return choices
}

/** Reads a set such as `[0-4]`. */
function set(rest: string[], whole: string): string[] {
  const end = rest.indexOf(']')
  const [, ...parts] = /^((?:\w-\w|\w)+)$/.exec(rest.slice(0, Math.max(end, 0)).join('')) ?? []
  if (QUANTIFIER.test(rest[end + 1] ?? '') || parts[0] === undefined) throw noPattern(whole)
  rest.splice(0, end + 1)
  return [...parts[0].matchAll(/(\w)(?:-(\w))?/g)].flatMap(([, from = '', to = from]) => {
    const [first, last] = [from.charCodeAt(0), to.charCodeAt(0)]
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => String.fromCharCode(first + at))
  })
}

const atom = (first: string, rest: string[]): string => (first === '\\' ? `${first}${rest.shift() ?? ''}` : first)

/** The parts of an expression that have a pattern. A dot that is not escaped stands for itself, as most people mean it. */
const PARTS = /^(?:\\([.@+_-])|(\.[*+])|([\w@.+%-]))/

function patternOf(alternative: string, whole: string): string {
  const start = alternative.startsWith('^') ? '' : '*'
  const end = alternative.endsWith('$') ? '' : '*'
  let rest = alternative.replace(/^\^/, '').replace(/\$$/, '')
  let pattern = ''
  while (rest !== '') {
    const [text = '', escaped, any, plain] = PARTS.exec(rest) ?? []
    if (text === '') throw noPattern(whole)
    pattern += any ? '*' : (escaped ?? plain)
    rest = rest.slice(text.length)
  }
  return `${start}${pattern}${end}`.replaceAll(/\*+/g, '*')
}
