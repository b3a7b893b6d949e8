import { resolve } from 'node:path'
import type { CertificateChoice, SingleCertificateChoice } from './schema/certificate.ts'
import { DATABASE, DEFAULT_CERTIFICATES } from './schema/certificates.ts'
import type { ClientCertificateChoice } from './schema/client-certificates.ts'
import type { MailAuthenticationConfig } from './schema/mail-authentication.ts'
import { packets as packetsSchema } from './schema/values.ts'
import {
  type AccountConfig,
  type ConnectorConfig,
  type FeedConfig,
  type LabConfig,
  protocolTitles,
  type ServerProtocol,
  standardPorts,
  type VirtualServerConfig,
} from './schema.ts'

export type Port = number | 'off'

/** A virtual server with its final name, ports and timeout. */
export interface ResolvedVirtualServer extends Omit<VirtualServerConfig, 'packets'> {
  readonly name: string
  /** The port to listen on, with the offset added; 0 takes a free one. */
  readonly port: Port
  readonly tlsPort: Port
  readonly idleTimeoutMs: number
  readonly packets?: ResolvedCapture
}

/** A capture in its long form, with an absolute file name. */
export type ResolvedCapture = Exclude<LabConfig['testing']['packets'], string | undefined>

/** A connector with absolute files and the final port of its smart host. */
export interface ResolvedConnector extends Omit<ConnectorConfig, 'smartHost'> {
  readonly smartHost?: SmartHostConfig & { readonly port: number }
}

type SmartHostConfig = NonNullable<ConnectorConfig['smartHost']>

/** A lab with all defaults filled in and absolute folders. */
export interface ResolvedLab extends Omit<LabConfig, 'portOffset' | 'certificates' | 'outgoing' | 'testing'> {
  readonly certificates: Omit<LabConfig['certificates'], 'default'> & {
    /** An absolute folder, `memory` or `database`. */
    readonly store: string
  }
  readonly outgoing: Omit<LabConfig['outgoing'], 'connectors'> & { readonly connectors: readonly ResolvedConnector[] }
  readonly testing: Omit<LabConfig['testing'], 'packets'> & { readonly packets?: ResolvedCapture }
  readonly directory: Omit<LabConfig['directory'], 'accounts'> & { accounts: ResolvedAccount[] }
  readonly virtualServers: ResolvedVirtualServer[]
}

interface ResolvedAccount extends AccountConfig {
  readonly addresses: string[]
}

/** Default idle timeout of IMAP4: the minimum that RFC 9051 section 5.4 allows. */
export const IMAP_IDLE_TIMEOUT_MS = 30 * 60_000
const IDLE_TIMEOUT_MS = 10 * 60_000

/** Returns the default idle timeout of a protocol, in milliseconds. */
export const idleTimeoutOf = (protocol: ServerProtocol): number =>
  protocol === 'imap4' ? IMAP_IDLE_TIMEOUT_MS : IDLE_TIMEOUT_MS

/**
 * Fills in defaults that depend on other keys, and makes folders absolute.
 * @param baseDir the folder of the configuration file, to which folders are relative
 */
export function resolveLab(config: LabConfig, baseDir: string): ResolvedLab {
  const { portOffset, ...lab } = config
  return {
    ...lab,
    certificates: resolveCertificates(config, baseDir),
    testing: resolvePackets(config.testing, baseDir),
    ...resolveDns(config.dns, portOffset, baseDir),
    store: resolveStore(config.store, baseDir),
    ...(isShared(config.store) && { cluster: config.cluster ?? DEFAULT_CLUSTER }),
    directory: {
      ...config.directory,
      ...(config.directory.accountFiles
        ? {
            accountFiles: config.directory.accountFiles.map((one) => ({ ...one, file: resolve(baseDir, one.file) })),
          }
        : {}),
      accounts: config.directory.accounts.map((account) => ({
        ...account,
        ...preloadOf(account, baseDir),
        addresses: accountAddresses(account, config.domain),
      })),
    },
    webhooks: config.webhooks.map(({ authority, ...webhook }) => ({
      ...webhook,
      ...(authority === undefined ? {} : { authority: resolve(baseDir, authority) }),
    })),
    outgoing: {
      ...config.outgoing,
      connectors: config.outgoing.connectors.map((connector) => resolveConnector(connector, baseDir)),
    },
    mail: { ...config.mail, authentication: resolveMailAuthentication(config.mail.authentication, baseDir) },
    news: {
      ...config.news,
      groups: config.news.groups.map((group) => ({ ...group, ...preloadOf(group, baseDir) })),
      senders: config.news.senders.map((sender) => withKeyFile(sender, baseDir)),
    },
    virtualServers: config.virtualServers.map((server) => resolveVirtualServer(server, portOffset, baseDir)),
  }
}

function resolveMailAuthentication({ dkim, arc, bimi, ...rest }: MailAuthenticationConfig, baseDir: string) {
  return {
    ...rest,
    dkim: dkim.map((entry) => withKeyFile(entry, baseDir)),
    ...(arc ? { arc: withKeyFile(arc, baseDir) } : {}),
    ...(bimi ? { bimi: { ...bimi, ...authorityOf(bimi, baseDir) } } : {}),
  }
}

const withKeyFile = <Entry extends { readonly keyFile?: string | undefined }>(entry: Entry, baseDir: string): Entry =>
  entry.keyFile === undefined ? entry : { ...entry, keyFile: resolve(baseDir, entry.keyFile) }

const DEFAULT_CLUSTER: NonNullable<LabConfig['cluster']> = { name: 'lab', node: 'auto' }

/** Returns whether several nodes can share a store. */
export const isShared = (store: LabConfig['store']): store is Extract<LabConfig['store'], { postgres: string }> =>
  typeof store === 'object' && 'postgres' in store

const resolveStore = (store: LabConfig['store'], baseDir: string): LabConfig['store'] =>
  store !== 'memory' && 'lmdb' in store ? { ...store, lmdb: resolve(baseDir, store.lmdb) } : store

const preloadOf = ({ preload }: { readonly preload?: string | undefined }, baseDir: string) =>
  preload === undefined ? {} : { preload: resolve(baseDir, preload) }

/** Returns the addresses of an account; by default its user name at the domain. */
export function accountAddresses(account: AccountConfig, domain: string): string[] {
  return account.addresses ?? [account.user.includes('@') ? account.user : `${account.user}@${domain}`]
}

/** Returns the name of a virtual server or its default. */
export function virtualServerName(server: {
  readonly name?: string | undefined
  readonly protocol: ServerProtocol
}): string {
  return server.name ?? `Default ${protocolTitles[server.protocol]} Virtual Server`
}

/** Returns the ports a virtual server listens on. One with a port of its own has no other that it does not name. */
export function portsOf(server: VirtualServerConfig, portOffset: number): { port: Port; tlsPort: Port } {
  const standard = standardPorts[server.protocol]
  const { port = standard.port, certificate } = server
  const hasStandardTls = certificate.kind !== 'none' && (port === standard.port || port === 'off')
  return {
    port: offsetBy(port, portOffset),
    tlsPort: offsetBy(server.tlsPort ?? (hasStandardTls ? standard.tlsPort : 'off'), portOffset),
  }
}

function offsetBy(port: Port, portOffset: number): Port {
  return port === 'off' || port === 0 ? port : port + portOffset
}

function resolveVirtualServer(server: VirtualServerConfig, portOffset: number, baseDir: string): ResolvedVirtualServer {
  return {
    ...resolvePackets(server, baseDir),
    certificate: resolveCertificate(server.certificate, baseDir),
    clientCertificates: resolveTrust(server.clientCertificates, baseDir),
    name: virtualServerName(server),
    ...portsOf(server, portOffset),
    idleTimeoutMs: server.limits.idleTimeout ?? idleTimeoutOf(server.protocol),
    feeds: server.feeds.map((feed) => resolveFeed(feed, baseDir)),
  }
}

/** Makes the files of outside roots absolute. */
const resolveTrust = (choice: ClientCertificateChoice, baseDir: string): ClientCertificateChoice => ({
  ...choice,
  trust: choice.trust.map((one) => (typeof one === 'string' ? one : { file: resolve(baseDir, one.file) })),
})

/** Makes the files of certificates absolute. */
function resolveCertificate(choice: CertificateChoice, baseDir: string): CertificateChoice {
  const absolute = (one: SingleCertificateChoice): SingleCertificateChoice =>
    one.kind === 'file' ? { ...one, file: resolve(baseDir, one.file), keyFile: resolve(baseDir, one.keyFile) } : one
  return choice.kind === 'list' ? { ...choice, choices: choice.choices.map(absolute) } : absolute(choice)
}

/** Returns the settings with the capture in its long form. */
function resolvePackets<Settings extends Pick<LabConfig['testing'], 'packets'>>(
  { packets, ...rest }: Settings,
  baseDir: string,
): Omit<Settings, 'packets'> & { packets?: ResolvedCapture } {
  if (packets === undefined) return rest
  const whole =
    typeof packets === 'string' ? packetsSchema.parse(packets === 'memory' ? {} : { file: packets }) : packets
  if (typeof whole === 'string') return rest
  const { file, ...options } = whole
  return { ...rest, packets: file === undefined ? options : { ...options, file: resolve(baseDir, file) } }
}

/** Adds the offset to the port, and makes zone files absolute. */
function resolveDns(dns: LabConfig['dns'], portOffset: number, baseDir: string): Pick<LabConfig, 'dns'> {
  if (dns === undefined) return {}
  const zones = Object.entries(dns.zones).map(([name, { file, ...zone }]) => [
    name,
    file === undefined ? zone : { ...zone, file: resolve(baseDir, file) },
  ])
  return {
    dns: {
      ...dns,
      port: dns.port === 0 ? 0 : dns.port + portOffset,
      zones: Object.fromEntries(zones) as NonNullable<LabConfig['dns']>['zones'],
    },
  }
}

type ServiceConfig = NonNullable<LabConfig['certificates']['service']>
type DnsSource = ServiceConfig['acme']['dns']

function resolveService(service: ServiceConfig, portOffset: number, baseDir: string): ServiceConfig {
  const { port, tlsPort, acme } = service
  return {
    ...service,
    port: port === 0 ? 0 : port + portOffset,
    tlsPort: offsetBy(tlsPort, portOffset),
    acme: { ...acme, dns: resolveProgram(acme.dns, baseDir) },
  }
}

/** Makes the path of a program absolute. A name without a slash is looked up in PATH. */
function resolveProgram(source: DnsSource, baseDir: string): DnsSource {
  if (typeof source !== 'object') return source
  const [program = '', ...args] = source
  return /[/\\]/.test(program) ? [resolve(baseDir, program), ...args] : source
}

function resolveCertificates(
  { certificates, store: messages, portOffset }: LabConfig,
  baseDir: string,
): ResolvedLab['certificates'] {
  const { store = isShared(messages) ? DATABASE : DEFAULT_CERTIFICATES, service, default: _, ...rest } = certificates
  return {
    ...rest,
    store: isFolder(store) ? resolve(baseDir, store) : store,
    ...(service && { service: resolveService(service, portOffset, baseDir) }),
  }
}

/** Returns whether certificates are in a folder. */
const isFolder = (store: string): boolean => store !== 'memory' && store !== DATABASE

/** Returns the folder of the certificates. Undefined if they are in memory or in a database. */
export const certificateFolder = ({ store }: ResolvedLab['certificates']): string | undefined =>
  isFolder(store) ? store : undefined

const resolveFeed = (feed: FeedConfig, baseDir: string): FeedConfig => ({ ...feed, ...authorityOf(feed, baseDir) })

/** Returns the port of the smart host of a connector. */
export const smartHostPort = (
  { port, implicitTls }: Pick<SmartHostConfig, 'port' | 'implicitTls'>,
  protocol: ConnectorConfig['protocol'],
): number => port ?? (protocol === 'lmtp' ? 24 : implicitTls ? 465 : 25)

function resolveConnector({ smartHost, ...connector }: ConnectorConfig, baseDir: string): ResolvedConnector {
  const resolved = { ...connector, ...authorityOf(connector, baseDir) }
  if (smartHost === undefined) return resolved
  return {
    ...resolved,
    smartHost: { ...smartHost, port: smartHostPort(smartHost, connector.protocol), ...authorityOf(smartHost, baseDir) },
  }
}

/** Returns whether an authority is a file: it has a slash or the extension of a certificate. */
export const isFileName = (authority: string): boolean => /[/\\]|\.(pem|crt|cer)$/i.test(authority)

/**
 * Makes the authority of another host absolute if it is a file. A text with a slash or the extension of a certificate is a
 * file; any other text is the name of an authority.
 */
function authorityOf({ authority }: { readonly authority?: string | undefined }, baseDir: string) {
  if (authority === undefined) return {}
  return { authority: isFileName(authority) ? resolve(baseDir, authority) : authority }
}
