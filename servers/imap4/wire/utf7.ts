/** Modified UTF-7, the mailbox names of IMAP4rev1. RFC 3501 section 5.1.3. */

/** @returns undefined where it is no modified UTF-7 */
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
  // Only the one right spelling of a name is taken, else two names would be one. RFC 3501 section 5.1.3.
  return ok && encodeUtf7(decoded) === name ? decoded : undefined
}

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
  return Buffer.from(run, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replace(/=+$/, '')
}
