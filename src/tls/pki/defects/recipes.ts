import type { AnyVariantName } from '../../../core/config/schema/certificate.ts'
import type { DefectName } from '../../../core/config/schema/defect-names.ts'
import type { NameConstraints } from '../certificate/extensions.ts'
import type { HashName, KeySpec } from '../keys.ts'

/** Which names the certificate is issued to. */
export type NameChoice = 'own' | 'other' | 'none' | 'addresses' | 'wildcard' | 'thousand'

/** An intermediate authority between the root and the certificate. */
interface Intermediate {
  readonly key?: KeySpec
  readonly constraints?: NameConstraints
}

/** How a certificate is made. A field that is absent has its correct value. */
export interface Recipe {
  /** One sentence for documentation. */
  readonly meaning: string
  /** Default: P-256. */
  readonly key?: KeySpec
  /** First and last day, in days from now. Default: from an hour ago, for 90 days. */
  readonly days?: { readonly from: number; readonly to: number }
  readonly names?: NameChoice
  /** Default: a common name. */
  readonly subject?: 'none'
  readonly purpose?: 'clientAuth'
  /** Makes an authority's certificate (CA:TRUE). */
  readonly authority?: true
  /** Adds the TLS feature that requires a stapled OCSP response (RFC 7633). */
  readonly mustStaple?: true
  /** The issuer of it, or of the topmost intermediate. Default: the lab's root. */
  readonly issuer?: 'itself' | 'unknown root'
  /** From the root down. */
  readonly intermediates?: readonly Intermediate[]
  /** Hash of the signature on it. Default: the hash that fits the issuer's key. */
  readonly hash?: HashName
  /** The certificates that the server sends after it. Default: the intermediates. */
  readonly sends?: 'nothing' | 'reversed' | 'root too'
  readonly revoked?: true
}

/** An issuer that can sign with old hashes: an elliptic-curve key cannot sign with MD5. */
const rsaIssuer = [{ key: 'rsa-2048' }] as const

/** The certificates of `certificate: { defect: NAME }`. */
export const defectRecipes: Readonly<Record<DefectName, Recipe>> = {
  expired: { meaning: 'It expired yesterday.', days: { from: -60, to: -1 } },
  'not-yet-valid': { meaning: 'It becomes valid in a week.', days: { from: 7, to: 97 } },
  'wrong-host': { meaning: 'It is issued to another host.', names: 'other' },
  'self-signed': { meaning: 'It is self-signed.', issuer: 'itself' },
  'untrusted-root': {
    meaning: 'Its chain ends in an unknown root, which the server sends too.',
    issuer: 'unknown root',
    sends: 'root too',
  },
  'incomplete-chain': {
    meaning: 'The server does not send the intermediate certificate.',
    intermediates: [{}],
    sends: 'nothing',
  },
  'reversed-chain': {
    meaning: 'The server sends two intermediate certificates in the wrong order.',
    intermediates: [{}, {}],
    sends: 'reversed',
  },
  revoked: { meaning: 'The lab’s authority has revoked it, as its CRL and OCSP responses state.', revoked: true },
  'no-san': { meaning: 'It has no subjectAltName: only the common name holds the host name.', names: 'none' },
  'no-subject': { meaning: 'Its subject is empty: only subjectAltName holds names.', subject: 'none' },
  'weak-key': { meaning: 'It has an RSA key of 1,024 bits.', key: 'rsa-1024' },
  'weak-key-512': {
    meaning: 'It has an RSA key of 512 bits, which is too short for TLS 1.3 signatures.',
    key: 'rsa-512',
  },
  'sha1-signature': {
    meaning: 'It is signed with SHA-1.',
    key: 'rsa-2048',
    intermediates: rsaIssuer,
    hash: 'sha1',
  },
  'md5-signature': {
    meaning: 'It is signed with MD5.',
    key: 'rsa-2048',
    intermediates: rsaIssuer,
    hash: 'md5',
  },
  'wrong-purpose': {
    meaning: 'It is issued for clients: its purposes do not include serverAuth.',
    purpose: 'clientAuth',
  },
  'ca-as-leaf': { meaning: 'It is the certificate of a certificate authority (CA:TRUE).', authority: true },
  'name-constraint-violated': {
    meaning: 'Its intermediate authority may issue for other domains only.',
    intermediates: [{ constraints: { permitted: ['elsewhere.example'] } }],
  },
  'thousand-sans': { meaning: 'It is issued to a thousand names.', names: 'thousand' },
  'rsa-8192': { meaning: 'It has an RSA key of 8,192 bits.', key: 'rsa-8192' },
  'ip-only': { meaning: 'It is issued to IP addresses only, not to a host name.', names: 'addresses' },
  wildcard: { meaning: 'It is issued to `*.` and the domain of the host.', names: 'wildcard' },
  'must-staple-without-staple': {
    meaning: 'It requires a stapled OCSP response, and the server sends none.',
    mustStaple: true,
  },
}

/** The certificates of `certificate: { variant: NAME }`: nothing is wrong with them. */
export const variantRecipes: Readonly<Record<AnyVariantName, Recipe>> = {
  rsa: { meaning: 'Good: an RSA key of 2,048 bits.', key: 'rsa-2048' },
  p256: { meaning: 'Good: a key on the curve P-256.' },
  p384: { meaning: 'Good: a key on the curve P-384.', key: 'p384' },
  ed25519: { meaning: 'Good: an Ed25519 key.', key: 'ed25519' },
  'ml-dsa-44': { meaning: 'Good: an ML-DSA-44 key (post-quantum).', key: 'ml-dsa-44' },
  'ml-dsa-65': { meaning: 'Good: an ML-DSA-65 key (post-quantum).', key: 'ml-dsa-65' },
  'ml-dsa-87': { meaning: 'Good: an ML-DSA-87 key (post-quantum).', key: 'ml-dsa-87' },
  'one-intermediate': { meaning: 'Good: one intermediate authority.', intermediates: [{}] },
  'two-intermediates': { meaning: 'Good: two intermediate authorities.', intermediates: [{}, {}] },
}
