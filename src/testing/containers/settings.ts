import { load } from '../../core/config/load.ts'
import { ConfigError, locateByPath } from '../../core/config/mistakes.ts'
import type { Port } from '../../core/config/resolve.ts'
import { type LabInput, protocols, type ServerProtocol, type VirtualServerInput } from '../../core/config/schema.ts'
import { loadText, parseYamlValue } from '../../core/config/yaml.ts'

/** Where a virtual server listens in the container. */
interface Endpoint {
  readonly name: string
  readonly protocol: ServerProtocol
  readonly port: Port
  readonly tlsPort: Port
}

/** The container's endpoints, and the configuration if it is not the image's. */
export interface Settings {
  readonly config?: LabInput
  readonly endpoints: readonly Endpoint[]
  /** The clear-text port of the HTTP API. */
  readonly apiPort: number
}

const API_PORT = 8025
const API_TLS_PORT = 8443
const API_NAME = 'Testcontainers HTTP Virtual Server'

/** The names in the certificates of the image, which other containers use. */
export const IMAGE_NAMES: readonly string[] = ['sealpost', 'mail']

/** The image without `withConfiguration`: the virtual servers of docker/config.yaml. */
export const IMAGE_SETTINGS: Settings = {
  endpoints: [
    { name: 'Default SMTP Virtual Server', protocol: 'smtp', port: 25, tlsPort: 'off' },
    { name: 'Submission SMTP Virtual Server', protocol: 'smtp', port: 587, tlsPort: 465 },
    { name: 'Default POP3 Virtual Server', protocol: 'pop3', port: 110, tlsPort: 995 },
    { name: 'Default IMAP4 Virtual Server', protocol: 'imap4', port: 143, tlsPort: 993 },
    { name: 'Default NNTP Virtual Server', protocol: 'nntp', port: 119, tlsPort: 563 },
    { name: 'Default HTTP Virtual Server', protocol: 'http', port: API_PORT, tlsPort: API_TLS_PORT },
  ],
  apiPort: API_PORT,
}

/**
 * Checks a configuration and completes it for a container: all addresses, certificates in memory, and an HTTP virtual
 * server if it has none that can be used.
 * @throws ConfigError with every mistake; TypeError for an argument that is no configuration
 */
export function containerSettings(configuration: string | LabInput): Settings {
  const input = inputOf(configuration)
  const servers: VirtualServerInput[] = input.virtualServers ?? protocols.map((protocol) => ({ protocol }))
  const apiServer = { name: API_NAME, protocol: 'http', port: API_PORT, tlsPort: API_TLS_PORT } as const
  const complete = (virtualServers: VirtualServerInput[]): LabInput => ({
    certificates: 'memory',
    ...input,
    virtualServers: virtualServers.map((server) => ({ address: '0.0.0.0', ...server })),
  })
  // The second has an endpoint of the API in any case.
  return described(complete(servers)) ?? (described(complete([...servers, apiServer])) as Settings)
}

/** Returns the settings of a configuration, or undefined if the API cannot be reached in clear text. @throws ConfigError */
function described(config: LabInput): Settings | undefined {
  const { virtualServers } = load(config, '/', [], locateByPath).lab
  const free = virtualServers.filter(({ port, tlsPort }) => port === 0 || tlsPort === 0)
  if (free.length > 0)
    throw new ConfigError(
      free.map(({ name }) => `${name}: port 0 takes a free port, which a container cannot publish; leave it out`),
    )
  const endpoints = virtualServers.map(({ name, protocol, port, tlsPort }) => ({ name, protocol, port, tlsPort }))
  const api = virtualServers.find(
    ({ protocol, port, requireSecureChannel }) => protocol === 'http' && port !== 'off' && !requireSecureChannel,
  )
  return typeof api?.port === 'number' ? { config, endpoints, apiPort: api.port } : undefined
}

/** Returns a configuration as an object. @throws ConfigError with lines and columns for a YAML text */
function inputOf(configuration: string | LabInput): LabInput {
  if (typeof configuration !== 'string') return configuration
  if (/^\S+\.ya?ml$/i.test(configuration.trim()))
    throw new TypeError(
      `withConfiguration: takes a YAML text or an object; for a file: withConfiguration(readFileSync('${configuration.trim()}', 'utf8'))`,
    )
  loadText(configuration, 'withConfiguration', '/')
  return (parseYamlValue(configuration) ?? {}) as LabInput
}
