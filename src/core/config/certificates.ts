import type { Mistake } from './mistakes.ts'
import { nearestWord } from './nearest.ts'
import { virtualServerName } from './resolve.ts'
import { choicesOf } from './schema/certificate.ts'
import type { ConnectorConfig, VirtualServerConfig } from './schema.ts'

/** The names of a certificate of the store. */
interface KnownCertificate {
  readonly friendlyName: string
  /** In hexadecimal. Case and separators are ignored. */
  readonly thumbprint: string
}

/** Returns a mistake for each certificate that a virtual server names and the store does not have. */
export function unknownCertificates(
  virtualServers: readonly Pick<VirtualServerConfig, 'certificate'>[],
  known: readonly KnownCertificate[],
): Mistake[] {
  return virtualServers.flatMap(({ certificate }, index) => {
    const at = ['virtualServers', index, 'certificate']
    return choicesOf(certificate).flatMap((choice, n) => {
      if (choice.kind !== 'named' || isKnown(choice.name, known)) return []
      return [unknownCertificate(choice.name, certificate.kind === 'list' ? [...at, n] : at, known)]
    })
  })
}

/** Returns a mistake for each certificate that a connector names and neither a virtual server nor the store has. */
export function unknownConnectorCertificates(
  connectors: readonly Pick<ConnectorConfig, 'certificate'>[],
  virtualServers: readonly Pick<VirtualServerConfig, 'name' | 'protocol'>[],
  known: readonly KnownCertificate[],
): Mistake[] {
  const servers = virtualServers.map(virtualServerName)
  return connectors.flatMap(({ certificate: name }, index) => {
    if (name === undefined || servers.includes(name) || isKnown(name, known)) return []
    const near = nearestWord(name, [...known.map(({ friendlyName }) => friendlyName), ...servers])
    const hint = near === undefined ? 'sealpost cert list shows the certificates' : `did you mean ${near}?`
    const message = `${name} is neither a virtual server nor a certificate of the store; ${hint}`
    return [{ path: ['outgoing', 'connectors', index, 'certificate'], message }]
  })
}

function isKnown(name: string, known: readonly KnownCertificate[]): boolean {
  const digits = name.replaceAll(/[\s:]/g, '').toUpperCase()
  return known.some((one) => one.friendlyName === name || one.thumbprint.toUpperCase() === digits)
}

function unknownCertificate(name: string, path: Mistake['path'], known: readonly KnownCertificate[]): Mistake {
  const near = nearestWord(name, [...known.map(({ friendlyName }) => friendlyName), 'auto', 'assigned', 'none'])
  const hint = near === undefined ? 'sealpost cert list shows its certificates' : `did you mean ${near}?`
  return { path, message: `no certificate "${name}" is in the store; ${hint}` }
}
