import { protocolTitles } from '../config/schema.ts'
import type { VirtualServerStatus } from '../lab/virtual-servers.ts'
import { table } from './output.ts'

const heading = ['VIRTUAL SERVER', 'PROTOCOL', 'ADDRESS', 'PORT', 'TLS PORT', 'CERTIFICATE', 'POLICY']

/** The virtual servers as `start` shows them once every port answers. */
export function endpointTable(endpoints: readonly VirtualServerStatus[]): string {
  return table(
    heading,
    endpoints.map((endpoint) => [
      endpoint.virtualServer,
      protocolTitles[endpoint.protocol],
      endpoint.address,
      portCell(endpoint.port),
      portCell(endpoint.tlsPort),
      endpoint.certificate?.friendlyName ?? 'none',
      policy(endpoint),
    ]),
  )
}

const portCell = (port: number | undefined): string => (port === undefined ? 'off' : String(port))

function policy({ requireSecureChannel, require128BitEncryption, legacyTls }: VirtualServerStatus): string {
  const list = [
    ...(requireSecureChannel ? ['secure channel required'] : []),
    ...(require128BitEncryption ? ['128-bit required'] : []),
    ...(legacyTls ? ['broken ciphers of old clients let in'] : []),
  ]
  return list.length === 0 ? '-' : list.join(', ')
}
