import type { ServerProtocol } from '../../core/config/schema.ts'
import type { Lab } from '../../lab/lab.ts'
import type { VirtualServerStatus } from '../../lab/virtual-servers/virtual-servers.ts'

/** A virtual server of a running lab. */
export interface LabServer {
  readonly name: string
  readonly protocol: ServerProtocol
  readonly address: string
  /** The clear-text port, with STARTTLS. @throws if it is closed */
  readonly port: number
  /** The implicit-TLS port. @throws if it is closed */
  readonly tlsPort: number
  readonly certificate: VirtualServerStatus['certificate']
  /**
   * Closes its ports, so that clients see ECONNREFUSED, until `restore` or `lab.reset`. The ports keep their numbers, and
   * open sessions continue: `lab.disconnect` ends them.
   */
  refuse(): Promise<void>
  /**
   * Makes its ports swallow connections: no answer to the client's SYN, so that it runs into its connection timeout. Lasts
   * until `restore` or `lab.reset`. Open sessions continue.
   * @throws if the system is not Linux
   */
  blackhole(): Promise<void>
  /** Opens its ports again. @throws ListenError if another program has taken one meanwhile */
  restore(): Promise<void>
}

/** Finds a virtual server by name, or the first one of a protocol. @throws if it does not exist */
export function labServer(lab: Lab, which: string): LabServer {
  const endpoints = lab.endpoints()
  const found =
    endpoints.find(({ virtualServer }) => virtualServer === which) ??
    endpoints.find(({ protocol }) => protocol === which)
  if (found) return toLabServer(lab, found)
  const names = endpoints.map(({ virtualServer, protocol }) => `${virtualServer} (${protocol})`)
  throw new Error(`no virtual server "${which}"; there are: ${names.join(', ')}`)
}

function toLabServer(lab: Lab, status: VirtualServerStatus): LabServer {
  const { virtualServer: name, protocol, address, port, tlsPort, certificate } = status
  const open = (value: number | undefined, key: string): number => {
    if (value === undefined) throw new Error(`the ${key} of ${name} is closed`)
    return value
  }
  return {
    name,
    protocol,
    address,
    certificate,
    get port() {
      return open(port, 'port')
    },
    get tlsPort() {
      return open(tlsPort, 'tlsPort')
    },
    refuse: () => lab.reach(name, 'refused'),
    blackhole: () => lab.reach(name, 'blackholed'),
    restore: () => lab.reach(name, 'open'),
  }
}
