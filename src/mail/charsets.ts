import { isAscii, isUtf8 } from 'node:buffer'
import type { OctetString } from './types.ts'

export type CharsetDecoder = (octets: Uint8Array) => string

/** The characters 0x80 to 0x9F of windows-1252. Mail labelled ISO-8859-1 or US-ASCII uses them too. */
const C1_OF_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

const latin1 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1')

/** Replaces `TextDecoder`, which on Node.js 20 does not decode 0x80 to 0x9F. */
const windows1252: CharsetDecoder = (octets) => {
  const text = latin1(octets)
  return /[\x80-\x9f]/.test(text)
    ? text.replace(/[\x80-\x9f]/g, (c) => C1_OF_1252.charAt(c.charCodeAt(0) - 0x80))
    : text
}

/** Labels of real mail that the Encoding Standard lacks. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['chinesebig5', 'big5'],
  ['gb2312_charset', 'gb2312'],
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
  ['iso-8859-8-e', 'iso-8859-8'],
  ['latin-1', 'windows-1252'],
  ['utf8mb4', 'utf-8'],
])

/** Longer than every name of a charset. */
const MAX_NAME_CHARS = 80

const decoders = new Map<string, CharsetDecoder | undefined>()

/** Returns the decoder of a charset by any of its names (RFC 2978), or undefined if it is unknown. Decoders turn invalid octets into U+FFFD. */
export function charsetDecoder(charset: string): CharsetDecoder | undefined {
  if (charset.length > MAX_NAME_CHARS) return undefined
  const [name = ''] = charset.split('*', 1) // RFC 2231 section 5: a language may follow
  const label = name.trim().toLowerCase()
  if (!decoders.has(label)) {
    if (decoders.size > 500) decoders.clear() // the names come from mail, so there may be many
    decoders.set(
      label,
      makeDecoder(ALIASES.get(label) ?? label.replace(/^(?:cp-?|win-?|x-cp)(125\d|874)$/, 'windows-$1')),
    )
  }
  return decoders.get(label)
}

function makeDecoder(label: string): CharsetDecoder | undefined {
  try {
    const decoder = new TextDecoder(label)
    return decoder.encoding === 'windows-1252' ? windows1252 : (octets) => decoder.decode(octets)
  } catch (error) {
    if (error instanceof RangeError) return undefined // unknown label
    throw error
  }
}

const utf8Decoder = new TextDecoder('utf-8')

/** Decodes octets of an unknown charset: as UTF-8 if all are valid UTF-8, otherwise line by line as UTF-8 or windows-1252. */
export function decodeUnlabelled(octets: Uint8Array): string {
  if (isUtf8(octets)) return utf8Decoder.decode(octets)
  return linesOf(octets)
    .map((line) => (isUtf8(line) ? utf8Decoder.decode(line) : windows1252(line)))
    .join('')
}

function linesOf(octets: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let at = 0; at < octets.length; ) {
    const lf = octets.indexOf(0x0a, at)
    const end = lf < 0 ? octets.length : lf + 1
    lines.push(octets.subarray(at, end))
    at = end
  }
  return lines
}

/** Charsets in which octets below 0x80 may not be ASCII. */
const SHIFTED = /^(?:iso-2022|utf-16|utf-7|hz-|replacement)/i

/** Decodes octets of a charset, with `decodeUnlabelled` if it is missing or unknown. */
export function decodeCharset(octets: Uint8Array, charset: string | undefined): string {
  if (isAscii(octets) && (charset === undefined || !SHIFTED.test(charset))) return latin1(octets)
  const decoder = charset === undefined ? undefined : charsetDecoder(charset)
  return decoder ? decoder(octets) : decodeUnlabelled(octets)
}

/** Decodes an octet string as UTF-8 (RFC 6532) or, if it is not valid UTF-8, as windows-1252. */
export const decodeRawText = (value: OctetString): string =>
  /[\x80-\xff]/.test(value) ? decodeUnlabelled(Buffer.from(value, 'latin1')) : value
