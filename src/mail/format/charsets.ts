import { isAscii, isUtf8 } from 'node:buffer'
import type { OctetString } from './types.ts'

type CharsetDecoder = (octets: Uint8Array) => string

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
/** The labels of decoders that may keep a part of a character. */
const labels = new WeakMap<CharsetDecoder, string>()

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
    const textDecoder = new TextDecoder(label)
    if (textDecoder.encoding === 'windows-1252') return windows1252
    const decoder: CharsetDecoder = (octets) => textDecoder.decode(octets)
    labels.set(decoder, label)
    return decoder
  } catch (error) {
    if (error instanceof RangeError) return undefined // unknown label
    throw error
  }
}

const utf8Decoder = new TextDecoder('utf-8')

/** Decodes octets of an unknown charset: as UTF-8 if all are valid UTF-8, otherwise line by line as UTF-8 or windows-1252. */
export function decodeUnlabelled(octets: Uint8Array): string {
  if (isUtf8(octets)) return utf8Decoder.decode(octets)
  let out = ''
  let from = 0
  let wasUtf8 = true
  const decodeTo = (end: number): void => {
    const lines = octets.subarray(from, end)
    if (end > from) out += wasUtf8 ? utf8Decoder.decode(lines) : windows1252(lines)
    from = end
  }
  // Lines of the same kind are decoded together.
  for (let at = 0; at < octets.length; ) {
    const end = afterLine(octets, at)
    const lineIsUtf8 = isUtf8(octets.subarray(at, end))
    if (lineIsUtf8 !== wasUtf8) decodeTo(at)
    wasUtf8 = lineIsUtf8
    at = end
  }
  decodeTo(octets.length)
  return out
}

function afterLine(octets: Uint8Array, from: number): number {
  const lf = octets.indexOf(0x0a, from)
  return lf < 0 ? octets.length : lf + 1
}

/** Charsets in which octets below 0x80 may not be ASCII. */
const SHIFTED = /^(?:iso-2022|utf-16|utf-7|hz-|replacement)/i

/** Decodes octets of a charset, with `decodeUnlabelled` if it is missing or unknown. */
export function decodeCharset(octets: Uint8Array, charset: string | undefined): string {
  if (isAscii(octets) && (charset === undefined || !SHIFTED.test(charset))) return latin1(octets)
  const decoder = charset === undefined ? undefined : charsetDecoder(charset)
  return decoder ? decoder(octets) : decodeUnlabelled(octets)
}

/** Octets decoded at a time. */
const PIECE_OCTETS = 16 * 1024

/** Decodes as `decodeCharset`, in pieces, which end at a line end if possible. Short octets are one piece. */
export function* decodedPieces(octets: Uint8Array, charset: string | undefined): Generator<string, void, void> {
  const decode = octets.length <= PIECE_OCTETS ? undefined : pieceDecoder(octets, charset)
  if (!decode) yield decodeCharset(octets, charset)
  else {
    for (let at = 0; at < octets.length; ) {
      const end = pieceEnd(octets, at)
      yield decode(octets.subarray(at, end), end < octets.length)
      at = end
    }
  }
}

type PieceDecoder = (piece: Uint8Array, stream: boolean) => string

/** Returns a decoder that keeps a character which is split over two pieces. */
function pieceDecoder(octets: Uint8Array, charset: string | undefined): PieceDecoder {
  if (isAscii(octets) && (charset === undefined || !SHIFTED.test(charset))) return latin1
  const decoder = charset === undefined ? undefined : charsetDecoder(charset)
  const label = decoder ? labels.get(decoder) : isUtf8(octets) ? 'utf-8' : undefined
  if (label === undefined) return decoder ?? decodeUnlabelled
  const stateful = new TextDecoder(label)
  return (piece, stream) => stateful.decode(piece, { stream })
}

function pieceEnd(octets: Uint8Array, from: number): number {
  const most = Math.min(from + PIECE_OCTETS, octets.length)
  if (most === octets.length) return most
  const lf = octets.subarray(from, most).lastIndexOf(0x0a)
  return lf < 0 ? most : from + lf + 1
}

/** Decodes an octet string as UTF-8 (RFC 6532) or, if it is not valid UTF-8, as windows-1252. */
export const decodeRawText = (value: OctetString): string =>
  /[\x80-\xff]/.test(value) ? decodeUnlabelled(Buffer.from(value, 'latin1')) : value
