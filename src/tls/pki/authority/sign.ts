import { createPublicKey } from 'node:crypto'
import { readFacts } from '../certificate/certificate.ts'
import { certificatePolicies, logotypes } from '../certificate/extensions.ts'
import { logotypeValue } from '../certificate/logotype.ts'
import { checkedName, type GeneralName, generalName } from '../certificate/names.ts'
import { type ReadRequest, readRequest } from '../certificate/request.ts'
import { checkSubject, type SubjectFields, subjectName } from '../certificate/subject.ts'
import type { IndexDraft } from '../certificate-store/draft.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { markIds, type Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { describeKey, generateKey, type HashName, type KeySpec } from '../keys.ts'
import { issueSubordinate } from './create.ts'
import { type IssuedChain, issueFrom, openAuthority } from './issue.ts'

/** How a request is signed. */
export interface SignOptions {
  readonly days?: number
  /** Default: those requested, or server authentication. */
  readonly purposes?: readonly Purpose[]
  /** Issues a server's certificate: the purposes, and all of the subject but common names, are not taken from the request. */
  readonly server?: boolean
  /** Names that replace those requested. */
  readonly names?: readonly string[]
  /** Signs an authority's certificate. */
  readonly subordinate?: boolean
  readonly pathLength?: number
  /** Hash of the signature. Default: the authority's hash. */
  readonly hash?: HashName
  /** Whether clients must refuse the certificate without a stapled OCSP response. RFC 7633. */
  readonly mustStaple?: boolean
  /** Issues the certificate even if every client would refuse it. */
  readonly force?: boolean
}

/** Signs a request immediately, even at a standalone authority. Returns the certificate and its issuers. @throws PkiError */
export async function signRequest(
  store: CertificateStore,
  request: Buffer,
  options: SignOptions & { readonly authority?: string } = {},
): Promise<IssuedChain> {
  const read = readRequest(request)
  return store.update((draft) => signInDraft(store, draft, options.authority, read, options))
}

/** Signs a request in a draft. Returns the certificate and its issuers. @throws PkiError */
export async function signInDraft(
  store: CertificateStore,
  draft: IndexDraft,
  authorityName: string | undefined,
  request: ReadRequest,
  options: SignOptions = {},
): Promise<IssuedChain> {
  const opened = await openAuthority(store, authorityName, draft)
  const authority = options.hash ? { ...opened, issuer: { ...opened.issuer, hash: options.hash } } : opened
  const nowMs = store.clock.now()
  refuseTinyKey(request)
  checkSubject(request.subject)
  const content = {
    subject: options.server ? request.subject.filter(({ type }) => type === 'CN') : request.subjectDer,
    publicKey: request.publicKey,
    nowMs,
    ...(options.days === undefined ? {} : { days: options.days }),
  }
  if (options.subordinate) {
    const { pathLength = request.pathLength } = options
    const profile = {
      ...content,
      ...(pathLength === undefined ? {} : { pathLength }),
      ...(request.constraints ? { constraints: request.constraints } : {}),
    }
    return [issueSubordinate(draft, authority, profile, options.force), ...authority.served]
  }
  if (request.authority) {
    throw new PkiError('refused', 'the request is for an authority’s certificate: sign it with --subordinate')
  }
  const requested = options.server ? [] : request.purposes.filter((one) => one !== 'OCSPSigning')
  const profile = {
    ...content,
    names: namesOf(request, options),
    purposes: options.purposes ?? (requested.length > 0 ? requested : (['serverAuth'] as const)),
    ...(options.mustStaple ? { mustStaple: true } : {}),
  }
  const certificate = issueFrom(draft, authority, profile, options.force)
  return [certificate, ...authority.served]
}

/** Refuses an RSA key of less than 512 bits, which OpenSSL cannot use. @throws PkiError `refused` */
function refuseTinyKey(request: ReadRequest): void {
  const { family, bits } = describeKey(request.publicKey)
  if (family === 'rsa' && bits < 512)
    throw new PkiError('refused', `an RSA key of ${bits} bits is too short; use 512 bits or more`)
}

/** Returns the names for subjectAltName, by default the common name, which clients ignore. RFC 9525 section 2. */
function namesOf(request: ReadRequest, options: SignOptions): readonly GeneralName[] {
  if (options.names) return options.names.map(generalName)
  if (request.names.length > 0) return request.names.map(checkedName)
  const commonName = request.subject.findLast(({ type }) => type === 'CN')?.value
  return commonName && /^[\w.*-]+$/.test(commonName) ? [generalName(commonName)] : []
}

export interface UserOptions {
  /** The person's name. */
  readonly commonName: string
  readonly emails?: readonly string[]
  /** User principal name: the log-on name, such as alice@lab.test. */
  readonly principalName?: string
  readonly subject?: Omit<SubjectFields, 'commonName'>
  readonly authority?: string
  readonly key?: KeySpec
  readonly days?: number
  /** Issues the certificate even if every client would refuse it. */
  readonly force?: boolean
}

export interface IssuedUser {
  readonly chain: IssuedChain
  /** Returns a PKCS#12 file with key and chain, protected by a password. The key is stored nowhere else. */
  pkcs12(password: string, legacy?: boolean): Buffer
}

/** Issues a user's certificate for log-on (client authentication) and S/MIME. @throws PkiError */
export async function issueUser(store: CertificateStore, options: UserOptions): Promise<IssuedUser> {
  const names: GeneralName[] = [
    ...(options.emails ?? []).map((value) => generalName(`email:${value}`)),
    ...(options.principalName ? [generalName(`upn:${options.principalName}`)] : []),
  ]
  if (names.length === 0) {
    throw new PkiError('refused', 'a user’s certificate needs an email address or a user principal name')
  }
  const { writePkcs12 } = await import('../keystore/pkcs12.ts')
  const key = await generateKey(options.key ?? store.key)
  const chain = await store.update(async (draft): Promise<IssuedChain> => {
    const authority = await openAuthority(store, options.authority, draft)
    const profile = {
      subject: subjectName({ ...options.subject, commonName: options.commonName }),
      publicKey: createPublicKey(key),
      names,
      purposes: ['clientAuth', 'emailProtection'] as const,
      nowMs: store.clock.now(),
      ...(options.days === undefined ? {} : { days: options.days }),
    }
    return [issueFrom(draft, authority, profile, options.force), ...authority.served]
  })
  const pkcs12 = (password: string, legacy = false): Buffer =>
    writePkcs12({ friendlyName: options.commonName, key, certificates: chain, password, legacy })
  return { chain, pkcs12 }
}

interface MarkOptions {
  /** The domains whose mail shows the logo, or single selectors of them: `SELECTOR._bimi.DOMAIN`. */
  readonly domains: readonly string[]
  /** The logo: SVG, not compressed. */
  readonly logo: Buffer
  /** verified: of a registered trademark (VMC). common: of a logo in use (CMC). Default: verified. */
  readonly type?: keyof typeof markTypes
  readonly organization?: string
  readonly authority?: string
  readonly days?: number
  readonly force?: boolean
}

/** The mark types in the subject of mark certificates. */
const markTypes = { verified: 'Registered Mark', common: 'Prior Use Mark' } as const

/**
 * Issues a mark certificate, which proves that a domain may show a logo (BIMI). Its key is used for nothing and not kept. Returns
 * the certificate and its issuers. @throws PkiError
 */
export async function issueMark(store: CertificateStore, options: MarkOptions): Promise<IssuedChain> {
  const { domains, logo, type = 'verified', days, force } = options
  const [first] = domains
  if (first === undefined) throw new PkiError('refused', 'a mark certificate needs a domain')
  const key = await generateKey(store.key)
  return store.update(async (draft): Promise<IssuedChain> => {
    const authority = await openAuthority(store, options.authority, draft)
    const profile = {
      subject: [
        ...subjectName({ organization: options.organization ?? first, commonName: first }),
        { type: markIds.type, value: markTypes[type] },
      ],
      publicKey: createPublicKey(key),
      names: domains.map((value) => checkedName({ type: 'dns', value })),
      purposes: ['brandIndicator'] as const,
      extensions: [certificatePolicies(markIds.policy), logotypes(logotypeValue(logo))],
      nowMs: store.clock.now(),
      ...(days === undefined ? {} : { days }),
    }
    return [issueFrom(draft, authority, profile, force), ...authority.served]
  })
}

/**
 * Signs content with the authority that issues for `auto`. Returns the DER of a CMS SignedData that contains it; undefined
 * if the store has no such authority with a certificate that permits signatures.
 */
export async function signContent(store: CertificateStore, content: Buffer): Promise<Buffer | undefined> {
  const { authorities, defaultAuthority } = store.index
  if (!authorities.some(({ name, certificate }) => name === defaultAuthority && certificate !== undefined))
    return undefined
  const { issuer, served } = await openAuthority(store, undefined)
  const { keyUsages } = readFacts(served[0])
  // An outside authority need not permit it. RFC 5280 section 4.2.1.3.
  if (keyUsages.length > 0 && !keyUsages.includes('digitalSignature')) return undefined
  const { writeSignedData } = await import('../keystore/signed-data.ts')
  return writeSignedData(content, { key: issuer.key, chain: served }, store.clock.now())
}
