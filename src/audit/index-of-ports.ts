import { protocols } from '../config/schema.ts'
import { badServers, hostnameOf } from './bad-servers.ts'
import { type BadPort, type BadServer, forms } from './types.ts'

/** The first port; each server has ten: two a protocol, STARTTLS and implicit TLS. */
const FIRST_PORT = 20_000
const PORTS_EACH = 10

export const virtualServerName = (name: string, protocol: string): string => `${name} ${protocol}`

/** Every port of `config/badmail.yaml`: name, port, and what a safe client must do. */
export const badPorts: readonly BadPort[] = badServers.flatMap((server, row) => portsOf(server, row))

function portsOf(server: BadServer, row: number): BadPort[] {
  return protocols.flatMap((protocol, column) =>
    forms.flatMap((form, n) => {
      if (server.protocols?.includes(protocol) === false || server.forms?.includes(form) === false) return []
      const { name, meaning, expectation } = server
      return {
        name,
        meaning,
        expectation,
        protocol,
        form,
        hostname: hostnameOf(name),
        port: FIRST_PORT + row * PORTS_EACH + column * 2 + n,
        virtualServer: virtualServerName(name, protocol),
        needsOwnName: server.needsOwnName ?? false,
      }
    }),
  )
}
