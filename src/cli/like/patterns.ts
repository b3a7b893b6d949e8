/**
 * Returns the patterns of addresses that a regular expression means, with `*` for any text: `@example\.com$` is `*@example.com`.
 * @throws Error for an expression that no pattern can say: mail must not go where it may not
 */
export function patternsOf(expression: string): string[] {
  const inside = /^(\^?)\(\??:?([^()]*)\)(\$?)$/.exec(expression)
  const alternatives = inside
    ? (inside[2] ?? '').split('|').map((one) => `${inside[1]}${one}${inside[3]}`)
    : expression.split('|')
  return alternatives.map((one) => patternOf(one, expression))
}

/** The parts of an expression that have a pattern. A dot that is not escaped stands for itself, as most people mean it. */
const PARTS = /^(?:\\([.@+_-])|(\.[*+])|([\w@.+%-]))/

function patternOf(alternative: string, whole: string): string {
  const start = alternative.startsWith('^') ? '' : '*'
  const end = alternative.endsWith('$') ? '' : '*'
  let rest = alternative.replace(/^\^/, '').replace(/\$$/, '')
  let pattern = ''
  while (rest !== '') {
    const [text = '', escaped, any, plain] = PARTS.exec(rest) ?? []
    if (text === '')
      throw new Error(`${whole} has no pattern with * for any text; write a configuration with outgoing.connectors`)
    pattern += any ? '*' : (escaped ?? plain)
    rest = rest.slice(text.length)
  }
  return `${start}${pattern}${end}`.replaceAll(/\*+/g, '*')
}
