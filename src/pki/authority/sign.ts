import { createPublicKey, type X509Certificate } from 'node:crypto'
import { type GeneralName, generalName } from '../certificate/names.ts'
import { createAuthorityCertificate } from '../certificate/profiles.ts'
import type { ReadRequest } from '../certificate/request.ts'
import { type SubjectFields, subjectName } from '../certificate/subject.ts'
import type { Draft } from '../certificate-store/draft.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import type { Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { describeKey, generateKey, type KeySpec } from '../keys.ts'
import { checkDepth } from './create.ts'
import { issueFrom, type OpenAuthority, openAuthority, recordIssued, serviceUrls } from './issue.ts'

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

export interface UserOptions {
  /** The person's name. */
  readonly commonName: string
  readonly emails?: readonly string[]
  /** User principal name: the log-on name, as alice@lab.test. */
  readonly principalName?: string
  readonly subject?: Omit<SubjectFields, 'commonName'>
  readonly authority?: string
  readonly key?: KeySpec
  readonly days?: number
}

export interface IssuedUser {
  readonly chain: IssuedChain
  /** PKCS#12 with key and chain, under a password. The key is kept nowhere else. */
  pkcs12(password: string, legacy?: boolean): Buffer
}

/** Issues a user's certificate for log-on (client authentication) and S/MIME. @throws PkiError */
export async function issueUser(store: CertificateStore, options: UserOptions): Promise<IssuedUser> {
  const names: GeneralName[] = [
    ...(options.emails ?? []).map((value) => generalName(`email:${value}`)),
    ...(options.principalName ? [{ type: 'upn', value: options.principalName } as const] : []),
  ]
  if (names.length === 0) throw new PkiError('refused', 'a user’s certificate needs a mail address or a principal name')
  const { writePkcs12 } = await import('../keystore/pkcs12.ts')
  const key = await generateKey(options.key ?? store.key)
  const chain = await store.update(async (draft): Promise<IssuedChain> => {
    const authority = await openAuthority(draft, store.materials, options.authority)
    const urls = serviceUrls(store.serviceUrl, authority.record.name)
    const certificate = issueFrom(draft, authority, {
      subject: subjectName({ ...options.subject, commonName: options.commonName }),
      publicKey: createPublicKey(key),
      names,
      purposes: ['clientAuth', 'emailProtection'],
      nowMs: store.clock.now(),
      ...(options.days ? { days: options.days } : {}),
      ...(urls ? { urls } : {}),
    })
    return [certificate, ...authority.chain]
  })
  const pkcs12 = (password: string, legacy = false): Buffer =>
    writePkcs12({ friendlyName: options.commonName, key, certificates: chain, password, legacy })
  return { chain, pkcs12 }
}
