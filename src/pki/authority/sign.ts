import type { X509Certificate } from 'node:crypto'
import type { Purpose } from '../asn1/oids.ts'
import type { Draft } from '../certificate-store/draft.ts'
import { issueFrom, type OpenAuthority, openAuthority, recordIssued } from '../certificate-store/issue.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { describeKey } from '../keys.ts'
import { generalName } from '../x509/general-names.ts'
import { createAuthorityCertificate } from '../x509/profiles.ts'
import type { ReadRequest } from '../x509/request.ts'
import { checkDepth } from './create.ts'
import { serviceUrls } from './urls.ts'

/** How a request is signed. */
export interface SignOptions {
  readonly days?: number
  /** Default: those asked for, else server authentication. */
  readonly purposes?: readonly Purpose[]
  /** Names in place of those asked for. */
  readonly names?: readonly string[]
  /** Sign an authority's certificate. */
  readonly subordinate?: boolean
  readonly pathLength?: number
}

/** An issued certificate and its issuers upward, the root last. */
export type IssuedChain = readonly [X509Certificate, ...X509Certificate[]]

function checkIssuer({ record, chain }: OpenAuthority, nowMs: number): void {
  const expired = chain.find((one) => Date.parse(one.validTo) < nowMs)
  if (expired)
    throw new PkiError(
      'refused',
      `"${record.name}" cannot issue: ${expired.subject.replaceAll('\n', ', ')} has expired`,
    )
}

/** OpenSSL, and with it every client here, makes nothing of shorter ones. */
function checkKey(request: ReadRequest): void {
  const { family, bits } = describeKey(request.publicKey)
  if (family === 'rsa' && bits < 512) throw new PkiError('refused', `an RSA key of ${bits} bits is too short`)
}

function signSubordinate(
  draft: Draft,
  authority: OpenAuthority,
  request: ReadRequest,
  store: CertificateStore,
  options: SignOptions,
): X509Certificate {
  checkDepth(authority.chain)
  const urls = serviceUrls(store.serviceUrl, authority.record.name)
  const certificate = createAuthorityCertificate(
    {
      subject: request.subjectDer,
      publicKey: request.publicKey,
      nowMs: store.clock.now(),
      days: options.days ?? 1825,
      ...(options.pathLength === undefined ? {} : { pathLength: options.pathLength }),
      ...(urls ? { urls } : {}),
    },
    authority.issuer,
  )
  recordIssued(draft, authority.record, certificate)
  return certificate
}

/** Host names stand in subjectAltName: clients do not look at the common name. RFC 9525 section 2. */
function namesOf(request: ReadRequest, options: SignOptions) {
  if (options.names) return options.names.map(generalName)
  if (request.names.length > 0) return request.names
  const commonName = request.subject.findLast(({ type }) => type === 'CN')?.value
  return commonName && /^[\w.*-]+$/.test(commonName) ? [generalName(commonName)] : []
}

/** Signs a request in a draft. @throws PkiError */
export async function signInDraft(
  store: CertificateStore,
  draft: Draft,
  authorityName: string | undefined,
  request: ReadRequest,
  options: SignOptions = {},
): Promise<{ chain: IssuedChain; authority: OpenAuthority }> {
  const authority = await openAuthority(draft, store.materials, authorityName)
  checkIssuer(authority, store.clock.now())
  checkKey(request)
  if (options.subordinate) {
    return { authority, chain: [signSubordinate(draft, authority, request, store, options), ...authority.chain] }
  }
  if (request.authority)
    throw new PkiError('refused', 'the request asks for an authority’s certificate: sign it with --subordinate')
  const urls = serviceUrls(store.serviceUrl, authority.record.name)
  const asked = request.purposes.filter((one) => one !== 'OCSPSigning')
  const certificate = issueFrom(draft, authority, {
    subject: request.subjectDer,
    publicKey: request.publicKey,
    names: namesOf(request, options),
    purposes: options.purposes ?? (asked.length > 0 ? asked : ['serverAuth']),
    nowMs: store.clock.now(),
    ...(options.days ? { days: options.days } : {}),
    ...(urls ? { urls } : {}),
  })
  return { authority, chain: [certificate, ...authority.chain] }
}
