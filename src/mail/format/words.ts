import { charsetDecoder, decodeCharset, decodeRawText } from './charsets.ts'
import { decodeBase64 } from './encodings.ts'
import type { OctetString, Parameter } from './types.ts'

interface Word {
  readonly charset: string
  readonly octets: Buffer
}

/** `=?charset*language?encoding?text?=`. Allows spaces in the text, which are common although invalid. RFC 2047 section 2. */
const WORD = /=\?([^?\s]+)\?([BbQq])\?([^?]*)\?=/g

/** Limit for a value made to exhaust memory or time. The encoded-words after it stay as they are. */
const MAX_WORDS = 5_000

/**
 * Decodes the encoded-words of a header value, and raw 8-bit text around them. Drops white space between two
 * encoded-words, and joins a character that is split over two of them. RFC 2047 section 6.2.
 */
export const decodeWords = (value: OctetString): string => decode(value, () => true)

/** Decodes as `decodeWords`, but only encoded-words with white space around them and a known charset. RFC 2047 section 5 (1). */
export const decodeSeparateWords = (value: OctetString): string =>
  decode(value, ({ 0: word, 1: charset = '', index }) => {
    const end = index + word.length
    const isApart = (index === 0 || isBlank(value[index - 1])) && (end === value.length || isBlank(value[end]))
    return isApart && !isBlank(word) && charsetDecoder(charset) !== undefined
  })

const isBlank = (text = ''): boolean => /[ \t]/.test(text)

function decode(value: OctetString, isWord: (match: RegExpExecArray) => boolean): string {
  if (!value.includes('=?')) return decodeRawText(value)
  let out = ''
  let at = 0
  let pending: Word[] = []
  let words = 0
  for (const match of value.matchAll(WORD)) {
    if (++words > MAX_WORDS) break
    if (!isWord(match)) continue
    const between = value.slice(at, match.index)
    if (pending.length === 0 || between.trim() !== '') {
      out += decodePending(pending) + decodeRawText(between)
      pending = []
    }
    pending.push({ charset: match[1] ?? '', octets: wordOctets(match[2] ?? '', match[3] ?? '') })
    at = match.index + match[0].length
  }
  return out + decodePending(pending) + decodeRawText(value.slice(at))
}

function decodePending(words: readonly Word[]): string {
  let out = ''
  for (let i = 0; i < words.length; ) {
    const charset = words[i]?.charset ?? ''
    const run: Buffer[] = []
    while (words[i]?.charset.toLowerCase() === charset.toLowerCase()) run.push((words[i++] as Word).octets)
    out += decodeCharset(run.length === 1 ? (run[0] as Buffer) : joinRun(run, charset), charset)
  }
  return out
}

/** Every word of ISO-2022-JP ends in ASCII, which no character follows if the next begins with Japanese. Decoders take that for an error. */
function joinRun(run: readonly Buffer[], charset: string): Buffer {
  const all = Buffer.concat(run)
  if (!/^iso-2022-/i.test(charset)) return all
  return Buffer.from(all.toString('latin1').replaceAll('\x1b(B\x1b', '\x1b'), 'latin1')
}

function wordOctets(encoding: string, text: OctetString): Buffer {
  if (encoding === 'B' || encoding === 'b') return decodeBase64(Buffer.from(text, 'latin1'))
  const unescaped = text
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(unescaped, 'latin1') // RFC 2047 section 4.2
}

/** Returns a parameter's value as text. Extended values are decoded already, so only encoded-words and raw 8-bit text remain. */
export function parameterText(params: readonly Parameter[], name: string): string | undefined {
  const found = params.find((param) => param.name.toLowerCase() === name)
  return found && decodeWords(found.value)
}
