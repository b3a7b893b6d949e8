import { largeBuffer } from '../../core/octets/large-buffer.ts'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { CR, LF, SPACE, TAB } from './octets.ts'

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const SEXTET = Int8Array.from({ length: 256 }, (_, code) => BASE64.indexOf(String.fromCharCode(code)))
const PADDING = 0x3d

/** Octets decoded between two pauses. */
const STEP_OCTETS = 256 * 1024

/** Decodes base64. Skips characters outside the alphabet. `=` ends a group of four, and a new group follows. RFC 2045 section 6.8. */
export const decodeBase64 = (encoded: Uint8Array): Buffer => runToEnd(base64Steps(encoded))

export function* base64Steps(encoded: Uint8Array): Steps<Buffer> {
  const out = largeBuffer(((encoded.length * 3) >> 2) + 3)
  let size = 0
  let bits = 0
  let count = 0
  for (let at = 0; at < encoded.length; at++) {
    if (at % STEP_OCTETS === STEP_OCTETS - 1) yield
    const octet = encoded[at] as number
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

/**
 * Decodes quoted-printable. Removes soft line ends and the white space before a line end, and keeps a `=` that starts no
 * valid escape. RFC 2045 section 6.7.
 */
export function* quotedPrintableSteps(encoded: Buffer): Steps<Buffer> {
  const out = largeBuffer(encoded.length)
  let size = 0
  // End of the octets that are not trailing white space.
  let solid = 0
  for (let at = 0, pauseAt = STEP_OCTETS; at < encoded.length; at++) {
    if (at >= pauseAt) {
      pauseAt = at + STEP_OCTETS
      yield
    }
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

/** Returns where to write an LF: after the last solid octet, and after the CR that precedes the LF. */
function lineEndAfter(out: Buffer, size: number, solid: number): number {
  const withCr = size > solid && out[size - 1] === CR
  if (!withCr) return solid
  out[solid] = CR
  return solid + 1
}

/** Decodes the `=` at `at`. Returns the octet, if it stands for one, and the index of the last octet of the escape. */
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
