import { type KeyObject, X509Certificate } from 'node:crypto'
import {
  certificateFields,
  readFacts,
  subjectKeyIdentifierOf,
  thumbprintOf,
} from '../../tls/pki/certificate/certificate.ts'
import type { StoreIndex } from '../../tls/pki/certificate-store/index-file.ts'
import { rootsOf } from '../../tls/pki/certificate-store/roots.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { readPrivateKey } from '../../tls/pki/keys.ts'
import type { ReadCrl } from '../../tls/pki/revocation/read-crl.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import type { CertificateReference } from './cms/content.ts'

/** A certificate whose key the lab holds. */
export class HeldKey {
  readonly friendlyName: string
  readonly certificate: X509Certificate
  readonly #pem: string
  #key: KeyObject | undefined

  constructor({ friendlyName, certificatePem, privateKeyPem }: InstalledCertificate) {
    this.friendlyName = friendlyName
    this.certificate = new X509Certificate(certificatePem)
    this.#pem = privateKeyPem
  }

  get key(): KeyObject {
    this.#key ??= readPrivateKey(this.#pem)
    return this.#key
  }

  /** Mail addresses in the certificate, in lower case. */
  get addresses(): string[] {
    return mailAddressesOf(this.certificate).map((address) => address.toLowerCase())
  }
}

/** The facts in the lab's certificate store about signers and recipients. */
export interface SmimeTrust {
  readonly roots: readonly X509Certificate[]
  /** All authorities that the store knows. */
  readonly issuers: readonly X509Certificate[]
  readonly lists: readonly ReadCrl[]
  /** Revoked certificates of the lab's authorities, by thumbprint. */
  readonly revoked: ReadonlyMap<string, { readonly at: string; readonly reason: string }>
  readonly keys: readonly HeldKey[]
  readonly nowMs: number
}

type Known = Omit<SmimeTrust, 'nowMs'>

const known = new WeakMap<StoreIndex, Promise<Known>>()

/** Reads what a store knows. The answer is kept until the store changes. @throws PkiError `store` */
export async function smimeTrust(store: CertificateStore): Promise<SmimeTrust> {
  const { index } = store
  const reading = known.get(index) ?? readKnown(store)
  known.set(index, reading)
  try {
    return { ...(await reading), nowMs: store.clock.now() }
  } catch (error) {
    known.delete(index)
    throw error
  }
}

async function readKnown({ index, materials }: CertificateStore): Promise<Known> {
  const revoked = index.authorities.flatMap(({ issued }) =>
    issued.flatMap(({ thumbprint, revoked: since }) => (since ? [[thumbprint, since] as const] : [])),
  )
  // One key that cannot be read must not keep others from being used: its own problem is shown with the certificates.
  const keys = await Promise.all(index.certificates.map((record) => materials.load(record).catch(() => undefined)))
  return {
    roots: await rootsOf(index, materials),
    issuers: await materials.knownIssuers(index),
    lists: await materials.trustedCrls(index),
    revoked: new Map(revoked),
    keys: keys.flatMap((one) => (one ? [new HeldKey(one)] : [])),
  }
}

/** Returns whether a reference means a certificate. RFC 5652 section 5.3. */
export function refersTo(
  { issuer, serial, keyIdentifier }: CertificateReference,
  certificate: X509Certificate,
): boolean {
  if (keyIdentifier) return keyIdentifier.equals(subjectKeyIdentifierOf(certificate))
  const fields = certificateFields(certificate.raw)
  return issuer !== undefined && issuer.equals(fields.issuer) && fields.serial.content.equals(serial ?? NOTHING)
}

const NOTHING = Buffer.alloc(0)

/** Returns the mail addresses in a certificate, including the forms of old ones. RFC 8550 section 3. */
export function mailAddressesOf(certificate: X509Certificate): string[] {
  const { names, subject } = readFacts(certificate)
  const inNames = names.filter(({ type }) => type === 'email').map(({ value }) => value)
  const inSubject = subject.filter(({ type }) => type === 'emailAddress').map(({ value }) => value)
  return [...new Set([...inNames, ...inSubject])]
}

/** Returns when and why the lab revoked a certificate. */
export const revocationOf = ({ revoked }: SmimeTrust, certificate: X509Certificate) =>
  revoked.get(thumbprintOf(certificate))
