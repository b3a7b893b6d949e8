import { domainToASCII } from 'node:url'
import { PkiError } from '../errors.ts'

/** Control characters, which break the output of programs that show a name. */
const control = /\p{Cc}/u

/** Refuses a text that is empty or has control characters. @param what names the text: `the common name` @throws PkiError `refused` */
export function refuseBadText(what: string, text: string): void {
  if (text.trim() === '') throw new PkiError('refused', `${what} is empty; give it a value`)
  const found = control.exec(text)?.[0]
  if (found === undefined) return
  const code = `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  throw new PkiError('refused', `${what} contains a control character (${code}); remove it`)
}

/** A local part without quotes. RFC 5322 section 3.2.3. */
const dotAtom = /^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
const domainName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i

/**
 * Returns a mail address as certificates contain it: in ASCII, an international domain as its A-labels. RFC 5280 section 7.5.
 * @throws PkiError `refused` if it is not a mail address, or has other characters before the @
 */
export function mailAddress(text: string): string {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(0, at))
  const domain = domainToASCII(text.slice(at + 1))
  if (at > 0 && dotAtom.test(local) && domainName.test(domain)) {
    const given = text.slice(at + 1)
    return `${local}@${given.toLowerCase() === domain ? given : domain}`
  }
  if (/[^\x00-\x7f]/.test(local) && at > 0) {
    throw new PkiError(
      'refused',
      `"${text}" has letters before the @ that a certificate cannot contain; use an address in ASCII`,
    )
  }
  throw new PkiError('refused', `"${text}" is not a mail address; write it like alice@example.test`)
}
