import { type NextHop, type ResolvedConnector, RouteError, type Router } from '../types.ts'

/** Creates the router of all connectors. @param dns the router of connectors with `route: dns`; absent: there is no DNS to ask */
export const connectorRouter =
  (dns?: Router): Router =>
  async (connector, domain, signal) => {
    const { smartHost } = connector
    if (smartHost) return [hopTo(smartHost)]
    if (dns) return dns(connector, domain, signal)
    throw new RouteError('no DNS server is configured', { isPermanent: false, enhancedCode: '4.4.3' })
  }

/** Returns the smart host as the only next hop. */
function hopTo({ host, port, tls, names, authority, implicitTls, ...logOn }: SmartHost): NextHop {
  const { user, password, accessToken } = logOn
  return {
    host,
    port,
    tls,
    names: names ?? [host],
    policy: 'configured',
    implicitTls,
    ...(authority !== undefined && { authority }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(accessToken !== undefined && { accessToken }),
  }
}

type SmartHost = NonNullable<ResolvedConnector['smartHost']>
