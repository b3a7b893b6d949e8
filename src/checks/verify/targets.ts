import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { FaultProtocol } from '../../core/config/schema/protocol.ts'
import { personalities } from '../../core/personality/index.ts'
import { protocolRows } from './protocols.ts'
import type { Endpoint, Promises } from './types.ts'

const allVersions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/** Returns the policy for any current server. RFC 8314, RFC 8996, RFC 9325. */
function goodPractice(requireSecureChannel: boolean): Promises {
  return {
    by: 'good practice',
    tls: true,
    requireSecureChannel,
    clearLogOn: false,
    versions: ['TLSv1.2', 'TLSv1.3'],
    require128BitEncryption: true,
    weakSuites: false,
  }
}

/** Returns the policy that a virtual server's configuration promises. */
function configuredPromises(server: ResolvedVirtualServer): Promises {
  const { tls, authentication, requireSecureChannel, require128BitEncryption, certificate } = server
  const configured = allVersions.slice(allVersions.indexOf(tls.minVersion), allVersions.indexOf(tls.maxVersion) + 1)
  const legacy = tls.legacy === 'off' ? [] : ['SSLv3', 'TLSv1', 'TLSv1.1']
  return {
    by: 'the configuration',
    tls: certificate.kind !== 'none' && certificate.kind !== 'assigned',
    requireSecureChannel,
    clearLogOn: !requireSecureChannel && authentication.includes('basic'),
    versions: allVersions.filter((version) => configured.includes(version) || legacy.includes(version)),
    require128BitEncryption,
    weakSuites: tls.legacy !== 'off' || tls.ciphers !== undefined,
  }
}

/** A path of the lab's API that needs a log-on unless anonymous callers may use it. */
const STATUS = '/api/v1/status'
/** RFC 8620 section 2.2 */
const JMAP = { path: '/.well-known/jmap' }

/** The ports that a virtual server listens on now. */
interface OpenPorts {
  readonly port: number | undefined
  readonly tlsPort: number | undefined
}

/** Returns the endpoints of a virtual server. @param protocol `jmap` for that service of an HTTP one */
export function endpointsOf(
  server: ResolvedVirtualServer,
  { port, tlsPort }: OpenPorts,
  host: string,
  serverName: string,
  protocol: FaultProtocol = server.protocol,
): Endpoint[] {
  const { name, proxyProtocol } = server
  const path = protocol === 'http' ? { path: STATUS } : protocol === 'jmap' ? JMAP : {}
  const promises = configuredPromises(server)
  const proxies = proxyProtocol ? { proxies: proxyProtocol.from } : {}
  const common = { title: name, protocol, host, serverName, promises, ...path, ...proxies }
  const words = server.protocol === 'http' ? undefined : personalities[server.personality][server.protocol]
  const clear = { ...promises, tls: promises.tls && words?.announcesStartTls !== false }
  return [
    ...(port === undefined ? [] : [{ ...common, port, implicitTls: false, promises: clear }]),
    ...(tlsPort === undefined ? [] : [{ ...common, port: tlsPort, implicitTls: true }]),
  ]
}

/** The registered ports. RFC 6409, RFC 8314, RFC 4642, RFC 9110. */
const registered: Readonly<Record<FaultProtocol, { clear: readonly number[]; tls: readonly number[] }>> = {
  smtp: { clear: [25, 587], tls: [465] },
  pop3: { clear: [110], tls: [995] },
  imap4: { clear: [143], tls: [993] },
  nntp: { clear: [119], tls: [563] },
  lmtp: { clear: [24], tls: [] },
  managesieve: { clear: [4190], tls: [] },
  http: { clear: [80], tls: [443] },
  jmap: { clear: [], tls: [443] },
}

interface HostTarget {
  readonly host: string
  readonly protocols: readonly FaultProtocol[]
  /** Default: the registered ports. */
  readonly port?: number
  /** Whether `port` uses TLS from the first octet. Default: if it is a registered TLS port; for HTTP and JMAP, unless it is 80. */
  readonly implicitTls?: boolean
  readonly serverName?: string
  readonly requireSecureChannel: boolean
}

/** Returns the endpoints of a host: one port, or the registered ports of the protocols, which may be closed. */
export function hostEndpoints(target: HostTarget): Endpoint[] {
  const { host, protocols, port, serverName = host, requireSecureChannel } = target
  const promises = goodPractice(requireSecureChannel)
  return protocols.flatMap((protocol) => {
    const common = { title: host, protocol, host, serverName, promises, ...(protocol === 'jmap' && JMAP) }
    const { clear, tls } = registered[protocol]
    if (port !== undefined) {
      const usual = protocolRows[protocol].isAskedFirst ? !clear.includes(port) : tls.includes(port)
      return [{ ...common, port, implicitTls: target.implicitTls ?? usual }]
    }
    return [
      ...(target.implicitTls === true
        ? []
        : clear.map((one) => ({ ...common, port: one, implicitTls: false, optional: true }))),
      ...(target.implicitTls === false
        ? []
        : tls.map((one) => ({ ...common, port: one, implicitTls: true, optional: true }))),
    ]
  })
}
