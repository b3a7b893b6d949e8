import { z } from 'zod'
import { mistakesOf } from '../../../core/config/issues.ts'
import { jsonSchemaOf } from '../../../core/config/json-schema.ts'
import { locateByPath, placedInOrder } from '../../../core/config/mistakes.ts'
import { version } from '../../../core/text/version.ts'
import { PkiError } from '../errors.ts'

/**
 * `store.json`, the index of the store. A change takes effect when this file is replaced by a rename. All other files are
 * written before that and never modified, so that the store is always in the old or the new state. Dates are ISO 8601.
 */
export const indexPath = 'store.json'

/**
 * Version of the index. A version that adds keys has a new number: a program that does not know a key would lose it with
 * its next change, and delete the files that it names. Older indexes are read.
 */
const INDEX_VERSION = 1

/** A path below the store, without `..` and control characters. */
const PATH = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\\:\x00-\x1f\x7f][^\\:\x00-\x1f\x7f]*$/s

const attribute = z.strictObject({ type: z.string(), value: z.string() })

const certificate = z.strictObject({
  thumbprint: z.string(),
  friendlyName: z.string(),
  /** Path of a PEM file: the certificate, then its chain without the root. */
  certificate: z.string(),
  key: z.string(),
  origin: z.enum(['auto', 'issued', 'installed', 'imported']),
  addedAt: z.string(),
  notAfter: z.string(),
  /** Thumbprint of the certificate that has its friendly name and its virtual servers now. */
  replacedBy: z.string().optional(),
  /** For certificates issued by `auto`: what it was issued for. When that changes, `auto` issues another one. */
  auto: z
    .strictObject({
      names: z.array(z.string()),
      key: z.string(),
      serial: z.string(),
      authority: z.string(),
      serviceUrl: z.string().optional(),
      /** Whether it expires with its authority, so that renewing it gains no time. */
      endsWithAuthority: z.boolean().optional(),
    })
    .optional(),
  /** For certificates obtained by ACME: the directory, and how to answer its challenges when they are renewed. */
  acme: z
    .strictObject({
      directory: z.string(),
      challenge: z.enum(['http-01', 'dns-01', 'tls-alpn-01']).optional(),
      httpAddress: z.string().optional(),
      httpPort: z.number().optional(),
      tlsAlpnPort: z.number().optional(),
      dnsHook: z.string().optional(),
      email: z.string().optional(),
      /** Path of the root of the directory in PEM. */
      ca: z.string().optional(),
      profile: z.string().optional(),
    })
    .optional(),
})

const request = z.strictObject({
  id: z.string(),
  virtualServer: z.string(),
  friendlyName: z.string(),
  subject: z.array(attribute),
  names: z.array(z.string()),
  key: z.string(),
  /** Path of the PKCS#10 request in PEM. */
  request: z.string(),
  createdAt: z.string(),
  /** Thumbprint of the certificate that the answer replaces. */
  renews: z.string().optional(),
  /** The standalone authority of the lab that has it in its queue, and its number there. */
  queued: z.strictObject({ authority: z.string(), id: z.number() }).optional(),
})

const issued = z.strictObject({
  serial: z.string(),
  subject: z.string(),
  thumbprint: z.string(),
  certificate: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  revoked: z.strictObject({ at: z.string(), reason: z.string() }).optional(),
  /** Path of the authority's key that signed it. Absent: the present one. */
  key: z.string().optional(),
})

const queued = z.strictObject({
  id: z.number(),
  request: z.string(),
  subject: z.string(),
  receivedAt: z.string(),
  state: z.enum(['pending', 'denied', 'issued']),
  /** Whether it is issued as a server's certificate, whatever it requests. */
  server: z.boolean().optional(),
  serial: z.string().optional(),
})

const authority = z.strictObject({
  name: z.string(),
  role: z.enum(['root', 'subordinate']),
  type: z.enum(['enterprise', 'standalone']),
  key: z.string(),
  /** Path of a PEM file: its chain including the root. Absent until the outside authority has signed its request. */
  certificate: z.string().optional(),
  request: z.string().optional(),
  /** Number of its present key. Absent: 1. */
  keyNumber: z.number().optional(),
  /** Its keys before the present one, the oldest first, with their chains. They sign no certificates any more. */
  earlier: z.array(z.strictObject({ number: z.number(), key: z.string(), certificate: z.string() })).optional(),
  /** For a root with several keys, path of the certificates in which they sign one another. */
  cross: z.string().optional(),
  /** The request to the outside authority for its next certificate, and the key of that. */
  renewal: z.strictObject({ key: z.string(), request: z.string() }).optional(),
  hash: z.enum(['md5', 'sha1', 'sha256', 'sha384', 'sha512']).optional(),
  createdAt: z.string(),
  /** Path of the CRL published last. */
  crl: z.string().optional(),
  /** Number of that CRL. */
  crlNumber: z.number().optional(),
  issued: z.array(issued),
  queue: z.array(queued),
})

/** An account of an ACME client. RFC 8555 section 7.1.2. */
const acmeAccount = z.strictObject({
  id: z.string(),
  authority: z.string(),
  jwk: z.record(z.string(), z.string()),
  contact: z.array(z.string()),
  status: z.enum(['valid', 'deactivated']),
  external: z.string().optional(),
  createdAt: z.string(),
})

/** An outside root or revocation list that the lab's checks accept. */
const trusted = z.strictObject({
  kind: z.enum(['root', 'intermediate', 'crl']),
  /** Common name of the authority. */
  name: z.string(),
  /** SHA-1 over the DER. */
  thumbprint: z.string(),
  /** Path of a PEM file. */
  file: z.string(),
  /** When the root expires or the next list is due. */
  until: z.string().optional(),
  addedAt: z.string(),
})

const index = z.strictObject({
  version: z.literal(INDEX_VERSION),
  /** Number of changes so far. A writer starts over if the number has changed since it read the index. */
  revision: z.number(),
  /** Name of the authority that issues for `certificate: auto`. */
  defaultAuthority: z.string().optional(),
  /** Name of the authority that issues for `certificate: auto` to old clients. */
  oldClientAuthority: z.string().optional(),
  certificates: z.array(certificate),
  /** Thumbprints by virtual server. */
  assignments: z.record(z.string(), z.string()),
  requests: z.array(request),
  authorities: z.array(authority),
  trusted: z.array(trusted).optional(),
  acmeAccounts: z.array(acmeAccount).optional(),
  /** Keys of the lab's accounts at outside ACME directories. */
  acmeKeys: z
    .array(
      z.strictObject({
        directory: z.string(),
        key: z.string(),
        /** Key that the server is about to learn, or has learned. */
        next: z.string().optional(),
      }),
    )
    .optional(),
})

export type StoreIndex = z.infer<typeof index>
export type CertificateRecord = z.infer<typeof certificate>
export type TrustedRecord = z.infer<typeof trusted>
export type RequestRecord = z.infer<typeof request>
export type IssuedRecord = z.infer<typeof issued>
export type QueuedRecord = z.infer<typeof queued>
export type AuthorityRecord = z.infer<typeof authority>

export const emptyIndex = (): StoreIndex => ({
  version: INDEX_VERSION,
  revision: 0,
  certificates: [],
  assignments: {},
  requests: [],
  authorities: [],
})

/** Reads an index. @throws PkiError `store` if the text is not one, or is from a newer version of Sealpost */
export function parseIndex(text: string, place: string): StoreIndex {
  let found: unknown
  try {
    found = JSON.parse(text)
    assertVersion(found, place)
    const parsed = index.parse(found)
    // A backup comes from elsewhere, and must not name other files of the machine.
    for (const path of referencedPaths(parsed)) {
      if (!PATH.test(path))
        throw new PkiError('store', `${place}/${indexPath} names the file ${path}, which is outside of the store`)
    }
    // Only damage makes it name one that it does not have.
    for (const name of [parsed.defaultAuthority, parsed.oldClientAuthority]) {
      if (name !== undefined && !parsed.authorities.some((one) => one.name === name))
        throw new PkiError(
          'store',
          `${place}/${indexPath} is damaged: it names the authority "${name}", which it does not list; restore it from a backup`,
        )
    }
    return parsed
  } catch (cause) {
    if (cause instanceof PkiError) throw cause
    const why = cause instanceof z.ZodError ? mistakesIn(cause, found) : (cause as Error).message
    throw new PkiError('store', `${place}/${indexPath} cannot be read: ${why}`, { cause })
  }
}

function mistakesIn(error: z.ZodError, found: unknown): string {
  const isNewer = error.issues.some(({ code }) => code === 'unrecognized_keys')
  const hint = isNewer ? `. A newer Sealpost may have written it: this is ${version}` : ''
  const mistakes = placedInOrder(mistakesOf(error.issues, found, jsonSchemaOf(index, 'any')), locateByPath)
  return `${mistakes.map(({ line }) => line).join('; ')}${hint}`
}

function assertVersion(found: unknown, place: string): void {
  const given = (found as { readonly version?: unknown } | null)?.version
  if (typeof given !== 'number' || given <= INDEX_VERSION) return
  const supported = `Sealpost ${version} supports only up to version ${INDEX_VERSION}`
  throw new PkiError('store', `${place}/${indexPath} has version ${given}, but ${supported}; use a newer Sealpost`)
}

/** Returns the paths of all files that the index refers to. */
export function referencedPaths(of: StoreIndex): Set<string> {
  const paths = [
    ...of.certificates.flatMap((record) => [record.certificate, record.key, record.acme?.ca]),
    ...(of.acmeKeys ?? []).flatMap((record) => [record.key, record.next]),
    ...(of.trusted ?? []).map((record) => record.file),
    ...of.requests.flatMap((record) => [record.request, record.key]),
    ...of.authorities.flatMap((record) => [
      record.key,
      record.certificate,
      record.request,
      record.crl,
      record.cross,
      record.renewal?.key,
      record.renewal?.request,
      ...(record.earlier ?? []).flatMap((one) => [one.key, one.certificate]),
      ...record.issued.map((entry) => entry.certificate),
      ...record.queue.map((entry) => entry.request),
    ]),
  ]
  return new Set(paths.filter((path) => path !== undefined))
}

/**
 * Returns the certificate that a name or a thumbprint in the configuration means. Case, spaces and colons of a thumbprint
 * do not count.
 */
export function certificateNamed(index: Readonly<StoreIndex>, name: string): CertificateRecord | undefined {
  const wanted = name.replace(/[\s:]/g, '').toUpperCase()
  return (
    index.certificates.findLast(({ thumbprint }) => thumbprint === wanted) ??
    index.certificates.findLast(({ friendlyName }) => friendlyName === name)
  )
}

/** Returns an authority by name in any case. Default: the one that issues for `auto`. @throws PkiError `unknown` */
export function findAuthority(index: Readonly<StoreIndex>, name: string | undefined): AuthorityRecord {
  const wanted = name ?? index.defaultAuthority
  const found = index.authorities.find((one) => one.name.toLowerCase() === wanted?.toLowerCase())
  if (found) return found
  const known = index.authorities.map((one) => `"${one.name}"`).join(', ') || 'none'
  throw new PkiError('unknown', `no authority "${wanted ?? ''}"; there are: ${known}`)
}

/** Removes what people add to a serial number: lower case, colons, spaces, `0x`, leading zeros. */
export const plainSerial = (serial: string): string =>
  serial
    .replace(/^0x|[\s:]/gi, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase()

/** Returns a certificate that an authority of the lab issued, by serial number or thumbprint. @throws PkiError `unknown` */
export function findIssued(
  index: Readonly<StoreIndex>,
  serial: string,
  authorityName?: string,
): { authority: AuthorityRecord; entry: IssuedRecord } {
  const wanted = plainSerial(serial)
  const authorities = authorityName === undefined ? index.authorities : [findAuthority(index, authorityName)]
  for (const authority of authorities) {
    const entry = authority.issued.find(
      (one) => plainSerial(one.serial) === wanted || plainSerial(one.thumbprint) === wanted,
    )
    if (entry) return { authority, entry }
  }
  const who = authorityName === undefined ? 'no authority of this lab has' : `"${authorityName}" has not`
  throw new PkiError('unknown', `${who} issued a certificate with the serial number ${serial}`)
}

/** Returns the authority of the lab that issued a certificate, and its entry there. */
export function issuedBy(
  index: Readonly<StoreIndex>,
  thumbprint: string,
): { authority: AuthorityRecord; entry: IssuedRecord } | undefined {
  for (const authority of index.authorities) {
    const entry = authority.issued.find((one) => one.thumbprint === thumbprint)
    if (entry) return { authority, entry }
  }
  return undefined
}
