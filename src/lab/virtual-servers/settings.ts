import type { Logger } from 'pino'
import { serviceOf } from '../../../servers/index.ts'
import type { ServerContext } from '../../../servers/service.ts'
import type { Tenants } from '../../accounts/directory/tenants.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import type { OAuth2 } from '../../accounts/oauth2/oauth2.ts'
import type { Api } from '../../api/api.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { ProxyProtocolConfig, RateConfig } from '../../core/config/schema/virtual-server.ts'
import type { TokenConfig } from '../../core/config/schema.ts'
import { addressListOf } from '../../core/network/address-list.ts'
import type { Clock } from '../../core/time/clock.ts'
import { clientKey } from '../../net/client-addresses.ts'
import type { FaultRules } from '../../net/faults/fault-rules.ts'
import { type LegacySettings, legacySettings } from '../../net/legacy-acceptor.ts'
import type { Proxies } from '../../net/proxy-protocol/proxies.ts'
import type { Rates } from '../../net/rates.ts'
import type { TlsSettings } from '../../net/tls-acceptor.ts'
import type { VirtualServerSettings } from '../../net/virtual-server-settings.ts'
import { dropsOldest } from '../../storage/store/open.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import type { ReportSchedule } from '../../transport/delivery/reports/types.ts'
import type { MailAuthentication } from '../../transport/mail-authentication/mail-authentication.ts'
import { configuredPolicy } from '../../transport/mta-sts/configured.ts'
import type { NewsService } from '../../transport/news/news-service.ts'
import type { RelayQueue } from '../../transport/outgoing/plan.ts'
import { labCertificateNames } from '../certificates/lab-facts.ts'
import type { LabPki } from '../certificates/lab-pki.ts'
import type { Captures } from '../recording/captures.ts'

/** The parts of a lab that its virtual servers share. */
export interface Site {
  readonly config: ResolvedLab
  readonly store: MessageStore
  readonly directory: Directory
  readonly tenants: Tenants
  readonly oauth2: OAuth2
  readonly mailAuthentication: MailAuthentication
  readonly news: NewsService
  readonly outgoing: RelayQueue
  readonly reports: ReportSchedule
  readonly pki: LabPki
  readonly captures: Captures
  readonly faults: FaultRules
  readonly rates: Rates
  readonly clock: Clock
  readonly log: Logger
  /** The operations of the lab, created at their first use. */
  readonly api: () => Promise<Api>
  /** The same, which know no messages until `api` was called. */
  readonly idleApi: () => Promise<Api>
  /** Nothing of the lab keeps the process running. */
  readonly isBackground: boolean
  /** The context of each virtual server that new connections use, by name. */
  readonly contexts: Map<string, ServerContext>
  /** The token that the lab has generated. */
  readonly administratorToken: string | undefined
}

/** Builds a virtual server's settings from its configuration and the certificate store. @throws PkiError */
export async function serverSettings(server: ResolvedVirtualServer, site: Site): Promise<VirtualServerSettings> {
  const {
    config,
    store,
    directory,
    tenants,
    news,
    pki,
    captures,
    faults,
    rates,
    clock,
    log,
    api,
    idleApi,
    isBackground,
  } = site
  const { contexts, oauth2, mailAuthentication, reports } = site
  const { name, protocol, address, port, tlsPort, limits, idleTimeoutMs } = server
  const service = await serviceOf(protocol)
  const context: ServerContext = {
    config: server,
    name,
    hostname: config.hostname,
    store,
    directory,
    tenants,
    oauth2,
    mailAuthentication,
    news,
    outgoing: site.outgoing,
    reports,
    retention: config.retention,
    dropsOldest: dropsOldest(config.store),
    clock,
    rates,
    log: log.child({ server: name }),
    api,
    idleApi,
    administrators: config.administrators,
    capturedReaders: config.captured.readers,
    capturedFolder: config.captured.folder,
    tagging: config.tagging,
    labNames: [config.hostname, ...config.alternativeNames],
    mtaSts: configuredPolicy(config),
    latest: () => contexts.get(name) ?? context,
    tokens: protocol === 'http' ? [...config.tokens, ...generated(site)] : [],
  }
  contexts.set(name, context)
  const tls = await tlsSettings(config, server, pki, log)
  const proxies = await proxiesOf(server.proxyProtocol)
  return {
    name,
    protocol,
    address,
    port,
    tlsPort,
    ...(tls ? { tls } : {}),
    isBackground,
    faults,
    captures: captures.open(config.capture, server.capture),
    ...(proxies ? { proxies } : {}),
    forwarders: addressListOf(server.xclient?.from ?? server.forwardedFrom),
    maxConnections: limits.connections,
    idleTimeoutMs,
    serve: (connection) => service.serve(connection, context),
    clientLimits: {
      connectionsPerAddress: limits.connectionsPerAddress,
      logonTimeoutMs: limits.logonTimeout,
      failedLogonDelayMs: limits.failedLogonDelay,
    },
    takesConnection: connectionRate(name, limits.rate, rates),
    busyLine: (limited) => service.busy(context, limited),
  }
}

/** Loads the PROXY protocol only where it is used. */
async function proxiesOf(config: ProxyProtocolConfig | undefined): Promise<Proxies | undefined> {
  if (config === undefined) return undefined
  const { Proxies } = await import('../../net/proxy-protocol/proxies.ts')
  return new Proxies(config)
}

/** Returns what counts a connection from an address, and decides whether it is within the rate; undefined without a limit. */
function connectionRate(
  server: string,
  rate: RateConfig | undefined,
  rates: Rates,
): VirtualServerSettings['takesConnection'] {
  const { connections: count, per: perMs } = rate ?? {}
  if (count === undefined || perMs === undefined) return undefined
  return (address) => rates.take(`${server}\nconnections\n${clientKey(address)}`, { count, perMs })
}

const generated = ({ administratorToken: token }: Site): TokenConfig[] =>
  token === undefined ? [] : [{ name: 'generated', role: 'administrator', token }]

/** Resolves a virtual server's certificates and TLS policy; undefined if no certificate is assigned. @throws PkiError */
export async function tlsSettings(
  lab: ResolvedLab,
  server: ResolvedVirtualServer,
  pki: LabPki,
  log: Logger,
): Promise<TlsSettings | undefined> {
  const names = labCertificateNames(lab)
  const certificates = await pki.store.resolve(server.name, server.certificate, names)
  if (certificates.length === 0) return undefined
  const { minVersion, maxVersion, ciphers, groups, ocspStapling } = server.tls
  const { alpn, isAlpnStrict = false } = await serviceOf(server.protocol)
  const legacy = await oldClientSettings(server, certificates, names, pki, log)
  const clientCertificates = await pki.clientCertificates(server)
  return {
    certificates,
    policy: { minVersion, maxVersion, ciphers, groups, require128BitEncryption: server.require128BitEncryption },
    alpn,
    isAlpnStrict,
    handshakeTimeoutMs: server.limits.handshakeTimeout,
    ocspStapling,
    ...(clientCertificates ? { clientCertificates } : {}),
    ...(legacy ? { legacy } : {}),
  }
}

/** Returns the settings of the engine for old clients and defects; undefined if both are off or no certificate has an RSA key. */
async function oldClientSettings(
  { name, certificate, tls }: ResolvedVirtualServer,
  served: readonly InstalledCertificate[],
  names: readonly string[],
  { store }: LabPki,
  log: Logger,
): Promise<LegacySettings | undefined> {
  const { legacy, defect } = tls
  if (!legacy && defect === undefined) return undefined
  const forOld = async () => legacySettings(tls, await store.resolve(name, certificate, names, 'old'))
  // Clients that test a defect trust the root of all other clients, unless its certificate has no RSA key.
  const settings = (legacy ? undefined : legacySettings(tls, served)) ?? (await forOld())
  if (!settings && legacy) {
    log.warn({ server: name }, 'tls.legacy has no effect: old clients need a certificate with an RSA key')
  }
  if (!settings && defect !== undefined) {
    log.warn({ server: name }, 'tls.defect has no effect: it needs a certificate with an RSA key')
  }
  return settings
}
