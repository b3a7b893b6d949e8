import type { Logger } from 'pino'
import { serviceOf } from '../../../servers/index.ts'
import { mappedAccount } from '../../accounts/directory/certificate-mapping.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import type { NotServed } from '../../api/lab.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { type CertificateChoice, choicesOf } from '../../core/config/schema/certificate.ts'
import { type LegacySettings, legacySettings } from '../../net/legacy-acceptor.ts'
import type { ClientCertificateSettings, TlsSettings } from '../../net/virtual-server-settings.ts'
import { policyProblem } from '../../tls/negotiation/policy.ts'
import { certificatePem } from '../../tls/pki/certificate/certificate.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { type AccountFinder, clientAuthorities, identifyClient } from '../../tls/pki/client-identity.ts'
import type { PkiError } from '../../tls/pki/errors.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import { labCertificateNames, policyOf } from './lab-facts.ts'

/** The parts of a lab that TLS settings come from. */
export interface TlsServices {
  readonly config: ResolvedLab
  readonly directory: Directory
  readonly certificateStore: CertificateStore
  readonly log: Logger
  /** Called for an outside root that was removed while the lab runs. Without it, an unknown root is an error. */
  readonly onRemovedRoot?: (error: PkiError) => void
}

/** The TLS settings of a virtual server, and the certificates that it cannot serve. */
interface ResolvedTls {
  /** Undefined if no certificate is assigned, or none that can be served. */
  readonly settings: TlsSettings | undefined
  readonly notServed: readonly NotServed[]
}

/**
 * Resolves a virtual server's certificates and TLS policy.
 * @param running the certificates that it serves now. They stay if it can serve none of its own. A server without them gets
 * the certificate that an unservable one replaced, or one of the lab. All other settings are those of the configuration
 * @throws PkiError
 */
export async function tlsSettings(
  server: ResolvedVirtualServer,
  lab: TlsServices,
  running: readonly InstalledCertificate[],
): Promise<ResolvedTls> {
  const names = labCertificateNames(lab.config)
  const policy = policyOf(server)
  const all = await lab.certificateStore.resolve(server.name, server.certificate, names)
  const notServed = all.flatMap((one) => {
    const { friendlyName, thumbprint } = one
    const why = policyProblem(policy, one)
    return why === undefined ? [] : [{ virtualServer: server.name, friendlyName, thumbprint, why }]
  })
  const using = async (certificates: readonly InstalledCertificate[]) => tlsSettingsWith(certificates, server, lab)
  if (all.length === 0 || notServed.length < all.length) return { settings: await using(all), notServed }
  const kept = await using(running)
  if (kept) return { settings: kept, notServed }
  const former = await lab.certificateStore.resolve('', formerChoice(server, notServed, lab), names)
  const last = former.find((one) => policyProblem(policy, one) === undefined)
  return { settings: await using(last ? [last] : []), notServed }
}

/** Returns what a virtual server used before certificates that it cannot serve: those that they replaced, then `auto`. */
function formerChoice(
  { certificate }: ResolvedVirtualServer,
  notServed: readonly NotServed[],
  { certificateStore }: TlsServices,
): CertificateChoice {
  const replaced = notServed.flatMap(({ thumbprint }) =>
    certificateStore.index.certificates.filter(({ replacedBy }) => replacedBy === thumbprint).reverse(),
  )
  const named = replaced.map(({ thumbprint }) => ({ kind: 'named', name: thumbprint }) as const)
  return { kind: 'list', choices: [...named, ...choicesOf(certificate).filter(({ kind }) => kind === 'auto')] }
}

/**
 * Returns the TLS settings of a virtual server with the certificates that it can serve; undefined if it can serve none.
 * @throws PkiError
 */
export async function tlsSettingsWith(
  all: readonly InstalledCertificate[],
  server: ResolvedVirtualServer,
  lab: TlsServices,
): Promise<TlsSettings | undefined> {
  const policy = policyOf(server)
  const certificates = all.filter((one) => policyProblem(policy, one) === undefined)
  if (certificates.length === 0) return undefined
  const { alpn, isAlpnStrict = false } = await serviceOf(server.protocol)
  const legacy = await oldClientSettings(server, certificates, labCertificateNames(lab.config), lab)
  const clientCertificates = await clientCertificateSettings(server, lab)
  return {
    certificates,
    policy,
    alpn,
    isAlpnStrict,
    handshakeTimeoutMs: server.limits.handshakeTimeout,
    ocspStapling: server.tls.ocspStapling,
    ...(clientCertificates ? { clientCertificates } : {}),
    ...(legacy ? { legacy } : {}),
  }
}

/** Returns the settings of the engine for old clients and defects; undefined if both are off or no certificate has an RSA key. */
async function oldClientSettings(
  { name, certificate, tls }: ResolvedVirtualServer,
  served: readonly InstalledCertificate[],
  names: readonly string[],
  { certificateStore, log }: TlsServices,
): Promise<LegacySettings | undefined> {
  const { legacy, defect } = tls
  if (legacy === 'off' && defect === undefined) return undefined
  const forOld = async () => legacySettings(tls, await certificateStore.resolve(name, certificate, names, 'old'))
  // Clients that test a defect trust the root of all other clients, unless its certificate has no RSA key.
  const settings = (legacy === 'off' ? legacySettings(tls, served) : undefined) ?? (await forOld())
  if (!settings && legacy !== 'off') {
    log.warn({ server: name }, 'tls.legacy has no effect: old clients need a certificate with an RSA key')
  }
  if (!settings && defect !== undefined) {
    log.warn({ server: name }, 'tls.defect has no effect: it needs a certificate with an RSA key')
  }
  return settings
}

/** Returns a virtual server's settings for client certificates; undefined if they are off. */
async function clientCertificateSettings(
  { clientCertificates: { mode, trust } }: ResolvedVirtualServer,
  lab: TlsServices,
): Promise<ClientCertificateSettings | undefined> {
  if (mode === 'off') return undefined
  const { certificateStore } = lab
  const trusted = await clientAuthorities(certificateStore, trust, lab.onRemovedRoot)
  return {
    mode,
    authoritiesPem: trusted.map(certificatePem),
    judge: ({ der }, issuers, isVerified) =>
      identifyClient(certificateStore, { der, issuers, isVerified }, trusted, accountFinder(lab)),
  }
}

/** Returns the lookups that find the account of a certificate in the current configuration. */
function accountFinder({ config, directory }: TlsServices): AccountFinder {
  const { accounts, certificateMapping = [] } = config.directory
  return {
    byRule: (certificate) => mappedAccount(certificateMapping, certificate),
    byThumbprint: (thumbprint) =>
      accounts.find((one) => one.certificates?.some((own) => normalThumbprint(own) === thumbprint))?.user,
    byPrincipalName: (name) => directory.find(name)?.user,
    byAddress: (address) => directory.findByAddress(address)?.user,
  }
}

const normalThumbprint = (thumbprint: string): string => thumbprint.replaceAll(/[\s:]/g, '').toUpperCase()
