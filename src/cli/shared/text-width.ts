/** Characters that take no column: combining marks, joiners and variation selectors. */
const NO_COLUMN = /^[\p{M}\u200b-\u200f\u2060\ufe00-\ufe0f]$/u
/** Characters that take two columns: East Asian Wide and Fullwidth, and pictures. https://www.unicode.org/reports/tr11/ */
const TWO_COLUMNS =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u
const ASCII = /^[\x20-\x7e]*$/

const widthOf = (character: string): number => (NO_COLUMN.test(character) ? 0 : TWO_COLUMNS.test(character) ? 2 : 1)

/** Returns how many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const character of text) width += widthOf(character)
  return width
}

/** Fills a text with spaces up to a number of columns. */
export const padToWidth = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - textWidth(text)))

/** Shortens a text to a number of columns, with `…` at its end. */
export function shortenToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let [kept, columns] = ['', 0]
  for (const character of text) {
    columns += widthOf(character)
    if (columns > width - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Returns the columns of the widest text, without the spaces at its end. There can be any number of texts. */
export const widestColumns = (texts: readonly string[]): number =>
  texts.reduce((width, text) => Math.max(width, textWidth(text.trimEnd())), 0)

/** Where a text may continue on the next line: after spaces, else inside long names, else anywhere. */
export const BREAKS = [/(?<= )/, /(?<=[ .@:/-])/, /(?:)/u] as const

/** Breaks a text into lines, at the best places that make it fit. */
export function wrapText(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text]
  const at = BREAKS.find((one) => widestColumns(text.split(one)) <= width) ?? BREAKS[2]
  const lines: string[] = []
  for (const piece of text.split(at)) {
    const last = lines.at(-1)
    if (last !== undefined && textWidth((last + piece).trimEnd()) <= width) lines[lines.length - 1] = last + piece
    else lines.push(piece)
  }
  return lines.map((line) => line.trimEnd())
}
