import { isMailProtocol } from '../../core/config/schema/protocol.ts'
import {
  type PresentInput,
  protocols,
  type ServerProtocol,
  serverProtocols,
  type VirtualServerInput,
} from '../../core/config/schema.ts'
import { badServers, controlServer, hostnameOf } from './bad-servers.ts'
import { type BadPort, type BadServer, type Form, forms } from './types.ts'

/** The account that clients use. */
export const ACCOUNT = { user: 'alice', password: 'secret' } as const

/**
 * Returns the configuration of a lab with the bad servers of the given ports.
 * @param portOf returns the port to listen on: that of the index, or 0
 */
export function badLab(ports: readonly BadPort[], portOf: (port: BadPort) => number) {
  const wanted = groupByServer(ports)
  const servers = [...wanted].map(([virtualServer, its]) => virtualServerOf(virtualServer, its, portOf))
  return {
    // The certificates name this host for OCSP and revocation lists, and names below it may not resolve.
    hostname: 'localhost',
    domain: 'lab.test',
    certificates: { store: 'memory', key: 'rsa-2048', service: { port: 0 } },
    directory: { mode: 'listed', accounts: [ACCOUNT] },
    news: { groups: [{ name: 'lab.general' }] },
    testing: { faults: [...wanted.values()].flatMap(faultsOf) },
    virtualServers: servers,
  } satisfies PresentInput
}

function groupByServer(ports: readonly BadPort[]): Map<string, BadPort[]> {
  const groups = new Map<string, BadPort[]>()
  for (const port of ports) groups.set(port.virtualServer, [...(groups.get(port.virtualServer) ?? []), port])
  return groups
}

function virtualServerOf(
  name: string,
  ports: readonly BadPort[],
  portOf: (port: BadPort) => number,
): VirtualServerInput {
  const portFor = (form: BadPort['form']): number | 'off' => {
    const found = ports.find((port) => port.form === form)
    return found ? portOf(found) : 'off'
  }
  const [{ protocol, name: row } = { protocol: 'smtp' as ServerProtocol, name: '' }] = ports
  const settings = serverNamed(row)?.settings ?? {}
  return { name, protocol, port: portFor('starttls'), tlsPort: portFor('implicit'), ...settings }
}

const serverNamed = (name: string): BadServer | undefined =>
  [controlServer, ...badServers].find((server) => server.name === name)

function faultsOf([port]: readonly BadPort[]): NonNullable<NonNullable<PresentInput['testing']>['faults']> {
  if (!port) return []
  const faults = serverNamed(port.name)?.faults?.(port.protocol) ?? []
  return faults.map(({ when, ...fault }) => {
    const { matching, ...conditions } = when ?? {}
    const pattern = matching === undefined ? {} : { matching: matching instanceof RegExp ? matching.source : matching }
    return { ...fault, when: { virtualServer: virtualServerName(port.name, port.protocol), ...conditions, ...pattern } }
  })
}

/** The first port. Each server has ten ports reserved: two per protocol, for STARTTLS and implicit TLS. */
export const FIRST_PORT = 20_000
const PORTS_EACH = 10
/** The ports of the protocols that are not of mail or news begin so much higher. */
const OTHERS = 1_000

const virtualServerName = (name: string, protocol: string): string => `${name} ${protocol}`

const allPorts: readonly BadPort[] = badServers.flatMap((server, row) => portsOf(server, row))

/** Every port of `config/badmail.yaml`. */
export const badPorts: readonly BadPort[] = allPorts.filter(({ protocol }) => isMailProtocol(protocol))

/** The ports of the control run. */
const controlPorts: readonly BadPort[] = portsOf(controlServer, badServers.length)

/** Which ports an audit opens. */
export interface Choice {
  /** Default: those of mail and news. */
  readonly protocols?: readonly ServerProtocol[]
  readonly forms?: readonly Form[]
  /** Names of bad servers. */
  readonly names?: readonly string[]
}

/** Returns the chosen ports; those of `config/badmail.yaml` by default. @throws Error for an unknown name */
export function chosenPorts({ protocols: chosen = protocols, forms, names }: Choice): BadPort[] {
  const unknown = names?.find((name) => !badPorts.some((port) => port.name === name))
  if (unknown !== undefined) throw new Error(`no bad server "${unknown}"; \`sealpost audit --list\` shows their names`)
  return allPorts.filter(
    (port) =>
      chosen.includes(port.protocol) && (forms?.includes(port.form) ?? true) && (names?.includes(port.name) ?? true),
  )
}

/** Returns the ports of the control runs: one for each protocol and form of the given ports. */
export const controlsFor = (ports: readonly BadPort[]): BadPort[] =>
  controlPorts.filter(({ protocol, form }) => ports.some((port) => port.protocol === protocol && port.form === form))

function portsOf(server: BadServer, row: number): BadPort[] {
  return serverProtocols.flatMap((protocol, column) =>
    forms.flatMap((form, n) => {
      const first = FIRST_PORT + row * PORTS_EACH + (isMailProtocol(protocol) ? 0 : OTHERS)
      if (protocol === 'http' && form === 'starttls') return []
      if (server.protocols?.includes(protocol) === false || server.forms?.includes(form) === false) return []
      const { name, meaning, expectation, proof } = server
      return {
        name,
        meaning,
        expectation,
        ...(proof ? { proof } : {}),
        protocol,
        form,
        hostname: hostnameOf(name),
        port: first + (column % protocols.length) * 2 + n,
        virtualServer: virtualServerName(name, protocol),
        needsOwnName: server.needsOwnName ?? false,
      }
    }),
  )
}
