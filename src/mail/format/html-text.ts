import { createRequire } from 'node:module'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'

/** Elements whose content is not shown. */
const HIDDEN = new Set(['script', 'style', 'template', 'title'])
/** Elements that start a new line. */
const BLOCKS = new Set(
  'address article blockquote br dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul'.split(
    ' ',
  ),
)
/** Invisible characters, dropped when written as entities: newsletters hide preview text with them. `&shy;`, `&zwnj;`. */
const INVISIBLE = new Set([0xad, 0x200c])

/** Characters read between two pauses. */
const STEP_CHARS = 16 * 1024

/**
 * Returns the text that a person reads in HTML, one block per line, in steps. Ignores layout and style sheets. Takes time in
 * proportion to the length for every input, because nesting is not tracked.
 */
export function* htmlTextSteps(html: string): Steps<string> {
  let out = ''
  let hidden = ''
  const onTag = (name: string, closes: boolean): void => {
    if (hidden !== '') {
      if (closes && name === hidden) hidden = ''
    } else if (HIDDEN.has(name)) hidden = closes ? '' : name
    else if (BLOCKS.has(name)) out += '\n'
    else if (name === 'td' && closes) out += ' '
  }
  const lines = new TextLines()
  for (const _ of htmlTokens(html, {
    start: (name) => onTag(name, false),
    end: (name) => onTag(name, true),
    text(text) {
      if (hidden === '') out += text.replace(/\s+/g, ' ')
    },
    entity(codePoint) {
      if (hidden === '' && !INVISIBLE.has(codePoint)) out += String.fromCodePoint(codePoint)
    },
  })) {
    const end = out.lastIndexOf('\n') + 1
    lines.add(out.slice(0, end))
    out = out.slice(end)
    yield
  }
  lines.add(`${out}\n`)
  return lines.text.trim()
}

/** Returns the text of HTML. See `htmlTextSteps`. */
export const htmlText = (html: string): string => runToEnd(htmlTextSteps(html))

/** Lines without the white space around them. An empty line after an empty line is left out. */
class TextLines {
  text = ''
  #wasEmpty = false

  /** @param lines whole lines */
  add(lines: string): void {
    const kept: string[] = []
    for (const line of lines.split('\n').slice(0, -1)) {
      const trimmed = line.replace(/[ \u00a0]+/g, ' ').trim()
      if (trimmed !== '' || !this.#wasEmpty) kept.push(`${trimmed}\n`)
      this.#wasEmpty = trimmed === ''
    }
    this.text += kept.join('')
  }
}

/** Receives the tokens of HTML. Names are in lower case, and `at` is the index of the tag. */
interface HtmlHandler {
  readonly start: (name: string, at: number) => void
  /** Receives the end of a start tag, after its attributes. */
  readonly startEnd?: () => void
  readonly end?: (name: string) => void
  readonly attribute?: (name: string, value: string) => void
  readonly text?: (text: string) => void
  /** Receives a character that was written as an entity. */
  readonly entity?: (codePoint: number) => void
}

/**
 * Splits HTML into tags, text and entities, in steps, with the tokenizer of htmlparser2. Packages that build a tree, html-to-text
 * among them, take quadratic time for deeply nested elements: 1 MiB of `<div>` takes them half a minute.
 */
export function* htmlTokens(html: string, { start, startEnd, end, attribute, text, entity }: HtmlHandler): Steps<void> {
  let [textStart, textEnd] = [0, 0]
  const flushText = (): void => {
    if (textEnd > textStart) text?.(html.slice(textStart, textEnd))
    textStart = textEnd
  }
  let name = ''
  let value = ''
  const noop = (): void => {}
  const tokenizer = new (loadTokenizer())(
    { decodeEntities: true },
    {
      onopentagname(from, to) {
        flushText()
        start(html.slice(from, to).toLowerCase(), from - 1)
      },
      onclosetag(from, to) {
        flushText()
        end?.(html.slice(from, to).toLowerCase())
      },
      onattribname(from, to) {
        name = attribute ? html.slice(from, to).toLowerCase() : ''
        value = ''
      },
      onattribdata(from, to) {
        if (attribute) value += html.slice(from, to)
      },
      onattribentity(codePoint) {
        if (attribute) value += String.fromCodePoint(codePoint)
      },
      onattribend: () => attribute?.(name, value),
      ontext(from, to) {
        // The tokenizer may split a text into many pieces.
        if (from !== textEnd) {
          flushText()
          textStart = from
        }
        textEnd = to
      },
      ontextentity(codePoint) {
        flushText()
        entity?.(codePoint)
      },
      onend: flushText,
      oncdata: noop,
      oncomment: noop,
      ondeclaration: noop,
      onopentagend: () => startEnd?.(),
      onprocessinginstruction: noop,
      onselfclosingtag: () => startEnd?.(),
    },
  )
  for (let at = 0; at < html.length; at += STEP_CHARS) {
    tokenizer.write(html.slice(at, at + STEP_CHARS))
    yield
  }
  tokenizer.end()
}

/** The part of the package's `Tokenizer` that is used here. Offsets are indexes into the HTML. */
type TokenizerClass = new (
  options: { readonly decodeEntities: boolean },
  callbacks: Readonly<
    Record<
      | 'onopentagname'
      | 'onclosetag'
      | 'onattribname'
      | 'onattribdata'
      | 'ontext'
      | 'oncdata'
      | 'oncomment'
      | 'ondeclaration'
      | 'onprocessinginstruction',
      (start: number, end: number) => void
    > &
      Record<'onattribentity' | 'ontextentity', (codePoint: number) => void> &
      Record<'onattribend' | 'onend' | 'onopentagend' | 'onselfclosingtag', () => void>
  >,
) => { write(html: string): void; end(): void }

let Tokenizer: TokenizerClass | undefined

/** Loads the package at the first use, because most labs never need it. */
function loadTokenizer(): TokenizerClass {
  Tokenizer ??= (createRequire(import.meta.url)('./html-tokenizer.cjs') as { readonly Tokenizer: TokenizerClass })
    .Tokenizer
  return Tokenizer
}
