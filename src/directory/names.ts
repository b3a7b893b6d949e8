/** A parsed log-on name. `mailbox` is the third part of Exchange's `DOMAIN\user\mailbox`. */
export interface LogonName {
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
