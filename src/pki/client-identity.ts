import { X509Certificate } from 'node:crypto'
import { certificatePem, readFacts, thumbprintOf } from './certificate/certificate.ts'
import { issuedBy } from './certificate-store/index-file.ts'
import type { CertificateStore } from './certificate-store/types.ts'

/** Finds the account that a part of a certificate names. Each method returns the log-on name. */
export interface AccountFinder {
  byThumbprint(thumbprint: string): string | undefined
  byPrincipalName(name: string): string | undefined
  byAddress(address: string): string | undefined
}

export interface ClientVerdict {
  /** The account that the certificate names. */
  readonly account?: string
  /** Why the certificate is refused, such as `revoked (keyCompromise)`. */
  readonly refused?: string
}

/** Returns the PEM of the authorities whose user certificates a virtual server accepts: all of the lab's own. */
export async function clientAuthorities(store: CertificateStore): Promise<string[]> {
  const ready = store.index.authorities.filter(({ certificate }) => certificate !== undefined)
  const chains = await Promise.all(ready.map((record) => store.materials.authorityChain(record)))
  const each = new Map(chains.flat().map((certificate) => [thumbprintOf(certificate), certificatePem(certificate)]))
  return [...each.values()]
}

/**
 * Judges a client's certificate that the handshake has verified: refuses it if the lab has revoked it, or returns the
 * account that its thumbprint, its user principal name or an email address in it names.
 */
export async function identifyClient(
  store: CertificateStore,
  der: Buffer,
  accounts: AccountFinder,
): Promise<ClientVerdict> {
  const certificate = new X509Certificate(der)
  // Another process may have revoked it just now.
  await store.refresh()
  const refused = await whyRevoked(store, thumbprintOf(certificate))
  if (refused !== undefined) return { refused }
  const { names, thumbprint } = readFacts(certificate)
  const principals = names.filter(({ type }) => type === 'upn').map(({ value }) => accounts.byPrincipalName(value))
  const addresses = names.filter(({ type }) => type === 'email').map(({ value }) => accounts.byAddress(value))
  const account = [accounts.byThumbprint(thumbprint), ...principals, ...addresses].find((one) => one !== undefined)
  return account === undefined ? {} : { account }
}

/** Checks the certificate and the authorities above it: if one of them is revoked, so is everything below it. */
async function whyRevoked(store: CertificateStore, thumbprint: string): Promise<string | undefined> {
  const own = revocationOf(store, thumbprint)
  if (own !== undefined) return own
  const issuer = issuedBy(store.index, thumbprint)?.authority
  if (issuer?.certificate === undefined) return undefined
  const chain = await store.materials.authorityChain(issuer)
  const found = chain.map((one) => revocationOf(store, thumbprintOf(one))).find((one) => one !== undefined)
  return found && `issued by an authority that is ${found}`
}

function revocationOf(store: CertificateStore, thumbprint: string): string | undefined {
  const revoked = issuedBy(store.index, thumbprint)?.entry.revoked
  return revoked && `revoked (${revoked.reason})`
}
