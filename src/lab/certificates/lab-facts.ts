import { paccHost } from '../../api/client-settings/pacc.ts'
import type { LabWithPlaces } from '../../core/config/mistakes.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { policyProblem, type TlsPolicy } from '../../tls/negotiation/policy.ts'
import { certificateNames } from '../../tls/pki/certificate/names.ts'
import type { LabFacts, VirtualServerFacts } from '../../tls/pki/lifecycle/context.ts'
import { policyHost } from '../../transport/mta-sts/served.ts'

/** Returns the names in the certificates that `auto` issues. */
export const labCertificateNames = ({ hostname, alternativeNames, outgoing, domain, oauth2 }: ResolvedLab): string[] =>
  certificateNames(hostname, [
    ...alternativeNames,
    ...(outgoing.mtaSts === undefined ? [] : [policyHost(domain)]),
    ...(oauth2.mailClients ? [paccHost(domain)] : []),
  ])

/** Returns the facts about a lab that the certificate lifecycle needs. */
export const labFacts = (lab: ResolvedLab): LabFacts => ({
  hostname: lab.hostname,
  names: labCertificateNames(lab),
  virtualServers: lab.virtualServers.map(serverFacts),
})

const serverFacts = (server: ResolvedVirtualServer): VirtualServerFacts => {
  const { name, protocol, address, certificate, requireSecureChannel, port, tls } = server
  const rejects = policyProblem.bind(undefined, policyOf(server))
  return { name, protocol, address, certificate, requireSecureChannel, port, tls, rejects }
}

/** Returns the TLS policy of a virtual server. */
export function policyOf({ tls, require128BitEncryption }: ResolvedVirtualServer): TlsPolicy {
  const { minVersion, maxVersion, ciphers, groups } = tls
  return { minVersion, maxVersion, ciphers, groups, require128BitEncryption }
}

/** Returns the same facts with the place of each virtual server's certificate in the configuration, for messages. */
export function placedLabFacts({ lab, locate }: LabWithPlaces): LabFacts {
  const facts = labFacts(lab)
  const virtualServers = facts.virtualServers.map((server, index) => {
    const [found] = locate([{ path: ['virtualServers', index, 'certificate'], message: '' }])
    return { ...server, ...(found ? { place: found.line.replace(/: $/, '') } : {}) }
  })
  return { ...facts, virtualServers }
}
