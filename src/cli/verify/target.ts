import { type Endpoint, endpointsOf, hostEndpoints, type VerifyOptions } from '../../checks/verify/index.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { type FaultProtocol, protocols } from '../../core/config/schema/protocol.ts'
import { reachableAddress } from '../../core/network/ip-address.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { storedLists, storedRoots } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, loadConfiguration } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { passwordOf } from '../shared/files.ts'
import { controlSockets, labStatus } from '../shared/running-labs.ts'

/** Options that select what `sealpost verify` connects to. */
export interface TargetOptions extends ConfigurationOptions {
  readonly protocol?: readonly FaultProtocol[]
  readonly port?: number
  readonly tls?: boolean
  readonly starttls?: boolean
  readonly serverName?: string
  readonly requireSecureChannel?: boolean
  readonly user?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly mailbox?: string
  readonly newsgroup?: string
}

/** The endpoints to verify, with the roots and the account to use. */
export interface Target extends Pick<VerifyOptions, 'credentials' | 'mailbox' | 'newsgroup' | 'ca' | 'lists'> {
  readonly endpoints: readonly Endpoint[]
  /** The control socket of the running lab. */
  readonly control?: string
  readonly mailDomain?: string
}

/**
 * Returns every port of the configuration. A running lab knows its actual ports and its root; without one, those of the
 * file are used.
 * @throws ConfigError, UsageError, PkiError
 */
export async function labTarget(options: TargetOptions): Promise<Target> {
  const { port, tls, starttls, requireSecureChannel } = options
  for (const [option, value] of Object.entries({ port, tls, starttls, 'require-secure-channel': requireSecureChannel }))
    if (value !== undefined)
      throw new UsageError(`--${option} works only with a host; add the host, or leave out --${option}`)
  const configuration = await loadConfiguration(options)
  const { lab } = configuration
  const [socket] = await controlSockets(configuration.identity)
  const status = socket === undefined ? undefined : await labStatus(socket)
  const wanted = lab.virtualServers.filter(({ protocol }) => options.protocol?.includes(protocol) ?? true)
  const endpoints = wanted.flatMap((server) => {
    const running = status?.endpoints.find(({ virtualServer }) => virtualServer === server.name)
    const ports = running ?? configuredPorts(server)
    return endpointsOf(server, ports, reachableAddress(server.address), options.serverName ?? lab.hostname)
  })
  return {
    endpoints,
    ca: status && status.ca !== '' ? [status.ca] : await storedRoots(configuration),
    lists: await storedLists(configuration),
    ...(await labCredentials(options, lab)),
    ...(socket === undefined ? {} : { control: socket }),
    mailDomain: lab.domain,
  }
}

function configuredPorts({ port, tlsPort, certificate }: ResolvedVirtualServer) {
  return {
    port: port === 'off' ? undefined : port,
    tlsPort: tlsPort === 'off' || certificate.kind === 'assigned' ? undefined : tlsPort,
  }
}

/** Returns the account, mailbox and newsgroup for the test messages: from the options or, if missing, from the configuration. */
async function labCredentials(
  options: TargetOptions,
  lab: ResolvedLab,
): Promise<Pick<Target, 'credentials' | 'mailbox' | 'newsgroup'>> {
  const { user, newsgroup } = options
  if (user === undefined) return {}
  const account = lab.directory.accounts.find((one) => one.user === user)
  const password = (await passwordOf(options)) ?? account?.password
  if (password === undefined) {
    throw new UsageError(`the password of ${user} is not in the configuration; give --password or --password-file`)
  }
  const group = newsgroup ?? lab.news.groups.find(({ posting }) => posting === 'yes')?.name
  return {
    credentials: { user, password },
    mailbox: options.mailbox ?? account?.addresses[0] ?? (user.includes('@') ? user : `${user}@${lab.domain}`),
    ...(group === undefined ? {} : { newsgroup: group }),
  }
}

/** Returns the ports of any server. @throws UsageError */
export async function hostTarget(host: string, options: TargetOptions): Promise<Target> {
  const { protocol, port, tls, starttls, serverName, user, mailbox, newsgroup } = options
  if (tls && starttls) throw new UsageError('give --tls or --starttls, not both')
  if (starttls && protocol?.some((one) => one === 'http' || one === 'jmap'))
    throw new UsageError('HTTP has no STARTTLS; leave --starttls out')
  if (port !== undefined && protocol?.length !== 1)
    throw new UsageError('--port needs exactly one protocol; add --protocol NAME')
  const implicitTls = tls ? true : starttls ? false : undefined
  const wanted = protocol ?? protocols
  const requireSecureChannel = options.requireSecureChannel ?? false
  const endpoints = hostEndpoints(
    omitUndefined({ host, protocols: wanted, requireSecureChannel, port, implicitTls, serverName }),
  )
  const password = await passwordOf(options)
  if (user !== undefined && password === undefined)
    throw new UsageError('--user needs a password; give --password or --password-file')
  const credentials = user !== undefined && password !== undefined ? { user, password } : undefined
  return { endpoints, ...omitUndefined({ credentials, mailbox, newsgroup }) }
}
