import type { Steps } from '../../core/time/time-slice.ts'
import { htmlTokens } from './html-text.ts'

/** A start tag. */
export interface Tag {
  /** In lower case. */
  readonly name: string
  /** Decoded values by name in lower case. */
  readonly attributes: ReadonlyMap<string, string>
  readonly line: number
  /** Index of its `<`. */
  readonly at: number
  /**
   * The sheet of a `style` element, or the beginning of the text of an `a` element, with that of its images. Empty for other
   * elements.
   */
  text: string
}

/** Most start tags that are examined. */
const MAX_TAGS = 20_000
/** Characters of the text that are kept, by element. */
const TEXT_CHARS: Readonly<Record<string, number>> = { a: 500, style: Number.POSITIVE_INFINITY }

/**
 * Returns the start tags of HTML, without those in comments, in steps.
 * @param isWanted by name, in lower case. Default: all
 */
export function* tagsOf(html: string, isWanted: (name: string) => boolean = () => true): Steps<Tag[]> {
  const tags: Tag[] = []
  const lineAt = lineCounter(html)
  let attributes = new Map<string, string>()
  let [name, line, start] = ['', 1, 0]
  /** The element whose text is being read. */
  let open: Tag | undefined
  const addText = (text: string): void => {
    if (open) open.text += text.slice(0, (TEXT_CHARS[open.name] ?? 0) - open.text.length)
  }
  for (const _ of htmlTokens(html, {
    start(started, at) {
      name = isWanted(started) ? started : ''
      if (name === '') return
      line = lineAt(at)
      start = at
      attributes = new Map()
    },
    attribute(key, value) {
      if (name !== '' && !attributes.has(key)) attributes.set(key, value)
    },
    startEnd() {
      if (name === '') return
      if (name === 'img' && open?.name === 'a') addText(` ${attributes.get('alt') ?? ''} `)
      const tag: Tag = { name, attributes, line, at: start, text: '' }
      if (Object.hasOwn(TEXT_CHARS, name)) open = tag
      tags.push(tag)
    },
    end(ended) {
      if (ended === open?.name) open = undefined
    },
    text: addText,
    entity: (codePoint) => addText(String.fromCodePoint(codePoint)),
  })) {
    if (tags.length >= MAX_TAGS) break
    yield
  }
  return tags.slice(0, MAX_TAGS)
}

/** Returns a function that counts lines up to an index. The indexes must grow. */
export function lineCounter(text: string): (index: number) => number {
  let line = 1
  let lineFeed = text.indexOf('\n')
  return (index) => {
    for (; lineFeed !== -1 && lineFeed < index; lineFeed = text.indexOf('\n', lineFeed + 1)) line++
    return line
  }
}
