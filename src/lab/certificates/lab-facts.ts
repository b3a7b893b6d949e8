import type { LabWithPlaces } from '../../core/config/mistakes.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { certificateNames } from '../../tls/pki/certificate/names.ts'
import type { LabFacts } from '../../tls/pki/lifecycle/context.ts'
import { policyHost } from '../../transport/mta-sts/served.ts'

/** Returns the names in the certificates that `auto` issues. */
export const labCertificateNames = ({ hostname, alternativeNames, mtaSts, domain }: ResolvedLab): string[] =>
  certificateNames(hostname, [...alternativeNames, ...(mtaSts === undefined ? [] : [policyHost(domain)])])

/** Returns the facts about a lab that the certificate lifecycle needs. */
export const labFacts = (lab: ResolvedLab): LabFacts => ({
  hostname: lab.hostname,
  names: labCertificateNames(lab),
  virtualServers: lab.virtualServers,
})

/** Returns the same facts with the place of each virtual server's certificate in the configuration, for messages. */
export function placedLabFacts({ lab, locate }: LabWithPlaces): LabFacts {
  const virtualServers = lab.virtualServers.map(
    ({ name, protocol, address, certificate, requireSecureChannel, port, tls }, index) => {
      const [found] = locate([{ path: ['virtualServers', index, 'certificate'], message: '' }])
      const facts = { name, protocol, address, certificate, requireSecureChannel, port, tls }
      return { ...facts, ...(found ? { place: found.line.replace(/: $/, '') } : {}) }
    },
  )
  return { ...labFacts(lab), virtualServers }
}
