import { z } from 'zod'
import { PkiError } from '../errors.ts'

/**
 * `store.json`: the one file whose replacement by rename makes a change of the store happen. Every other file is written
 * before it and never altered, so the store is always in the old or the new state. Dates are ISO 8601.
 */
export const indexPath = 'store.json'

const attribute = z.object({ type: z.string(), value: z.string() })

const certificate = z.object({
  thumbprint: z.string(),
  friendlyName: z.string(),
  /** PEM: the certificate, then its chain without the root. */
  certificate: z.string(),
  key: z.string(),
  origin: z.enum(['auto', 'issued', 'installed', 'imported']),
  addedAt: z.string(),
  notAfter: z.string(),
  /** auto: what it was issued for; another wish means another certificate. */
  auto: z
    .object({
      names: z.array(z.string()),
      key: z.string(),
      serial: z.string(),
      authority: z.string(),
      serviceUrl: z.string().optional(),
    })
    .optional(),
})

const request = z.object({
  id: z.string(),
  virtualServer: z.string(),
  friendlyName: z.string(),
  subject: z.array(attribute),
  names: z.array(z.string()),
  key: z.string(),
  /** PEM of the PKCS#10 request. */
  request: z.string(),
  createdAt: z.string(),
  /** Thumbprint of the certificate that the answer is to take over from. */
  renews: z.string().optional(),
  /** Where it waits: the lab's standalone authority and the number it gave. */
  queued: z.object({ authority: z.string(), id: z.number() }).optional(),
})

const issued = z.object({
  serial: z.string(),
  subject: z.string(),
  thumbprint: z.string(),
  certificate: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  revoked: z.object({ at: z.string(), reason: z.string() }).optional(),
})

const queued = z.object({
  id: z.number(),
  request: z.string(),
  subject: z.string(),
  receivedAt: z.string(),
  state: z.enum(['pending', 'denied', 'issued']),
  serial: z.string().optional(),
})

const authority = z.object({
  name: z.string(),
  role: z.enum(['root', 'subordinate']),
  type: z.enum(['enterprise', 'standalone']),
  key: z.string(),
  /** PEM with the chain up to the root, the root included; absent while an outside authority is asked to sign. */
  certificate: z.string().optional(),
  request: z.string().optional(),
  hash: z.enum(['md5', 'sha1', 'sha256', 'sha384', 'sha512']).optional(),
  createdAt: z.string(),
  /** The list published last. */
  crl: z.string().optional(),
  issued: z.array(issued),
  queue: z.array(queued),
})

/** What an ACME client registered. RFC 8555 section 7.1.2. */
const acmeAccount = z.object({
  id: z.string(),
  authority: z.string(),
  jwk: z.record(z.string(), z.string()),
  contact: z.array(z.string()),
  status: z.enum(['valid', 'deactivated']),
  external: z.string().optional(),
  createdAt: z.string(),
})

const index = z.object({
  version: z.literal(1),
  /** Counts the changes: a writer that finds another number than it started from begins anew. */
  revision: z.number(),
  /** Issues what `certificate: auto` wears. */
  defaultAuthority: z.string().optional(),
  /** Issues what `certificate: auto` shows to old clients. */
  oldClientAuthority: z.string().optional(),
  certificates: z.array(certificate),
  /** Virtual server → thumbprint. */
  assignments: z.record(z.string(), z.string()),
  requests: z.array(request),
  authorities: z.array(authority),
  acmeAccounts: z.array(acmeAccount).optional(),
  /** Keys of this lab's own accounts at ACME directories elsewhere. */
  acmeKeys: z.array(z.object({ directory: z.string(), key: z.string() })).optional(),
})

export type StoreIndex = z.infer<typeof index>
export type CertificateRecord = z.infer<typeof certificate>
export type RequestRecord = z.infer<typeof request>
export type IssuedRecord = z.infer<typeof issued>
export type QueuedRecord = z.infer<typeof queued>
export type AuthorityRecord = z.infer<typeof authority>

export const emptyIndex = (): StoreIndex => ({
  version: 1,
  revision: 0,
  certificates: [],
  assignments: {},
  requests: [],
  authorities: [],
})

/** @throws PkiError `store` where the text is not an index */
export function parseIndex(text: string, place: string): StoreIndex {
  try {
    return index.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message
    throw new PkiError('store', `${place}/${indexPath} cannot be read: ${why}`, { cause })
  }
}

/** Every other file that the index speaks of. */
export function referencedPaths(of: StoreIndex): Set<string> {
  const paths = [
    ...of.certificates.flatMap((record) => [record.certificate, record.key]),
    ...(of.acmeKeys ?? []).map((record) => record.key),
    ...of.requests.flatMap((record) => [record.request, record.key]),
    ...of.authorities.flatMap((record) => [
      record.key,
      record.certificate,
      record.request,
      record.crl,
      ...record.issued.map((entry) => entry.certificate),
      ...record.queue.map((entry) => entry.request),
    ]),
  ]
  return new Set(paths.filter((path) => path !== undefined))
}

/** An authority by name in any case; the default one where no name is given. @throws PkiError `unknown` */
export function findAuthority(index: Readonly<StoreIndex>, name: string | undefined): AuthorityRecord {
  const wanted = name ?? index.defaultAuthority
  const found = index.authorities.find((one) => one.name.toLowerCase() === wanted?.toLowerCase())
  if (found) return found
  const known = index.authorities.map((one) => `"${one.name}"`).join(', ') || 'none'
  throw new PkiError('unknown', `no authority "${wanted ?? ''}"; there are: ${known}`)
}

/** Serial numbers as people write them: any case, with colons or spaces, `0x` or leading zeros. */
export const plainSerial = (serial: string): string =>
  serial
    .replace(/^0x|[\s:]/gi, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase()

/** The certificate of a serial number or thumbprint in the authorities' books. @throws PkiError `unknown` */
export function findIssued(
  index: Readonly<StoreIndex>,
  serial: string,
  authority?: string,
): { authority: AuthorityRecord; entry: IssuedRecord } {
  const wanted = plainSerial(serial)
  const books = authority === undefined ? index.authorities : [findAuthority(index, authority)]
  for (const book of books) {
    const entry = book.issued.find(
      (one) => plainSerial(one.serial) === wanted || plainSerial(one.thumbprint) === wanted,
    )
    if (entry) return { authority: book, entry }
  }
  const who = authority === undefined ? 'no authority of this lab has' : `"${authority}" has not`
  throw new PkiError('unknown', `${who} issued a certificate of the serial number ${serial}`)
}
