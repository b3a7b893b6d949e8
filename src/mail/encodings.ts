import { CR, LF, SPACE, TAB } from './octets.ts'
import { MailError } from './parts.ts'
import type { ContentFields, MessagePart } from './types.ts'

export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable'

const NAMES: ReadonlyMap<string, TransferEncoding> = new Map([
  ['7bit', 'identity'],
  ['8bit', 'identity'],
  ['binary', 'identity'],
  ['base64', 'base64'],
  ['quoted-printable', 'quoted-printable'],
])

/** `undefined` for an encoding nobody defined. RFC 2045 section 6.1. */
export const transferEncoding = (part: ContentFields): TransferEncoding | undefined =>
  part.encoding === undefined ? 'identity' : NAMES.get(part.encoding.toLowerCase())

/**
 * A part's content decoded, as a view where nothing needs decoding. BINARY, RFC 3516 section 4.3.
 * @throws MailError `unknown-encoding`
 */
export function partOctets(raw: Buffer, part: MessagePart): Buffer {
  const encoding = transferEncoding(part)
  if (encoding === undefined)
    throw new MailError('unknown-encoding', `unknown content transfer encoding ${part.encoding}`)
  const body = raw.subarray(part.bodyStart, part.bodyEnd)
  if (encoding === 'identity' || part.kind === 'multipart') return body
  return encoding === 'base64' ? decodeBase64(body) : decodeQuotedPrintable(body)
}

/** As `partOctets`; an unknown encoding is left as it is (RFC 2045 section 6.2 would have it so). */
export const partOctetsOrRaw = (raw: Buffer, part: MessagePart): Buffer =>
  transferEncoding(part) === undefined ? raw.subarray(part.bodyStart, part.bodyEnd) : partOctets(raw, part)

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const SEXTET = Int8Array.from({ length: 256 }, (_, code) => BASE64.indexOf(String.fromCharCode(code)))
const PADDING = 0x3d

/** Characters outside the alphabet are passed over; `=` ends a group, and what follows starts anew. RFC 2045 section 6.8. */
export function decodeBase64(encoded: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(((encoded.length * 3) >> 2) + 3)
  let size = 0
  let bits = 0
  let count = 0
  for (const octet of encoded) {
    const sextet = SEXTET[octet] as number
    if (sextet >= 0) {
      bits = ((bits << 6) | sextet) & 0xffffff
      if (++count > 1) out[size++] = (bits >> (8 - 2 * count)) & 0xff
      if (count === 4) count = 0
    } else if (octet === PADDING) count = 0
  }
  return out.subarray(0, size)
}

const EQUALS = 0x3d

/** Soft line ends go, white space before a line end goes, a broken `=` stays. RFC 2045 section 6.7. */
export function decodeQuotedPrintable(encoded: Buffer): Buffer {
  const out = Buffer.allocUnsafe(encoded.length)
  let size = 0
  let solid = 0 // end of what trailing white space cannot take away
  for (let at = 0; at < encoded.length; at++) {
    const octet = encoded[at] as number
    if (octet === EQUALS) {
      const escape = unescape(encoded, at)
      if (escape.octet !== undefined) out[size++] = escape.octet
      at = escape.at
      solid = size
    } else {
      if (octet === LF) size = lineEndAfter(out, size, solid)
      out[size++] = octet
      if (octet === LF || (octet !== SPACE && octet !== TAB && octet !== CR)) solid = size
    }
  }
  return out.subarray(0, solid)
}

/** Where a line end may be written: behind the last solid octet; a CR right before the LF is part of it. */
function lineEndAfter(out: Buffer, size: number, solid: number): number {
  const withCr = size > solid && out[size - 1] === CR
  if (!withCr) return solid
  out[solid] = CR
  return solid + 1
}

/** What the `=` at `at` stands for, and the last octet it takes. */
function unescape(encoded: Buffer, at: number): { octet?: number; at: number } {
  const high = hexDigit(encoded[at + 1])
  const low = hexDigit(encoded[at + 2])
  if (high >= 0 && low >= 0) return { octet: (high << 4) | low, at: at + 2 }
  let end = at + 1
  while (encoded[end] === SPACE || encoded[end] === TAB || encoded[end] === CR) end++
  if (encoded[end] === LF || end >= encoded.length) return { at: end }
  return { octet: EQUALS, at }
}

function hexDigit(octet: number | undefined): number {
  if (octet === undefined) return -1
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30
  const upper = octet & 0xdf
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1
}
