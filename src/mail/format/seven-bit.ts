import { runToEnd } from '../../core/time/time-slice.ts'
import { decodeBase64, quotedPrintableSteps } from './encodings.ts'
import { headerFields } from './headers.ts'
import { LineLength } from './line-length.ts'
import { parseMessage } from './structure.ts'
import type { MessagePart } from './types.ts'

const NOT_ASCII = /[^\x00-\x7f]/
/** Longest line of quoted-printable without its soft line end. RFC 2045 section 6.7. */
const LINE_OCTETS = 75
/** Octets of a line of base64. RFC 2045 section 6.8. */
const BASE64_LINE = 76

/** Returns whether octets are not only ASCII. */
export const isEightBit = (octets: Buffer): boolean => NOT_ASCII.test(octets.toString('latin1'))

/**
 * Returns a message whose bodies have only ASCII and no line that is too long, for a host that takes no others: texts as
 * quoted-printable, other parts with binary data as base64. Headers stay as they are. Signatures of what is changed are no longer valid. RFC 6152 section 3.
 */
export function toSevenBit(raw: Buffer): Buffer {
  const pieces: Buffer[] = []
  let from = 0
  const replace = (start: number, end: number, by: Buffer): void => {
    pieces.push(raw.subarray(from, start), by)
    from = end
  }
  convert(raw, parseMessage(raw), replace)
  return Buffer.concat([...pieces, raw.subarray(from)])
}

type Replace = (start: number, end: number, by: Buffer) => void

/** Replaces, in the order of the message, what changes in a part. */
function convert(raw: Buffer, part: MessagePart, replace: Replace): void {
  const body = raw.subarray(part.bodyStart, part.bodyEnd)
  const encoding = part.encoding?.trim().toLowerCase() ?? '7bit'
  const isBinary = encoding === 'binary'
  const isLong = new LineLength().isTooLong(body)
  if (!isBinary && !isLong && !isEightBit(body)) return
  if (part.kind === 'leaf') {
    const isEncoded = encoding === 'base64' || encoding === 'quoted-printable'
    if (isEncoded) {
      const written =
        encoding === 'base64' ? base64(decodeBase64(body)) : quotedPrintable(runToEnd(quotedPrintableSteps(body)))
      return replace(part.bodyStart, part.bodyEnd, written)
    }
    const isText = /^(?:text)?$/i.test(part.type)
    const target = isBinary && !isText ? 'base64' : 'quoted-printable'
    setEncoding(raw, part, target, replace)
    replace(part.bodyStart, part.bodyEnd, target === 'base64' ? base64(body) : quotedPrintable(body))
    return
  }
  setEncoding(raw, part, '7bit', replace)
  for (const child of part.message ? [part.message] : part.children) convert(raw, child, replace)
}

/** Writes Content-Transfer-Encoding, in the place of the one that the part has. */
function setEncoding(raw: Buffer, part: MessagePart, encoding: string, replace: Replace): void {
  const field = Buffer.from(`Content-Transfer-Encoding: ${encoding}\r\n`)
  const fields = headerFields(raw, part.headerStart, part.bodyStart)
  const present = fields.find(({ nameLower }) => nameLower === 'content-transfer-encoding')
  if (present) return replace(present.start, present.end, field)
  // Without MIME fields, a message is plain text.
  const isRoot = part.headerStart === 0 && !fields.some(({ nameLower }) => nameLower === 'mime-version')
  if (encoding === '7bit') return
  replace(
    part.headerStart,
    part.headerStart,
    isRoot ? Buffer.concat([Buffer.from('MIME-Version: 1.0\r\n'), field]) : field,
  )
}

/** Returns octets in base64, in lines. RFC 2045 section 6.8 */
export const base64 = (body: Buffer): Buffer =>
  Buffer.from(`${body.toString('base64').replaceAll(new RegExp(`.{1,${BASE64_LINE}}`, 'g'), '$&\r\n')}`)

/** Returns octets with CRLF line ends in quoted-printable. RFC 2045 section 6.7 */
export function quotedPrintable(body: Buffer): Buffer {
  const lines = body.toString('latin1').split('\r\n')
  return Buffer.from(lines.map(quotedLine).join('\r\n'), 'latin1')
}

function quotedLine(line: string): string {
  const parts: string[] = []
  let length = 0
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string
    const isPlain = /[!-<>-~]/.test(character) || (/[\t ]/.test(character) && at < line.length - 1)
    const written = isPlain ? character : `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    if (length + written.length > LINE_OCTETS) {
      parts.push('=\r\n')
      length = 0
    }
    parts.push(written)
    length += written.length
  }
  return parts.join('')
}
