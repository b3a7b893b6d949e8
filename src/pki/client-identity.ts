import { X509Certificate } from 'node:crypto'
import { certificatePem, readFacts, thumbprintOf } from './certificate/certificate.ts'
import type { CertificateStore } from './certificate-store/store.ts'

/** The accounts that a certificate may name. Each gives the log-on name. */
export interface AccountFinder {
  byThumbprint(thumbprint: string): string | undefined
  byPrincipalName(name: string): string | undefined
  byAddress(address: string): string | undefined
}

export interface ClientVerdict {
  /** The account that the certificate names. */
  readonly account?: string
  /** Why it is refused: `revoked (keyCompromise)`. */
  readonly refused?: string
}

/** PEM of the authorities whose user certificates a virtual server accepts: all of the lab's own. */
export async function clientAuthorities(store: CertificateStore): Promise<string[]> {
  const ready = store.index.authorities.filter(({ certificate }) => certificate !== undefined)
  const chains = await Promise.all(ready.map((record) => store.materials.authorityChain(record)))
  const each = new Map(chains.flat().map((certificate) => [thumbprintOf(certificate), certificatePem(certificate)]))
  return [...each.values()]
}

function revocation(store: CertificateStore, thumbprint: string): string | undefined {
  for (const { issued } of store.index.authorities) {
    const found = issued.find((one) => one.thumbprint === thumbprint)
    if (found?.revoked) return `revoked (${found.revoked.reason})`
  }
  return undefined
}

/** The certificate and every authority of the lab above it: one that is revoked takes all below with it. */
async function revokedAbove(store: CertificateStore, certificate: X509Certificate): Promise<string | undefined> {
  const own = revocation(store, thumbprintOf(certificate))
  if (own !== undefined) return own
  const issuer = store.index.authorities.find(({ issued }) =>
    issued.some((one) => one.thumbprint === thumbprintOf(certificate)),
  )
  if (issuer?.certificate === undefined) return undefined
  const above = (await store.materials.authorityChain(issuer)).map((one) => revocation(store, thumbprintOf(one)))
  const found = above.find((one) => one !== undefined)
  return found && `issued by an authority that is ${found}`
}

/**
 * What a client's certificate, verified in the handshake already, is worth: refused where the lab has revoked it, else the
 * account that it names: by its thumbprint, its user principal name, or a mail address among its alternative names.
 */
export async function identifyClient(
  store: CertificateStore,
  der: Buffer,
  accounts: AccountFinder,
): Promise<ClientVerdict> {
  const certificate = new X509Certificate(der)
  const refused = await revokedAbove(store, certificate)
  if (refused !== undefined) return { refused }
  const { names, thumbprint } = readFacts(certificate)
  const principals = names.filter(({ type }) => type === 'upn').map(({ value }) => accounts.byPrincipalName(value))
  const addresses = names.filter(({ type }) => type === 'email').map(({ value }) => accounts.byAddress(value))
  const account = [accounts.byThumbprint(thumbprint), ...principals, ...addresses].find((one) => one !== undefined)
  return account === undefined ? {} : { account }
}
