/** Longest name of a file, in characters. Clients limit the length of header fields. */
const MAX_NAME = 150
/** Longest extension that is kept when a name is shortened. */
const MAX_EXTENSION = 20

/** Characters that a name of a file must not have: separators of paths, controls, and marks that reverse the text after them. */
const UNSAFE = /[/\\\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Returns the value of a Content-Disposition field for a download, whatever a message calls the file. RFC 6266 section 4.3. */
export function contentDisposition(filename: string): string {
  const name = safeName(filename)
  return `attachment; filename="${name.replaceAll(/[^\x20-\x7e]|"/g, '_')}"; filename*=UTF-8''${extendedValue(name)}`
}

function safeName(filename: string): string {
  const name = filename.replaceAll(UNSAFE, '_')
  if (/^[\s.]*$/.test(name)) return '_'
  const characters = [...name]
  if (characters.length <= MAX_NAME) return name
  const dot = characters.lastIndexOf('.')
  const extension = dot !== -1 && characters.length - dot <= MAX_EXTENSION ? characters.slice(dot) : []
  return [...characters.slice(0, MAX_NAME - extension.length), ...extension].join('')
}

/** RFC 8187 section 3.2.1. */
const extendedValue = (text: string): string =>
  encodeURIComponent(text).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
