const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t'

/** Removes spaces and tabs at both ends. Without a regular expression, which would take quadratic time in a run of spaces. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}
