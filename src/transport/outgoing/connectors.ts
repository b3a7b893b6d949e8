import { foldDomain, splitAddress } from '../../accounts/directory/names.ts'
import type { ForwardRule } from '../../core/config/schema.ts'
import { headerFields, unfoldValue } from '../../mail/format/headers.ts'
import { anyMatches, type Filtered, matchesFilters, matchesRecipient } from './filters.ts'
import { OutgoingRefused, type ResolvedConnector } from './types.ts'

/** The configuration of outgoing mail. */
export interface ConnectorRules {
  readonly connectors: readonly ResolvedConnector[]
  readonly forwardRules: readonly ForwardRule[]
  /** The lab's name in Received fields. */
  readonly hostname: string
  /** Returns whether the lab delivers the mail of a domain itself. */
  readonly isLocalDomain: (domain: string) => boolean
}

/** A message with so many Received fields is in a loop. RFC 5321 section 6.3 asks for at least 100. */
const MAX_HOPS = 100
/** A message with so many Received fields of the lab itself is in a loop, too. Forward rules may pass it twice. */
const MAX_OWN_HOPS = 5

/**
 * Returns the connector for a recipient: of those whose filters match, the first with the most specific domain. Undefined for
 * recipients of the lab itself.
 */
export function connectorFor(rules: ConnectorRules, message: Filtered, address: string): ResolvedConnector | undefined {
  const domain = foldDomain(splitAddress(address).domain)
  if (domain === '' || rules.isLocalDomain(domain)) return undefined
  const candidates = rules.connectors
    .map((connector) => ({ connector, rank: rankOf(connector, domain) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank)
  return candidates.find(
    ({ connector: { filters } }) => matchesRecipient(filters, address) && matchesFilters(filters, message),
  )?.connector
}

/**
 * Returns the connector by which something other than mail is sent to a domain by DNS: the one with the most specific domain.
 * Connectors with filters leave other mail to the next ones.
 */
export function dnsConnectorFor(
  connectors: readonly ResolvedConnector[],
  domain: string,
): ResolvedConnector | undefined {
  const [found] = connectors
    .map((connector) => ({ connector, rank: rankOf(connector, foldDomain(domain)) }))
    .filter(({ connector, rank }) => rank >= 0 && (sendsByDns(connector) || !connector.filters))
    .sort((a, b) => b.rank - a.rank)
  return found && sendsByDns(found.connector) ? found.connector : undefined
}

const sendsByDns = ({ route, when }: ResolvedConnector): boolean => route === 'dns' && when !== 'never'

/** Returns how specific a connector's patterns are for a domain; negative: none matches. */
const rankOf = ({ domains }: ResolvedConnector, domain: string): number =>
  Math.max(...domains.map((pattern) => patternRank(pattern, domain)))

function patternRank(pattern: string, domain: string): number {
  if (pattern === '*') return 0
  if (pattern.startsWith('*.')) return domain.endsWith(pattern.slice(1)) ? pattern.length : -1
  return foldDomain(pattern) === domain ? Number.POSITIVE_INFINITY : -1
}

/**
 * Returns the hosts that have received a message, the first one first, if it is in a loop; else undefined.
 * @param hostname the name of the lab, which several Received fields of a loop contain
 */
export function loopOf(header: Buffer, hostname: string): readonly string[] | undefined {
  const hosts = headerFields(header)
    .filter(({ nameLower }) => nameLower === 'received')
    .map((field) => /\bby\s+([^\s;()]+)/i.exec(unfoldValue(header, field))?.[1]?.toLowerCase() ?? '?')
  // Many programs call themselves localhost.
  const own = hostname === 'localhost' ? 0 : hosts.filter((host) => host === hostname.toLowerCase()).length
  return hosts.length >= MAX_HOPS || own >= MAX_OWN_HOPS ? hosts.reverse() : undefined
}

/** Returns the connector with a name. @throws OutgoingRefused if it does not exist, or never sends */
export function connectorNamed({ connectors }: ConnectorRules, name: string, address: string): ResolvedConnector {
  const found = connectors.find((connector) => connector.name.toLowerCase() === name.toLowerCase())
  if (!found) throw new OutgoingRefused(address, `the configuration has no connector ${name}`)
  checkSends(found, address)
  return found
}

/** Returns the connector that sends a message on request. @throws OutgoingRefused with the reason if none does */
export function connectorToRelease(rules: ConnectorRules, message: Filtered, address: string): ResolvedConnector {
  const { domain } = splitAddress(address)
  if (domain === '' || rules.isLocalDomain(domain)) {
    throw new OutgoingRefused(address, `${address} is an address of the lab itself; name the connector that sends it`)
  }
  const loop = loopOf(message.header, rules.hostname)
  if (loop) throw new OutgoingRefused(address, `the message is in a loop: ${loop.join(' → ')}`)
  const found = connectorFor(rules, message, address)
  if (!found)
    throw new OutgoingRefused(address, `no connector takes mail for ${address}; add one under outgoing.connectors`)
  checkSends(found, address)
  return found
}

function checkSends({ name, when }: ResolvedConnector, address: string): void {
  if (when === 'never') throw new OutgoingRefused(address, `the connector ${name} sends no mail (when: never)`)
}

/** Returns why the lists of a connector forbid a recipient; undefined if they do not. */
export function forbiddenBy({ name, allow, deny }: ResolvedConnector, address: string): string | undefined {
  const rule = deny.find((pattern) => anyMatches([pattern], address))
  if (rule !== undefined) return `the connector ${name} sends nothing to ${address} (deny: ${rule})`
  if (allow && !anyMatches(allow, address)) return `the connector ${name} does not send to ${address} (not in allow)`
  return undefined
}
