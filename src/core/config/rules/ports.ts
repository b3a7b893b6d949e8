import { isIPv4 } from 'node:net'
import type { Mistake, Path } from '../mistakes.ts'
import { type Port, portsOf, virtualServerName } from '../resolve.ts'
import type { LabConfig, VirtualServerConfig } from '../schema.ts'
import { eachServer, type Rule } from './rule.ts'

/** Rules about the list of virtual servers, their names and ports. */
export const portRules: readonly Rule[] = [
  function* noServers({ virtualServers }) {
    if (virtualServers.length > 0) return
    yield {
      path: ['virtualServers'],
      message:
        'is an empty list, so nothing would listen; add virtual servers, or remove the key to get one for each protocol',
    }
  },

  eachServer(function* nothingOpen(server, at, config) {
    const { port, tlsPort } = portsOf(server, config.portOffset)
    if (port !== 'off' || tlsPort !== 'off') return
    const key = server.port === 'off' ? 'port' : 'tlsPort'
    yield {
      path: [...at, key],
      message: 'port and tlsPort are both off; give one of them a number, or remove the virtual server',
    }
  }),

  eachServer(function* lmtpOnPort25({ protocol, port }, at) {
    if (protocol !== 'lmtp' || port !== 25) return
    // RFC 2033 section 5
    yield {
      path: [...at, 'port'],
      message: 'is the port of SMTP, where LMTP must not be served; write another port, such as 24',
    }
  }),

  eachServer(function* portAbove65535(server, at, config) {
    for (const [key, port] of Object.entries(portsOf(server, config.portOffset))) {
      if (port !== 'off' && port > 65535) {
        yield { path: [...at, key], message: `with portOffset ${config.portOffset} is ${port}; ports end at 65535` }
      }
    }
  }),

  function* sameNames({ virtualServers }) {
    const seen = new Map<string, number>()
    for (const [index, server] of virtualServers.entries()) {
      const name = virtualServerName(server)
      const first = seen.get(name.toLowerCase())
      if (first === undefined) seen.set(name.toLowerCase(), index)
      else yield { path: ['virtualServers', index, 'name'], ...sameName(server, name, first) }
    }
  },

  function* samePorts(config) {
    const taken: Taken[] = []
    const servers = config.virtualServers.flatMap((server, index) => listening(server, index, config.portOffset))
    for (const mine of [...servers, ...dnsPort(config)]) {
      const other = taken.find((it) => it.port === mine.port && overlap(it.address, mine.address))
      if (other) {
        yield {
          path: mine.path,
          message: `${mine.address} port ${mine.port} is taken by {other}; choose another port or address`,
          other: other.path,
        }
      }
      taken.push(mine)
    }
  },

  function* dnsPortAbove65535({ dns, portOffset }) {
    if (dns === undefined || dns.port === 0 || dns.port + portOffset <= 65535) return
    yield {
      path: ['dns', 'port'],
      message: `with portOffset ${portOffset} is ${dns.port + portOffset}; ports end at 65535`,
    }
  },
]

function sameName(server: VirtualServerConfig, name: string, first: number): Omit<Mistake, 'path'> {
  const clash = `"${name}" is already the name of {other}`
  const other = ['virtualServers', first]
  if (server.name !== undefined) return { message: `${clash}; names must differ`, other }
  return { message: `is missing, and the default ${clash}; name one of the two`, onKey: true, other }
}

interface Taken {
  readonly path: Path
  readonly address: string
  readonly port: number
}

function listening(server: VirtualServerConfig, index: number, portOffset: number): Taken[] {
  const ports: [string, Port][] = Object.entries(portsOf(server, portOffset))
  return ports.flatMap(([key, port]) =>
    typeof port === 'number' && port !== 0
      ? [{ path: ['virtualServers', index, key], address: server.address, port }]
      : [],
  )
}

const dnsPort = ({ dns, portOffset }: LabConfig): Taken[] =>
  dns === undefined || dns.port === 0
    ? []
    : [{ path: ['dns', 'port'], address: dns.address, port: dns.port + portOffset }]

/** Returns whether two addresses overlap, so that only one socket can listen on both with the same port. */
function overlap(a: string, b: string): boolean {
  const [x, y] = [a, b].map((address) => (address === 'localhost' ? '127.0.0.1' : address)) as [string, string]
  const covers = (all: string, one: string): boolean => all === '::' || (all === '0.0.0.0' && isIPv4(one))
  return x === y || covers(x, y) || covers(y, x)
}
