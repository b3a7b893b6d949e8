import { isLoopback } from '../../network/ip-address.ts'
import type { Mistake, Path } from '../mistakes.ts'
import { portsOf, smartHostPort, virtualServerName } from '../resolve.ts'
import type { ConnectorConfig, ForwardRule, LabConfig } from '../schema.ts'
import { accountCheck, findRepeated, type Rule } from './rule.ts'

/** Creates a rule that checks each connector. */
const eachConnector = (find: (connector: ConnectorConfig, at: Path, config: LabConfig) => Iterable<Mistake>): Rule =>
  function* (config) {
    for (const [index, connector] of config.outgoing.connectors.entries())
      yield* find(connector, ['outgoing', 'connectors', index], config)
  }

const isVerified = (level: string): boolean => level === 'verify' || level === 'secure'

/** Returns whether a host is the address that a virtual server listens on. */
const isReachedAt = (address: string, host: string): boolean =>
  address === host || (isLoopback(host) && (address === '0.0.0.0' || address === '::' || host === 'localhost'))

/** Rules about connectors and forward rules. */
export const connectorRules: readonly Rule[] = [
  function* sameConnectors({ outgoing: { connectors } }) {
    yield* findRepeated(
      connectors.map(({ name }, index) => ({ text: name, path: ['outgoing', 'connectors', index, 'name'] })),
    )
  },

  eachConnector(function* nextHost({ smartHost, route, tls, authority, resolver }, at) {
    if (smartHost && route) {
      yield { path: [...at, 'route'], message: 'the connector has a smartHost too; keep one of the two keys' }
    }
    if (!smartHost && !route) {
      yield { path: at, message: 'names no next host; add smartHost: { host: HOST }, or route: dns' }
    }
    if (!smartHost) return
    for (const [key, value] of Object.entries({ tls, authority })) {
      if (value === undefined) continue
      yield { path: [...at, key], message: `has no effect with a smartHost; write smartHost.${key}` }
    }
    if (resolver !== undefined && smartHost.tls !== 'dane') {
      yield { path: [...at, 'resolver'], message: 'has no effect with a smartHost without tls: dane; remove it' }
    }
  }),

  eachConnector(function* lmtp({ protocol, smartHost }, at) {
    if (protocol !== 'lmtp') return
    if (!smartHost)
      yield { path: [...at, 'protocol'], message: 'lmtp works only with a smartHost; add smartHost: { host: HOST }' }
    // RFC 2033 section 5
    else if (smartHost.port === 25)
      yield {
        path: [...at, 'smartHost', 'port'],
        message: 'is 25, which LMTP must never use; write another port, such as 24',
      }
  }),

  eachConnector(function* ownPort({ protocol, smartHost }, at, { virtualServers, portOffset }) {
    const own = virtualServers.find((server) => {
      if (server.protocol !== protocol || !smartHost || !isReachedAt(server.address, smartHost.host)) return false
      return Object.values(portsOf(server, portOffset)).includes(smartHostPort(smartHost, protocol))
    })
    if (!own) return
    const message = `is ${virtualServerName(own)} of this lab, so mail would loop; name another host`
    yield { path: [...at, 'smartHost', smartHost?.port === undefined ? 'host' : 'port'], message }
  }),

  eachConnector(function* noDns({ route, smartHost, resolver }, at, { dns }) {
    if (dns !== undefined || resolver !== undefined) return
    const cure = 'add resolver: ADDRESS:PORT to the connector, or dns to the lab'
    if (route === 'dns') yield { path: [...at, 'route'], message: `is dns, but there is no DNS server to ask; ${cure}` }
    if (smartHost?.tls !== 'dane') return
    yield { path: [...at, 'smartHost', 'tls'], message: `is dane, but there is no DNS server to ask; ${cure}` }
  }),

  eachConnector(function* unverified({ smartHost }, at) {
    if (!smartHost || isVerified(smartHost.tls)) return
    for (const key of ['authority', 'names'] as const) {
      if (smartHost[key] === undefined) continue
      yield {
        path: [...at, 'smartHost', key],
        message: `has no effect with tls: ${smartHost.tls}, which verifies no name; write tls: verify`,
      }
    }
  }),

  eachConnector(function* plainImplicitTls({ smartHost }, at) {
    if (!smartHost?.implicitTls || smartHost.tls !== 'none') return
    yield {
      path: [...at, 'smartHost', 'implicitTls'],
      message: 'needs TLS, but tls is none; write tls: encrypt or tls: verify',
    }
  }),

  eachConnector(function* credentials({ smartHost }, at) {
    const { user, password, accessToken } = smartHost ?? {}
    const path = [...at, 'smartHost', 'user']
    if (user === undefined && (password !== undefined || accessToken !== undefined)) {
      const key = password === undefined ? 'accessToken' : 'password'
      yield { path: [...at, 'smartHost', key], message: 'has no effect without user; add it' }
    }
    if (user !== undefined && password === undefined && accessToken === undefined) {
      yield { path, message: 'needs a password or an accessToken; add one of them' }
    }
    if (password !== undefined && accessToken !== undefined) {
      yield { path: [...at, 'smartHost', 'accessToken'], message: 'a password is set too; keep one of the two keys' }
    }
  }),

  eachConnector(function* ownDomains({ domains }, at, { domain }) {
    const index = domains.indexOf(domain.toLowerCase())
    if (index === -1) return
    yield {
      path: [...at, 'domains', index],
      message: `${domain} is the domain of the lab, which delivers its mail itself; remove it`,
    }
  }),

  eachConnector(function* takenDomains({ domains }, at, { outgoing }) {
    const earlier = outgoing.connectors.slice(0, Number(at.at(-1))).filter(({ filters }) => filters === undefined)
    for (const [index, domain] of domains.entries()) {
      const taker = earlier.find((other) => other.domains.includes(domain))
      if (!taker) continue
      yield {
        path: [...at, 'domains', index],
        message: `${domain} is never used, because the connector ${taker.name} above takes all its mail; add filters there, or remove the domain from one of the two`,
      }
    }
  }),

  eachConnector(function* uselessKeys({ when, keepCopy }, at) {
    if (keepCopy || when === 'automatic') return
    yield {
      path: [...at, 'keepCopy'],
      message: `has no effect with when: ${when}; write when: automatic, or remove it`,
    }
  }),

  eachConnector(function* certificates({ certificate }, at, { virtualServers }) {
    const server = virtualServers.find((one) => virtualServerName(one) === certificate)
    if (server?.certificate.kind !== 'none') return
    yield {
      path: [...at, 'certificate'],
      message: `${certificate} has no certificate; name another virtual server, or a certificate of the store`,
    }
  }),

  eachConnector(function* filters(connector, at, config) {
    yield* filterMistakes(connector, at, config)
  }),

  function* forwardRules(config) {
    for (const [index, rule] of config.mail.forwardRules.entries()) {
      const at = ['mail', 'forwardRules', index]
      yield* filterMistakes(rule, at, config)
      yield* destinationMistakes(rule, at, config)
    }
  },
]

function* filterMistakes(
  { filters }: Pick<ConnectorConfig, 'filters'>,
  at: Path,
  { directory }: LabConfig,
): Iterable<Mistake> {
  if (!filters) return
  const path = [...at, 'filters']
  if (Object.values(filters).every((value) => value === undefined)) {
    yield { path, message: 'is empty; add from, to, header or account, or remove it' }
  }
  const unknown = accountCheck(directory)
  for (const [index, name] of filters.account?.entries() ?? [])
    if (!name.includes('*')) yield* unknown(name, [...path, 'account', index])
}

function* destinationMistakes(rule: ForwardRule, at: Path, { outgoing, domain }: LabConfig): Iterable<Mistake> {
  const { connector, to } = rule
  const { connectors } = outgoing
  if (connector !== undefined && !connectors.some(({ name }) => name === connector)) {
    yield { path: [...at, 'connector'], message: `${connector} is not one of outgoing.connectors; add it` }
  }
  if (connector !== undefined) return
  for (const [index, address] of to.entries()) {
    const own = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    if (own === domain.toLowerCase()) {
      const message = `${address} is an address of the lab itself; to send its mail out, name the connector`
      yield { path: [...at, 'to', index], message }
    } else if (!connectors.some(({ domains }) => domains.some((pattern) => domainMatches(pattern, own)))) {
      yield { path: [...at, 'to', index], message: `no connector sends to ${own}; add it to the domains of one` }
    }
  }
}

/** Returns whether `*`, `*.example.test` or a domain stands for a domain. */
const domainMatches = (pattern: string, domain: string): boolean =>
  pattern === '*' || pattern === domain || (pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)))
