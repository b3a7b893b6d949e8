const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  bull: '•',
  euro: '€',
  zwnj: '',
  shy: '',
}

/** Elements whose content nobody sees. */
const HIDDEN = new Set(['head', 'script', 'style', 'template', 'title'])
/** Elements whose content is no mark-up: it ends at their end tag and nowhere else. */
const UNMARKED = new Set(['script', 'style', 'title'])
/** Elements that start a line of their own. */
const BLOCKS = new Set(
  'address article blockquote br dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul'.split(
    ' ',
  ),
)

/** `&amp;`, `&#8364;`, `&#x20ac;` … as characters; unknown ones stay. */
export const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })

/** What a person reads of an HTML text, one block a line. No browser: layout and style sheets are not considered. */
export function htmlText(html: string): string {
  let out = ''
  let hidden = ''
  for (const { text, name, closes } of pieces(html)) {
    if (hidden === '') out += text.replace(/\s+/g, ' ')
    if (hidden === '' && BLOCKS.has(name)) out += '\n'
    if (hidden === '' && name === 'td' && closes) out += ' '
    if (hidden === '' && HIDDEN.has(name) && !closes) hidden = name
    else if (hidden === name && closes) hidden = ''
  }
  const lines = decodeEntities(out)
    .split('\n')
    .map((line) => line.replace(/[ \u00a0]+/g, ' ').trim())
  return lines
    .filter((line, i) => line !== '' || lines[i - 1] !== '')
    .join('\n')
    .trim()
}

interface Piece {
  /** Up to the tag. */
  readonly text: string
  /** Of the tag, in lower case; empty for comments and at the end. */
  readonly name: string
  readonly closes: boolean
}

function* pieces(html: string): Generator<Piece> {
  const lower = html.toLowerCase()
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) break
    const comment = html.startsWith('<!--', open)
    const close = html.indexOf(comment ? '-->' : '>', open)
    if (close < 0) break
    const [, slash, name = ''] = /^<(\/?)([A-Za-z][A-Za-z0-9]*)/.exec(html.slice(open, open + 24)) ?? []
    const piece = { text: html.slice(at, open), name: name.toLowerCase(), closes: slash === '/' }
    yield piece
    at = close + (comment ? 3 : 1)
    if (piece.closes || !UNMARKED.has(piece.name)) continue
    const end = lower.indexOf(`</${piece.name}`, at)
    at = end < 0 ? html.length : end
  }
  yield { text: html.slice(at), name: '', closes: false }
}
