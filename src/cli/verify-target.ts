import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import { findSockets } from '../lab/control/socket-path.ts'
import { endpointsOf } from '../verify/targets.ts'
import { storedRoots } from './certificate-store.ts'
import { reachable } from './check.ts'
import { loadConfiguration } from './configuration.ts'
import { UsageError } from './failure.ts'
import { passwordOf } from './files.ts'
import { labStatus, runtimePlaces } from './running-labs.ts'
import type { Target, VerifyCommandOptions } from './verify.ts'

/**
 * Every endpoint of the configuration. A lab that runs it knows best which ports it holds and which root it has; where
 * none can be asked, the file says.
 * @throws ConfigError UsageError PkiError
 */
export async function labTarget(options: VerifyCommandOptions): Promise<Target> {
  const configuration = await loadConfiguration(options)
  const { lab } = configuration
  const [socket] = await findSockets(configuration.identity, runtimePlaces())
  const status = socket === undefined ? undefined : await labStatus(socket)
  const wanted = lab.virtualServers.filter(({ protocol }) => options.protocol?.includes(protocol) ?? true)
  const endpoints = wanted.flatMap((server) => {
    const running = status?.endpoints.find(({ virtualServer }) => virtualServer === server.name)
    const ports = running ?? configuredPorts(server)
    return endpointsOf(server, ports, reachable(server.address), options.serverName ?? lab.hostname)
  })
  return {
    endpoints,
    ca: status && status.ca !== '' ? [status.ca] : await storedRoots(configuration),
    ...(await logOn(options, lab)),
  }
}

function configuredPorts({ port, tlsPort, certificate }: ResolvedVirtualServer) {
  return {
    port: port === 'off' ? undefined : port,
    tlsPort: tlsPort === 'off' || certificate.kind === 'assigned' ? undefined : tlsPort,
  }
}

/** The user's log-on; the configuration knows passwords and addresses. */
async function logOn(
  options: VerifyCommandOptions,
  lab: ResolvedLab,
): Promise<Pick<Target, 'credentials' | 'mailbox' | 'newsgroup'>> {
  const { user, newsgroup } = options
  if (user === undefined) return {}
  const account = lab.directory.accounts.find((one) => one.user === user)
  const password = (await passwordOf(options)) ?? account?.password
  if (password === undefined) throw new UsageError(`no password for ${user}: --password or --password-file`)
  const group = newsgroup ?? lab.newsgroups.find(({ posting }) => posting === 'yes')?.name
  return {
    credentials: { user, password },
    mailbox: options.mailbox ?? account?.addresses[0] ?? (user.includes('@') ? user : `${user}@${lab.domain}`),
    ...(group === undefined ? {} : { newsgroup: group }),
  }
}
