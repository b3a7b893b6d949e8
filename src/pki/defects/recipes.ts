import type { DefectName } from '../../config/schema/defect.ts'
import type { Recipe } from './recipe.ts'

/** Signatures and keys that OpenSSL refuses even to show at its usual security level. */
const anything = { securityLevel: 0 } as const
/** An issuer that can sign with old hashes: elliptic curves cannot with MD5. */
const rsaIssuer = [{ key: 'rsa-2048' }] as const

/** Every certificate of `certificate: { defect: NAME }`. */
export const recipes: Readonly<Record<DefectName, Recipe>> = {
  expired: { meaning: 'Its time is over since yesterday.', days: { from: -60, to: -1 } },
  'not-yet-valid': { meaning: 'Its time begins in a week.', days: { from: 7, to: 97 } },
  'wrong-host': { meaning: 'It is issued to another host.', names: 'other' },
  'self-signed': { meaning: 'It is its own issuer.', issuer: 'itself' },
  'untrusted-root': {
    meaning: 'Its root, sent along, is nobody’s authority.',
    issuer: 'unknown root',
    sends: 'root too',
  },
  'incomplete-chain': {
    meaning: 'The intermediate certificate is not sent.',
    intermediates: [{}],
    sends: 'nothing',
  },
  'reversed-chain': {
    meaning: 'Two intermediate certificates are sent in the wrong order.',
    intermediates: [{}, {}],
    sends: 'reversed',
  },
  revoked: { meaning: 'The lab’s authority has revoked it: its list and its OCSP answers say so.', revoked: true },
  'no-san': { meaning: 'The host is named in the common name alone.', names: 'none' },
  'no-subject': { meaning: 'The subject is empty; the names are all in subjectAltName.', subject: 'none' },
  'weak-key': { meaning: 'An RSA key of 1,024 bits.', key: 'rsa-1024', needs: anything },
  'weak-key-512': {
    meaning: 'An RSA key of 512 bits; too short for the signatures of TLS 1.3.',
    key: 'rsa-512',
    needs: { securityLevel: 0, maxVersion: 'TLSv1.2' },
  },
  'sha1-signature': {
    meaning: 'Signed with SHA-1.',
    key: 'rsa-2048',
    intermediates: rsaIssuer,
    hash: 'sha1',
    needs: anything,
  },
  'md5-signature': {
    meaning: 'Signed with MD5.',
    key: 'rsa-2048',
    intermediates: rsaIssuer,
    hash: 'md5',
    needs: anything,
  },
  'wrong-purpose': { meaning: 'Issued for clients: serverAuth is not among its purposes.', purpose: 'clientAuth' },
  'ca-as-leaf': { meaning: 'An authority’s certificate, worn by a server.', authority: true },
  'name-constraint-violated': {
    meaning: 'The intermediate may issue for other domains only.',
    intermediates: [{ constraints: { permitted: ['elsewhere.example'] } }],
  },
  'thousand-sans': { meaning: 'Issued to a thousand names.', names: 'thousand' },
  'rsa-8192': { meaning: 'An RSA key of 8,192 bits.', key: 'rsa-8192' },
  'ip-only': { meaning: 'Issued to addresses, to no host name.', names: 'addresses' },
  wildcard: { meaning: 'Issued to `*.` and the domain of the host.', names: 'wildcard' },
  'must-staple-without-staple': {
    meaning: 'Says that an OCSP response is stapled; none is.',
    mustStaple: true,
  },
  rsa: { meaning: 'Good: RSA of 2,048 bits.', key: 'rsa-2048' },
  p256: { meaning: 'Good: the curve P-256.' },
  p384: { meaning: 'Good: the curve P-384.', key: 'p384' },
  ed25519: { meaning: 'Good: Ed25519.', key: 'ed25519' },
  'one-intermediate': { meaning: 'Good: one intermediate authority.', intermediates: [{}] },
  'two-intermediates': { meaning: 'Good: two intermediate authorities.', intermediates: [{}, {}] },
}
