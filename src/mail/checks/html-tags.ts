/** A start tag. */
export interface Tag {
  /** In lower case. */
  readonly name: string
  /** By name in lower case. */
  readonly attributes: ReadonlyMap<string, string>
  readonly line: number
  /** Index of the character after the tag. */
  readonly end: number
}

/** Most start tags that are examined. */
const MAX_TAGS = 20_000
/** A tag that never ends stops at the next one, so that a search takes linear time. */
const START_TAG = /<([a-z][a-z0-9:-]*)(?=[\s/>])([^<>]*)>/gi
const ATTRIBUTE = /([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g

/** Yields the start tags of HTML, without those in comments. */
export function* tagsOf(html: string): Generator<Tag, void, void> {
  const shown = withoutComments(html)
  const lineAt = lineCounter(shown)
  let count = 0
  for (const match of shown.matchAll(START_TAG)) {
    if (++count > MAX_TAGS) return
    const attributes = new Map<string, string>()
    for (const [, name = '', double, single, bare] of (match[2] ?? '').matchAll(ATTRIBUTE)) {
      const key = name.toLowerCase()
      if (!attributes.has(key)) attributes.set(key, double ?? single ?? bare ?? '')
    }
    const name = (match[1] as string).toLowerCase()
    yield { name, attributes, line: lineAt(match.index), end: match.index + match[0].length }
  }
}

/** Returns HTML with spaces in place of comments, so that indexes and lines stay the same. */
function withoutComments(html: string): string {
  let shown = ''
  for (let at = 0; ; ) {
    const start = html.indexOf('<!--', at)
    const end = start === -1 ? -1 : html.indexOf('-->', start)
    if (end === -1) return shown + html.slice(at)
    shown += html.slice(at, start) + html.slice(start, end).replaceAll(/[^\n]/g, ' ')
    at = end
  }
}

/** Returns a function that counts lines up to an index. The indexes must grow. */
export function lineCounter(text: string): (index: number) => number {
  let [line, from] = [1, 0]
  return (index) => {
    for (let at = text.indexOf('\n', from); at !== -1 && at < index; at = text.indexOf('\n', from)) {
      line++
      from = at + 1
    }
    return line
  }
}
