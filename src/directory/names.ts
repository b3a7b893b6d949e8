/** A log-on name taken apart. `mailbox` is the third part of Exchange's `DOMAIN\user\mailbox`. */
export interface LogonName {
  readonly user: string
  readonly mailbox?: string
}

/**
 * Takes a log-on name apart: `user`, `user@domain`, `DOMAIN\user`, `DOMAIN\user\mailbox`. A lab has no Windows domain, so
 * any DOMAIN is taken; the part behind an `@` stays, since mail domains are the lab's own.
 */
export function parseLogonName(name: string): LogonName {
  const [first = '', second, ...rest] = name.split('\\')
  if (second === undefined) return { user: first }
  return rest.length === 0 ? { user: second } : { user: second, mailbox: rest.join('\\') }
}

/** An address as local part and domain, split at its last `@`; without one the domain is empty. RFC 5321 section 4.1.2. */
export function splitAddress(address: string): { readonly localPart: string; readonly domain: string } {
  const at = address.lastIndexOf('@')
  return at === -1
    ? { localPart: unquote(address), domain: '' }
    : { localPart: unquote(address.slice(0, at)), domain: address.slice(at + 1) }
}

/** `"john doe"` and `john doe` are one mailbox: quoting is transport syntax. RFC 5321 section 4.1.2. */
function unquote(localPart: string): string {
  if (localPart.length < 2 || !localPart.startsWith('"') || !localPart.endsWith('"')) return localPart
  return localPart.slice(1, -1).replace(/\\(.)/gs, '$1')
}

/** The local part without its detail, `alice` for `alice+tag`. RFC 5233 section 4. */
export function withoutDetail(localPart: string): string {
  const plus = localPart.indexOf('+')
  return plus > 0 ? localPart.slice(0, plus) : localPart
}
