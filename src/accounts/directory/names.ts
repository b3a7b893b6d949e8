import { domainToASCII } from 'node:url'

/** A parsed log-on name. `mailbox` is the third part of Exchange's `DOMAIN\user\mailbox`. */
interface LogonName {
  readonly user: string
  readonly mailbox?: string
}

/**
 * Parses a log-on name: `user`, `user@domain`, `DOMAIN\user` or `DOMAIN\user\mailbox`. A lab has no Windows domain, so
 * any DOMAIN is accepted. `@domain` stays part of the user name, because the directory checks mail domains.
 */
export function parseLogonName(name: string): LogonName {
  const [first = '', second, ...rest] = name.split('\\')
  if (second === undefined) return { user: first }
  return rest.length === 0 ? { user: second } : { user: second, mailbox: rest.join('\\') }
}

/** Splits an address at its last `@`. The domain is empty if there is no `@`. RFC 5321 section 4.1.2. */
export function splitAddress(address: string): { readonly localPart: string; readonly domain: string } {
  const at = address.lastIndexOf('@')
  return at === -1
    ? { localPart: unquote(address), domain: '' }
    : { localPart: unquote(address.slice(0, at)), domain: address.slice(at + 1) }
}

/** Removes quotes: `"john doe"` and `john doe` name the same mailbox. RFC 5321 section 4.1.2. */
function unquote(localPart: string): string {
  if (localPart.length < 2 || !localPart.startsWith('"') || !localPart.endsWith('"')) return localPart
  return localPart.slice(1, -1).replace(/\\(.)/gs, '$1')
}

/** Returns the local part without its detail: `alice` for `alice+tag`. RFC 5233 section 4. */
export function withoutDetail(localPart: string): string {
  const plus = localPart.indexOf('+')
  return plus > 0 ? localPart.slice(0, plus) : localPart
}

const PLAIN_DOMAIN = /^[A-Za-z0-9.-]+$/

/** Folds a name, so that its upper- and lower-case forms are the same. */
export const foldName = (text: string): string => text.normalize('NFC').toLowerCase()

/** Returns whether a name is an account's, whatever the case. */
export const isSameName = (name: string | undefined, user: string): boolean =>
  name !== undefined && foldName(name) === foldName(user)

/** Folds a domain to its ASCII form, so that a Unicode domain equals its `xn--` form. RFC 5890 section 2.3.2.4. */
export const foldDomain = (domain: string): string =>
  PLAIN_DOMAIN.test(domain) ? domain.toLowerCase() : domainToASCII(domain) || domain.toLowerCase()

export const foldAddress = (localPart: string, domain: string): string => `${foldName(localPart)}@${foldDomain(domain)}`

/** Folds an address. */
export function addressKey(address: string): string {
  const { localPart, domain } = splitAddress(address)
  return foldAddress(localPart, domain)
}

/** Decodes a saslname: `=2C` is a comma, `=3D` an equals sign. Returns undefined if it has another equals sign. RFC 5801 section 4. */
export const decodeSaslName = (name: string): string | undefined =>
  /=(?!2C|3D)/.test(name) ? undefined : name.replaceAll('=2C', ',').replaceAll('=3D', '=')
