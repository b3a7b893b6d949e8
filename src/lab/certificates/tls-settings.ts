import type { Logger } from 'pino'
import { serviceOf } from '../../../servers/index.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { type LegacySettings, legacySettings } from '../../net/legacy-acceptor.ts'
import type { TlsSettings } from '../../net/tls-acceptor.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'
import { labCertificateNames } from './lab-facts.ts'
import type { LabPki } from './lab-pki.ts'

/** Resolves a virtual server's certificates and TLS policy; undefined if no certificate is assigned. @throws PkiError */
export async function tlsSettings(
  lab: ResolvedLab,
  server: ResolvedVirtualServer,
  pki: LabPki,
  log: Logger,
): Promise<TlsSettings | undefined> {
  const names = labCertificateNames(lab)
  const certificates = await pki.store.resolve(server.name, server.certificate, names)
  if (certificates.length === 0) return undefined
  const { minVersion, maxVersion, ciphers, groups, ocspStapling } = server.tls
  const { alpn, isAlpnStrict = false } = await serviceOf(server.protocol)
  const legacy = await oldClientSettings(server, certificates, names, pki, log)
  const clientCertificates = await pki.clientCertificates(server)
  return {
    certificates,
    policy: { minVersion, maxVersion, ciphers, groups, require128BitEncryption: server.require128BitEncryption },
    alpn,
    isAlpnStrict,
    handshakeTimeoutMs: server.limits.handshakeTimeout,
    ocspStapling,
    ...(clientCertificates ? { clientCertificates } : {}),
    ...(legacy ? { legacy } : {}),
  }
}

/** Returns the settings of the engine for old clients and defects; undefined if both are off or no certificate has an RSA key. */
async function oldClientSettings(
  { name, certificate, tls }: ResolvedVirtualServer,
  served: readonly InstalledCertificate[],
  names: readonly string[],
  { store }: LabPki,
  log: Logger,
): Promise<LegacySettings | undefined> {
  const { legacy, defect } = tls
  if (!legacy && defect === undefined) return undefined
  const forOld = async () => legacySettings(tls, await store.resolve(name, certificate, names, 'old'))
  // Clients that test a defect trust the root of all other clients, unless its certificate has no RSA key.
  const settings = (legacy ? undefined : legacySettings(tls, served)) ?? (await forOld())
  if (!settings && legacy) {
    log.warn({ server: name }, 'tls.legacy has no effect: old clients need a certificate with an RSA key')
  }
  if (!settings && defect !== undefined) {
    log.warn({ server: name }, 'tls.defect has no effect: it needs a certificate with an RSA key')
  }
  return settings
}
