import type { VirtualServerInput } from '../../../core/config/schema.ts'
import { serverOf } from '../draft.ts'
import { port, webAddress } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { listenOn, portOf } from '../values.ts'

/** The servers of GreenMail, each with its protocol in the lab and its port. */
const protocols = {
  smtp: { protocol: 'smtp', port: 25, isSecure: false },
  smtps: { protocol: 'smtp', port: 465, isSecure: true },
  pop3: { protocol: 'pop3', port: 110, isSecure: false },
  pop3s: { protocol: 'pop3', port: 995, isSecure: true },
  imap: { protocol: 'imap4', port: 143, isSecure: false },
  imaps: { protocol: 'imap4', port: 993, isSecure: true },
} as const satisfies Record<string, { protocol: VirtualServerInput['protocol']; port: number; isSecure: boolean }>

type Name = keyof typeof protocols
const names = Object.keys(protocols) as Name[]

/** Added to the ports of a test setup. */
const TEST_OFFSET = 3_000

/** Adds a server. One that takes TLS is apart, so that the other does not offer STARTTLS. */
function addServer(draft: Draft, name: Name, port: number): void {
  const { protocol, isSecure } = protocols[name]
  draft.servers.set(name, {
    name: `GreenMail ${name.toUpperCase()}`,
    protocol,
    address: serverOf(draft, 'http').address,
    ...(isSecure ? { port: 'off', tlsPort: port, certificate: 'auto' } : { port, tlsPort: 'off', certificate: 'none' }),
    authentication: protocol === 'smtp' ? ['anonymous', 'plain', 'login'] : ['basic'],
  })
}

const setup = (draft: Draft, name: Name, kind: 'test' | 'default'): void =>
  addServer(draft, name, protocols[name].port + (kind === 'test' ? TEST_OFFSET : 0))

/** Adds all servers. */
export function setupAll(draft: Draft, kind: 'test' | 'default'): void {
  for (const name of names) setup(draft, name, kind)
}

const portList = (kind: 'test' | 'default'): string =>
  names.map((name) => `${name} ${protocols[name].port + (kind === 'test' ? TEST_OFFSET : 0)}`).join(', ')

const setupRows = (kind: 'test' | 'default'): Setting[] => {
  const base = `-Dgreenmail.setup.${kind === 'test' ? 'test.' : ''}`
  return [
    {
      flags: [`${base}all`],
      isSwitch: true,
      becomes: `virtual servers: ${portList(kind)}`,
      apply: ({ draft }) => setupAll(draft, kind),
    },
    ...names.map(
      (name): Setting => ({
        flags: [`${base}${name}`],
        isSwitch: true,
        becomes: 'that virtual server alone',
        apply: ({ draft }) => setup(draft, name, kind),
      }),
    ),
  ]
}

const portRows = names.map(
  (name): Setting => ({
    flags: [`-Dgreenmail.${name}.port`],
    becomes: '`port` of that virtual server',
    apply: ({ draft, value }) => addServer(draft, name, portOf(value)),
  }),
)

const hostRows = names.map(
  (name): Setting => ({
    flags: [`-Dgreenmail.${name}.hostname`],
    becomes: '`address` of that virtual server',
    apply({ draft, value }) {
      const server = draft.servers.get(name)
      if (!server) throw new Error(`needs -Dgreenmail.${name}.port, or a setup with ${name}`)
      listenOn(server, value)
    },
  }),
)

/** The settings of servers and ports. The address of all comes first, because the servers that follow have it. */
export const setupSettings: readonly Setting[] = [
  webAddress('-Dgreenmail.hostname', '`address` of all virtual servers'),
  ...setupRows('default'),
  ...setupRows('test'),
  ...portRows,
  ...hostRows,
  webAddress('-Dgreenmail.api.hostname', '`address` of the HTTP virtual server, which is always there'),
  port('-Dgreenmail.api.port', 'http'),
]
