import { imapLiteral, imapString } from '../../../src/mail/format/imap-form.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'

/** Decodes UTF-8. Returns undefined if the octets are not valid UTF-8. */
export function utf8Text(octets: OctetString): string | undefined {
  if (!/[\x80-\xff]/.test(octets)) return octets
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets, 'latin1'))
  } catch {
    return undefined
  }
}

/** Encodes text as UTF-8. */
export function utf8Octets(text: string): OctetString {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** Writes an `astring`, as an atom if possible, with control characters as a literal. RFC 9051 section 9. */
export function astringForm(value: OctetString): OctetString {
  if (/^[^(){ \x00-\x1f\x7f-\xff%*"\\\]]+$/.test(value) && value.toUpperCase() !== 'NIL') return value
  return /[\x00-\x1f\x7f]/.test(value) ? imapLiteral(value) : imapString(value)
}

/**
 * Writes a quoted string that may contain UTF-8, for clients that enabled it. RFC 9755 section 3. A name with control
 * characters, which the store may have from elsewhere, becomes a literal.
 */
export function quotedForm(value: OctetString): OctetString {
  return /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/.test(value) ? imapLiteral(value) : `"${value.replace(/["\\]/g, '\\$&')}"`
}

/** Writes octets as a string, or as a literal8 if they contain NUL. RFC 9051 section 9. */
export function octetsForm(octets: Buffer): OctetString {
  if (octets.includes(0)) return `~{${octets.length}}\r\n${octets.toString('latin1')}`
  return imapString(octets.toString('latin1'))
}

/** Decodes modified UTF-7. Returns undefined if it is malformed. RFC 3501 section 5.1.3. */
export function decodeUtf7(name: string): string | undefined {
  if (/[^\x20-\x7e]/.test(name)) return undefined
  if (!name.includes('&')) return name
  let ok = true
  const decoded = name.replace(/&([^-]*)(-?)/g, (_whole, base64: string, end: string) => {
    if (end === '') ok = false
    if (base64 === '') return '&'
    const units = decodeUnits(base64)
    if (units === undefined) ok = false
    return units ?? ''
  })
  // Reject any other encoding of the same name, so that each name has exactly one. RFC 3501 section 5.1.3
  return ok && encodeUtf7(decoded) === name ? decoded : undefined
}

/** Encodes modified UTF-7. RFC 3501 section 5.1.3. */
export function encodeUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => (run === '&' ? '&-' : `&${encodeUnits(run)}-`))
}

function decodeUnits(base64: string): string | undefined {
  if (/[^A-Za-z0-9+,]/.test(base64)) return undefined
  const octets = Buffer.from(base64.replaceAll(',', '/'), 'base64')
  if (octets.length % 2 !== 0) return undefined
  return octets.swap16().toString('utf16le')
}

function encodeUnits(run: string): string {
  return Buffer.from(run, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replaceAll('=', '')
}
