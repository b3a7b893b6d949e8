import { type KeyObject, randomBytes, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { openAuthority, recordIssued } from '../authority/issue.ts'
import { certificatePem, createCertificate, type Issuer, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import * as ext from '../certificate/extensions.ts'
import { subjectNames } from '../certificate/names.ts'
import { createAuthorityCertificate, type ServiceUrls } from '../certificate/profiles.ts'
import { findAuthority } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { generateKey, type KeySpec, privateKeyPem } from '../keys.ts'
import { revokeCertificate } from '../revocation/revoke.ts'
import type { InstalledCertificate } from '../types.ts'
import { generateLargeKey } from './large-key.ts'
import type { NameChoice, Recipe } from './recipes.ts'

const DAY_MS = 86_400_000
const HOUR_DAYS = 1 / 24

/** An issuer and its chain. */
interface Above {
  readonly issuer: Issuer
  /** The issuer first, the root last. */
  readonly chain: readonly X509Certificate[]
  /** Name of the lab's authority; absent for any other issuer. */
  readonly authority?: string
  readonly urls?: ServiceUrls
}

/**
 * Makes the certificate of a recipe, with dates counted from the store's clock.
 * @param hosts names that clients use for the virtual server, its host name first
 */
export async function makeByRecipe(
  store: CertificateStore,
  friendlyName: string,
  recipe: Recipe,
  hosts: readonly string[],
): Promise<InstalledCertificate> {
  const key = await generatedKey(recipe.key ?? 'p256')
  const above = await issuerOf(store, recipe)
  const certificate = endEntity(recipe, key, hosts, above, store.clock.now())
  if (recipe.revoked && above.authority) await revokeIssued(store, above.authority, certificate)
  return {
    friendlyName,
    thumbprint: thumbprintOf(certificate),
    certificatePem: certificatePem(certificate),
    chainPem: sentIssuers(recipe, above.chain).map(certificatePem),
    privateKeyPem: privateKeyPem(key),
  }
}

/** Making a key of this size from two primes takes half a minute. */
const LARGE_BITS = 8192

const generatedKey = (spec: KeySpec): Promise<KeyObject> => {
  const bits = spec.startsWith('rsa-') ? Number(spec.slice(4)) : 0
  return bits >= LARGE_BITS ? generateLargeKey(bits) : generateKey(spec)
}

async function issuerOf(store: CertificateStore, { issuer, intermediates = [] }: Recipe): Promise<Above> {
  const nowMs = store.clock.now()
  let above = issuer === 'unknown root' ? await unknownRoot(nowMs) : await labRoot(store)
  for (const { key: spec = 'p256', constraints } of intermediates) {
    const key = await generatedKey(spec)
    const profile = { subject: authorityName('Intermediate CA'), publicKey: key, nowMs }
    const certificate = createAuthorityCertificate({ ...profile, ...(constraints && { constraints }) }, above.issuer)
    above = { issuer: { key, certificate }, chain: [certificate, ...above.chain] }
  }
  return above
}

async function labRoot(store: CertificateStore): Promise<Above> {
  const { record, issuer, served: chain, urls } = await openAuthority(store, undefined)
  return { issuer, chain, authority: record.name, urls }
}

async function unknownRoot(nowMs: number): Promise<Above> {
  const key = await generateKey('p256')
  const profile = { subject: authorityName('Unknown Root CA'), publicKey: key, nowMs }
  const root = createAuthorityCertificate(profile, { key, certificate: 'self' })
  return { issuer: { key, certificate: root }, chain: [root] }
}

/** Returns a unique name for an authority, so that no client confuses it with another. */
const authorityName = (title: string) => [
  { type: 'O', value: 'Sealpost' },
  { type: 'CN', value: `${title} ${randomBytes(3).toString('hex').toUpperCase()}` },
]

function endEntity(
  recipe: Recipe,
  key: KeyObject,
  hosts: readonly string[],
  { issuer, urls }: Above,
  nowMs: number,
): X509Certificate {
  const { names = 'own', days = { from: -HOUR_DAYS, to: 90 }, hash, subject } = recipe
  const all = subjectNames(namesOf[names](hosts))
  const commonName = names === 'none' ? hosts[0] : all[0]?.value
  const signer: Issuer = recipe.issuer === 'itself' ? { key, certificate: 'self' } : issuer
  const at = (day: number): Date => new Date(Math.floor((nowMs + day * DAY_MS) / 1000) * 1000)
  return createCertificate(
    {
      subject: subject === 'none' ? [] : [{ type: 'CN', value: (commonName ?? 'localhost').slice(0, 64) }],
      publicKey: ext.publicKeyInfo(key),
      notBefore: at(days.from),
      notAfter: at(days.to),
      extensions: [
        recipe.authority ? ext.authorityConstraints() : ext.endEntityConstraints(),
        ext.keyUsage([
          'digitalSignature',
          ...(key.asymmetricKeyType === 'rsa' ? (['keyEncipherment'] as const) : []),
          ...(recipe.authority ? (['keyCertSign', 'cRLSign'] as const) : []),
        ]),
        ext.extKeyUsage([recipe.purpose ?? 'serverAuth']),
        ...(all.length === 0 ? [] : [ext.subjectAltName(all, subject === 'none')]),
        ...(recipe.mustStaple ? [ext.mustStaple()] : []),
        ...(recipe.revoked && urls?.crl ? [ext.crlDistributionPoints([urls.crl])] : []),
        ...(recipe.revoked && urls?.ocsp ? [ext.authorityInfoAccess({ ocsp: urls.ocsp })] : []),
      ],
    },
    hash ? { ...signer, hash } : signer,
  )
}

/** Records a certificate as issued by an authority, and revokes it, which its CRL and OCSP responses then report. */
async function revokeIssued(store: CertificateStore, authority: string, certificate: X509Certificate): Promise<void> {
  await store.update((draft) => recordIssued(draft, findAuthority(draft.index, authority), certificate))
  await revokeCertificate(store, certificate.serialNumber, 'keyCompromise', authority)
}

/** Returns the certificates that the server sends after its own. */
function sentIssuers({ sends, issuer }: Recipe, chain: readonly X509Certificate[]): X509Certificate[] {
  if (sends === 'nothing' || issuer === 'itself') return []
  const below = chain.filter((one) => sends === 'root too' || !isRoot(one))
  return sends === 'reversed' ? below.reverse() : below
}

const NAME_COUNT = 1000

/** The names that a certificate is issued to, made from the virtual server's names. */
const namesOf: Readonly<Record<NameChoice, (hosts: readonly string[]) => readonly string[]>> = {
  own: (hosts) => hosts,
  other: () => ['other.host.example'],
  none: () => [],
  addresses: (hosts) => hosts.filter((name) => isIP(name) !== 0),
  wildcard: (hosts) => [wildcardFor(hosts[0] ?? 'localhost')],
  thousand: (hosts) => [
    ...hosts,
    ...Array.from({ length: NAME_COUNT - hosts.length }, (_, n) => `n${n}.names.example`),
  ],
}

/**
 * Returns `*.lab.test` for mail.lab.test. Clients ignore a wildcard directly below a top-level domain, so that localhost
 * gets `*.lab.localhost`.
 */
function wildcardFor(host: string): string {
  const labels = host.split('.')
  if (labels.length >= 3) return `*.${labels.slice(1).join('.')}`
  return labels.length === 2 ? `*.${host}` : `*.lab.${host}`
}
