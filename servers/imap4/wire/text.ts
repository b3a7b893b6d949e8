import { imapString } from '../../../src/mail/imap-form.ts'
import type { OctetString } from '../../../src/mail/types.ts'

/** Octets as text; undefined where they are no UTF-8. */
export function utf8Text(octets: OctetString): string | undefined {
  if (!/[\x80-\xff]/.test(octets)) return octets
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets, 'latin1'))
  } catch {
    return undefined
  }
}

/** Text as octets of UTF-8. */
export function utf8Octets(text: string): OctetString {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** An `astring`: an atom where it may be. RFC 9051 section 9. */
export function astringForm(value: OctetString): OctetString {
  return /^[^(){ \x00-\x1f\x7f-\xff%*"\\\]]+$/.test(value) && value.toUpperCase() !== 'NIL' ? value : imapString(value)
}

/** A quoted string that may hold UTF-8, once the client has said it understands that. RFC 6855 section 3. */
export function quotedForm(value: OctetString): OctetString {
  return /[\x00\r\n]/.test(value) ? imapString(value) : `"${value.replace(/["\\]/g, '\\$&')}"`
}
