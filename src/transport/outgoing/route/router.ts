import { RouteError, type Router } from '../types.ts'
import type { ResolverOf } from './dane.ts'
import { smartHostRouter } from './smart-host.ts'

/**
 * Creates the router of all connectors.
 * @param dns the router of connectors with `route: dns`; absent: there is no DNS to ask
 * @param resolverOf returns the DNS that a connector asks for the TLSA records of its smart host
 */
export function connectorRouter(dns?: Router, resolverOf?: ResolverOf): Router {
  const smartHost = smartHostRouter(resolverOf)
  return async (connector, domain, signal) => {
    if (connector.smartHost) return smartHost(connector, domain, signal)
    if (dns) return dns(connector, domain, signal)
    throw new RouteError('no DNS server is configured', { isPermanent: false, enhancedCode: '4.4.3' })
  }
}
