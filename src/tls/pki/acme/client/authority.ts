import { createHash } from 'node:crypto'
import { omitUndefined } from '../../../../core/values/omit-undefined.ts'
import type { IndexDraft } from '../../certificate-store/draft.ts'
import type { CertificateRecord } from '../../certificate-store/index-file.ts'
import type { CertificateStore } from '../../certificate-store/types.ts'

/** The challenges that the client can answer. RFC 8555 sections 8.3 and 8.4, RFC 8737. */
export const challengeTypes = ['http-01', 'dns-01', 'tls-alpn-01'] as const
export type ChallengeType = (typeof challengeTypes)[number]

/** Key types that ACME servers accept for accounts. */
export const accountKeyTypes = ['p256', 'p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const

/** An ACME directory on any host, and how to answer its challenges. */
export interface AcmeAuthority {
  readonly directoryUrl: string
  /** Default: dns-01 for wildcards and with a hook; otherwise http-01, or another type that the directory offers. */
  readonly challenge?: ChallengeType
  /** Address of the listeners for http-01 and tls-alpn-01. Default: all addresses. */
  readonly httpAddress?: string
  /** Default: 80. */
  readonly httpPort?: number
  /** Port of the tls-alpn-01 listener. Default: 443. */
  readonly tlsAlpnPort?: number
  /** Program that adds and removes TXT records for dns-01: PROGRAM set|clear NAME VALUE. */
  readonly dnsHook?: string
  readonly email?: string
  /** PEM of a root to verify the directory's own certificate with, in addition to the roots of Node.js. */
  readonly ca?: string
  readonly externalAccount?: { readonly kid: string; readonly key: string }
  /** The kind of certificate, one of those that the directory lists. draft-aaron-acme-profiles. */
  readonly profile?: string
  /** Receives a description of each step as it begins. */
  readonly progress?: (step: string) => void
}

/** The facts about an ACME authority that a certificate record keeps for renewals. */
type StoredAuthority = NonNullable<CertificateRecord['acme']>

/** Returns the facts about an authority that renewals need. Stores its root. */
export function storeAuthority(draft: IndexDraft, authority: AcmeAuthority): StoredAuthority {
  const { directoryUrl, ca, externalAccount: _externalAccount, progress: _progress, ...rest } = authority
  if (ca === undefined) return { directory: directoryUrl, ...rest }
  const digest = createHash('sha256').update(ca).digest('hex').slice(0, 8)
  return { directory: directoryUrl, ...rest, ca: draft.put(`certificates/acme-root-${digest}.pem`, ca) }
}

/** Returns the authority of a certificate that it issued. The account exists, so that it needs no external account. */
export async function storedAuthority(store: CertificateStore, stored: StoredAuthority): Promise<AcmeAuthority> {
  const { directory, ca, ...rest } = stored
  const given = omitUndefined(rest)
  return { directoryUrl: directory, ...given, ...(ca ? { ca: await store.materials.read(ca) } : {}) }
}
