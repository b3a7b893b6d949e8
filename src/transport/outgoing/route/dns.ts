import { isIP } from 'node:net'
import { DnsError } from '../../dns/errors.ts'
import type { Resolver } from '../../dns/resolver.ts'
import type { PolicyFetchError } from '../../mta-sts/fetch.ts'
import type { FoundPolicy } from '../../mta-sts/policies.ts'
import { namesMx } from '../../mta-sts/policy.ts'
import { levels } from '../client/tls-level.ts'
import {
  type NextHop,
  type ResolvedConnector,
  RouteError,
  type Router,
  type TlsFailure,
  type TlsLevel,
} from '../types.ts'
import { daneLevel, type HostTlsa, hostTlsa, type ResolverOf } from './dane.ts'
import { lookupFailed, mailExchangers } from './mail-exchangers.ts'

/** A policy that could not be applied, for TLS reports. */
export interface PolicyProblem {
  readonly domain: string
  readonly failure: TlsFailure
  readonly text: string
  readonly policy: 'dane' | 'mta-sts'
  /** The MX that it is about. Absent: the domain as a whole. */
  readonly host?: string
}

/** The parts of the lab that the router uses. */
interface DnsRouteServices {
  readonly resolverOf: ResolverOf
  readonly policyOf: (connector: ResolvedConnector, domain: string, signal: AbortSignal) => Promise<FoundPolicy>
  /** Whether a virtual server of the lab itself listens there. */
  readonly isOwn: (address: string, port: number) => boolean
  /** Keeps a problem for TLS reports. */
  readonly onProblem?: (problem: PolicyProblem) => Promise<void> | void
}

/** Creates the router of connectors with `route: dns`: MX, DANE (RFC 7672) and MTA-STS (RFC 8461). */
export const dnsRouter =
  (services: DnsRouteServices): Router =>
  async (connector, domain, signal, ignoresTlsPolicies = false) => {
    const isUnprotected = connector.tls === 'none' || ignoresTlsPolicies
    const resolver = await services.resolverOf(connector)
    const found = isIP(addressLiteral(domain) ?? '')
      ? { records: [{ preference: 0, exchange: addressLiteral(domain) as string }], authenticated: false }
      : await mailExchangers(resolver, domain, signal)
    const policy = isUnprotected ? {} : await services.policyOf(connector, domain, signal)
    if (policy.failure) await services.onProblem?.({ domain, ...problemOf(policy.failure), policy: 'mta-sts' })
    const usable: Usable[] = []
    const unusable: RouteError[] = []
    for (const { exchange, preference } of found.records) {
      const isSecureMx = found.authenticated
      const context = { services, resolver, connector, domain, policy, isSecureMx, isUnprotected, signal }
      const hop = await hopOf(exchange, context).catch(routeErrorOf)
      if (hop instanceof RouteError) unusable.push(hop)
      // RFC 5321 section 5.1: neither the lab itself nor hosts that are not preferred to it.
      else if (hop.addresses?.some((address) => services.isOwn(address, hop.port))) {
        unusable.push(loopError(domain, exchange))
        return hopsOf(
          domain,
          usable.filter((one) => one.preference < preference),
          unusable,
        )
      } else usable.push({ hop, preference })
    }
    return hopsOf(domain, usable, unusable)
  }

interface Usable {
  readonly hop: NextHop
  readonly preference: number
}

/** Rethrows every error but a RouteError. */
function routeErrorOf(error: unknown): RouteError {
  if (error instanceof RouteError) return error
  throw error
}

/** @throws RouteError if no host is left. It is permanent only if waiting helps at none of them */
function hopsOf(domain: string, usable: readonly Usable[], unusable: readonly RouteError[]): NextHop[] {
  if (usable.length > 0) return usable.map(({ hop }) => hop)
  const error = unusable.find(({ isPermanent }) => !isPermanent) ?? unusable[0]
  throw error ?? new RouteError(`${domain} has no mail host`, { isPermanent: true, enhancedCode: '5.4.4' })
}

interface HopContext {
  readonly services: DnsRouteServices
  readonly resolver: Resolver
  readonly connector: ResolvedConnector
  readonly domain: string
  readonly policy: FoundPolicy
  readonly isSecureMx: boolean
  /** Whether neither DANE nor MTA-STS applies. */
  readonly isUnprotected: boolean
  readonly signal: AbortSignal
}

/** Returns one host with the TLS level that its policies and the connector ask for. @throws RouteError */
async function hopOf(host: string, context: HopContext): Promise<NextHop> {
  const { resolver, connector, domain, isSecureMx, isUnprotected, signal, services } = context
  const { port, authority } = connector
  const addresses = isIP(host) ? literal(host) : await addressesOf(resolver, host, signal)
  const shared = { host, port, addresses: addresses.records, ...(authority === undefined ? {} : { authority }) }
  const tlsa = isSecureMx && !isUnprotected ? await tlsaOf(host, addresses, context) : undefined
  if (tlsa?.isUsable) return { ...shared, ...daneLevel(host, tlsa, [host, domain]) }
  if (connector.tls === 'dane') {
    const why = tlsa ? 'no usable TLSA records' : 'no TLSA records that DNSSEC authenticates'
    const text = `${host} has ${why}, and the connector requires DANE`
    await services.onProblem?.({ domain, failure: tlsa ? 'tlsa-invalid' : 'dane-required', text, policy: 'dane', host })
    throw insecureError(text)
  }
  const level = await levelOf(host, context)
  const isMxUnverified = !isSecureMx && level.policy !== 'mta-sts' && levels[level.tls].verifies === 'nothing'
  return { ...shared, ...(tlsa ? requireTls(level, tlsa) : level), ...(isMxUnverified && { isMxUnverified }) }
}

type Level = Pick<NextHop, 'tls' | 'names' | 'policy' | 'tlsa'>

/** Unusable records require TLS, and lower no level that verifies. RFC 7672 section 2.2. */
const requireTls = (level: Level, { records }: HostTlsa): Level =>
  levels[level.tls].verifies === 'nothing' ? { ...level, tls: 'encrypt', policy: 'dane', tlsa: records } : level

/** Returns the TLS level of a host without DANE. @throws RouteError if an enforced policy does not name it */
async function levelOf(host: string, { connector, domain, policy: { policy }, services }: HopContext): Promise<Level> {
  const own = ownLevel(host, domain, connector.tls ?? 'may')
  if (policy === undefined || policy.mode === 'none') return own
  if (!namesMx(policy, host)) {
    const text = `the MTA-STS policy of ${domain} does not name ${host}`
    await services.onProblem?.({ domain, failure: 'validation-failure', text, policy: 'mta-sts', host })
    // RFC 8461 section 5.1: a failure that may be over when the policy changes.
    if (policy.mode === 'enforce') throw insecureError(text)
    return { ...own, policy: 'mta-sts' }
  }
  const isStricter = own.tls === 'verify' || own.tls === 'secure'
  if (policy.mode === 'testing' || isStricter) return { ...own, policy: 'mta-sts' }
  return { tls: 'verify', names: [host], policy: 'mta-sts' }
}

/** Returns the level that the connector asks for. `secure` wants the name of the domain, `verify` that of the host. */
function ownLevel(host: string, domain: string, tls: TlsLevel): Level {
  const isWithin = host.toLowerCase().endsWith(`.${domain.toLowerCase()}`)
  const names = tls === 'secure' ? [domain, ...(isWithin ? [host] : [])] : [host]
  return { tls, names, policy: tls === 'may' || tls === 'none' ? 'none' : 'configured' }
}

/** @throws RouteError */
async function addressesOf(resolver: Resolver, host: string, signal: AbortSignal) {
  try {
    return await resolver.addresses(host, signal)
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    if (!error.isPermanent) throw lookupFailed(`the addresses of ${host} cannot be looked up: ${error.message}`, error)
    const options = { isPermanent: true, enhancedCode: '5.4.4', cause: error }
    throw new RouteError(`the host ${host} has no address`, options)
  }
}

/** @throws RouteError if it is not known whether DANE applies */
async function tlsaOf(
  host: string,
  addresses: { readonly authenticated: boolean; readonly canonicalName: string },
  { resolver, connector, domain, signal, services }: HopContext,
) {
  try {
    return await hostTlsa(resolver, host, connector.port, addresses, signal)
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    const text = `the TLSA records of ${host} cannot be looked up: ${error.message}`
    await services.onProblem?.({ domain, failure: 'dnssec-invalid', text, policy: 'dane', host })
    throw lookupFailed(text, error)
  }
}

const literal = (address: string) => ({ records: [address], authenticated: false, canonicalName: address })

/** Returns the address in a domain such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`. RFC 5321 section 4.1.3. */
const addressLiteral = (domain: string): string | undefined => /^\[(?:IPv6:)?(.*)\]$/i.exec(domain)?.[1]

const problemOf = ({ failure, message }: PolicyFetchError) => ({ failure, text: message })

/** RFC 3463 section 3.8: X.7.5. */
const insecureError = (message: string): RouteError =>
  new RouteError(message, { isPermanent: false, enhancedCode: '4.7.5' })

/** RFC 3463 section 3.5: X.4.6. */
const loopError = (domain: string, host: string): RouteError =>
  new RouteError(`mail for ${domain} loops back: its host ${host} is this lab`, {
    isPermanent: true,
    enhancedCode: '5.4.6',
  })
