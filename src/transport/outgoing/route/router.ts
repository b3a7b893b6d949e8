import { isIP } from 'node:net'
import { DnsError } from '../../dns/errors.ts'
import type { Resolver } from '../../dns/resolver.ts'
import { type NextHop, RouteError, type Router } from '../types.ts'
import { daneLevel, type HostTlsa, hostTlsa, type ResolverOf } from './dane.ts'

/**
 * Creates the router of all connectors.
 * @param dns the router of connectors with `route: dns`; absent: there is no DNS to ask
 * @param resolverOf returns the DNS that a connector asks for the TLSA records of its smart host
 */
export function connectorRouter(dns?: Router, resolverOf?: ResolverOf): Router {
  const smartHost = smartHostRouter(resolverOf)
  return async (connector, domain, signal, ignoresTlsPolicies) => {
    if (connector.smartHost) return smartHost(connector, domain, signal)
    if (dns) return dns(connector, domain, signal, ignoresTlsPolicies)
    throw new RouteError('no DNS server is configured', { isPermanent: false, enhancedCode: '4.4.3' })
  }
}

/**
 * Creates the router of connectors with a `smartHost`: one host takes the mail for every domain.
 * @param resolverOf returns the DNS that a connector asks for TLSA records; absent: there is no DNS to ask
 */
export const smartHostRouter =
  (resolverOf?: ResolverOf): Router =>
  async (connector, _domain, signal) => {
    const { smartHost } = connector
    if (!smartHost) throw new Error(`the connector ${connector.name} has no smart host`)
    const { host, port, tls, implicitTls, names = [host], authority, user, password, accessToken } = smartHost
    const hop: NextHop = {
      host,
      port,
      tls,
      names,
      policy: 'configured',
      implicitTls,
      ...(authority !== undefined && { authority }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(accessToken !== undefined && { accessToken }),
    }
    if (tls !== 'dane') return [hop]
    return [{ ...hop, ...daneLevel(host, await recordsOf(await resolverOf?.(connector), hop, signal), names) }]
  }

/** @throws RouteError if the host has no usable records that DNSSEC authenticates, or they cannot be looked up */
async function recordsOf(
  resolver: Resolver | undefined,
  { host, port }: NextHop,
  signal: AbortSignal,
): Promise<HostTlsa> {
  if (isIP(host) !== 0) throw notSecured(`the smart host ${host} has no name, so it can have no TLSA records`)
  if (!resolver) throw notSecured(`no DNS server is configured, and tls: dane needs one for the records of ${host}`)
  const found = await lookUp(resolver, { host, port }, signal)
  if (found?.isUsable) return found
  if (found) throw notSecured(`none of the TLSA records of ${host} is usable, and tls: dane requires one`)
  throw notSecured(`${host} has no TLSA records that DNSSEC authenticates, and tls: dane requires them`)
}

async function lookUp(resolver: Resolver, { host, port }: Pick<NextHop, 'host' | 'port'>, signal: AbortSignal) {
  try {
    return await hostTlsa(resolver, host, port, await resolver.addresses(host, signal), signal)
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    throw notSecured(`the TLSA records of ${host} cannot be looked up: ${error.message}`, error)
  }
}

/** The mail waits: the records may be repaired. RFC 3463 section 3.8: X.7.5. */
const notSecured = (message: string, cause?: unknown): RouteError =>
  new RouteError(message, { isPermanent: false, enhancedCode: '4.7.5', cause })
