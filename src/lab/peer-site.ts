import type { ResolvedLab } from '../config/resolve.ts'
import { certificateChoice } from '../config/schema/certificate.ts'
import type { ClientIdentity } from '../outgoing/client/secure.ts'
import { certificateNames } from '../pki/certificate/names.ts'
import type { CertificateStore } from '../pki/certificate-store/types.ts'

/**
 * Returns the certificate that a connector shows to other hosts: that of a virtual server, or of the certificate store by its
 * friendly name or thumbprint. @throws PkiError, Error
 */
export async function connectorIdentity(
  { hostname, alternativeNames, virtualServers }: ResolvedLab,
  store: CertificateStore,
  certificate: string,
): Promise<ClientIdentity> {
  const server = virtualServers.find(({ name }) => name === certificate)
  const choice = server?.certificate ?? certificateChoice(certificate)
  const names = certificateNames(hostname, alternativeNames)
  const [found] = await store.resolve(server?.name ?? '', choice, names)
  if (!found) throw new Error(`the virtual server ${certificate} has no certificate to show to other hosts`)
  return { certificates: [found.certificatePem, ...found.chainPem], key: found.privateKeyPem }
}
