import { refuseBadText } from '../certificate/values.ts'
import { PkiError } from '../errors.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'

/** Words that `certificate:` of the configuration gives a meaning. */
const reserved = ['auto', 'assigned', 'none']

/** Refuses a friendly name that the configuration or the command line cannot express. @throws PkiError `refused` */
export function checkFriendlyName(name: string): void {
  refuseBadText('the friendly name', name)
  if (!reserved.includes(name.trim().toLowerCase())) return
  throw new PkiError(
    'refused',
    `"${name}" has a meaning of its own in the configuration (certificate: ${name.trim()}); choose another friendly name`,
  )
}

/** Returns the friendly name in an imported file if it can be used. */
export function usableName(name: string | undefined): string | undefined {
  try {
    if (name !== undefined) checkFriendlyName(name)
    return name?.trim()
  } catch {
    return undefined
  }
}

/**
 * Returns a friendly name that no certificate and no pending request has: the wanted one if it is free, else `mail-2` or
 * `Mail server 2`. Case does not count.
 */
export function freeName({ certificates, requests }: Readonly<StoreIndex>, wanted: string): string {
  const taken = new Set([...certificates, ...requests].map(({ friendlyName }) => friendlyName.toLowerCase()))
  let name = wanted
  for (let count = 2; taken.has(name.toLowerCase()); count++) name = extendName(wanted, String(count))
  return name
}

/** Returns the name that the previous holder of a name gets: `mail-old`, `Mail server old`. */
export const formerName = (index: Readonly<StoreIndex>, name: string): string =>
  freeName(index, extendName(name, 'old'))

/** A name without spaces stays one that needs no quotes in a shell. */
const extendName = (name: string, addition: string): string => `${name}${/\s/.test(name) ? ' ' : '-'}${addition}`

/** Digits of a thumbprint in lists. */
export const SHORT_THUMBPRINT = 8
/** Fewest digits of a thumbprint that select a certificate. */
const LEAST_DIGITS = 6

/**
 * Returns the certificates that a text names: by the thumbprint, by the friendly name in this or else in any case, or by
 * the first digits of the thumbprint. Spaces and colons in a thumbprint do not count.
 */
export function certificatesNamed({ certificates }: Readonly<StoreIndex>, name: string): CertificateRecord[] {
  const digits = name.replace(/[\s:]/g, '').toUpperCase()
  const isPrefix = digits.length >= LEAST_DIGITS && /^[0-9A-F]+$/.test(digits)
  const ways: ((record: CertificateRecord) => boolean)[] = [
    ({ thumbprint }) => thumbprint === digits,
    ({ friendlyName }) => friendlyName === name,
    ({ friendlyName }) => friendlyName.toLowerCase() === name.toLowerCase(),
    ({ thumbprint }) => isPrefix && thumbprint.startsWith(digits),
  ]
  for (const matches of ways) {
    const found = certificates.filter(matches)
    if (found.length > 0) return found
  }
  return []
}
