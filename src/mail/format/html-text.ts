import { createRequire } from 'node:module'

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

/**
 * Returns the text that a person reads in HTML, one block per line. Ignores layout and style sheets. Takes time in
 * proportion to the length for every input, because nesting is not tracked.
 */
export function htmlText(html: string): string {
  let out = ''
  let hidden = ''
  const onTag = (name: string, closes: boolean): void => {
    if (hidden !== '') {
      if (closes && name === hidden) hidden = ''
    } else if (HIDDEN.has(name)) hidden = closes ? '' : name
    else if (BLOCKS.has(name)) out += '\n'
    else if (name === 'td' && closes) out += ' '
  }
  tokenize(html, {
    start: (name) => onTag(name, false),
    end: (name) => onTag(name, true),
    text(text) {
      if (hidden === '') out += text.replace(/\s+/g, ' ')
    },
    entity(codePoint) {
      if (hidden === '' && !INVISIBLE.has(codePoint)) out += String.fromCodePoint(codePoint)
    },
  })
  const lines = out.split('\n').map((line) => line.replace(/[ \u00a0]+/g, ' ').trim())
  return lines
    .filter((line, i) => line !== '' || lines[i - 1] !== '')
    .join('\n')
    .trim()
}

/** Returns the targets of links in HTML, in order and without duplicates. Leaves out `#…` and `javascript:`. */
export function htmlLinks(html: string): string[] {
  const found: string[] = []
  let isLink = false
  tokenize(html, {
    start(name) {
      isLink = name === 'a' || name === 'area'
    },
    attribute(name, value) {
      if (isLink && name === 'href') found.push(value.trim())
    },
  })
  return [...new Set(found.filter((link) => /^[a-z][a-z0-9+.-]*:/i.test(link) && !/^javascript:/i.test(link)))]
}

/** Receives the tokens of HTML. Names are in lower case. */
interface HtmlHandler {
  readonly start: (name: string) => void
  readonly end?: (name: string) => void
  readonly attribute?: (name: string, value: string) => void
  readonly text?: (text: string) => void
  /** Receives a character that was written as an entity. */
  readonly entity?: (codePoint: number) => void
}

/**
 * Splits HTML into tags, text and entities with the tokenizer of htmlparser2. Packages that build a tree, html-to-text
 * among them, take quadratic time for deeply nested elements: 1 MiB of `<div>` takes them half a minute.
 */
function tokenize(html: string, { start, end, attribute, text, entity }: HtmlHandler): void {
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
        start(html.slice(from, to).toLowerCase())
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
      onopentagend: noop,
      onprocessinginstruction: noop,
      onselfclosingtag: noop,
    },
  )
  tokenizer.write(html)
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
