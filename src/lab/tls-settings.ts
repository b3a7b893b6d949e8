import type { Logger } from 'pino'
import { services } from '../../servers/index.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import type { LegacySettings } from '../net/legacy-acceptor.ts'
import type { TlsSettings } from '../net/tls-acceptor.ts'
import { certificateNames } from '../pki/certificate/names.ts'
import { hasRsaKey } from '../tls/legacy/options.ts'
import { legacySuitesOf } from '../tls/legacy/suites.ts'
import type { LabPki } from './lab-pki.ts'

const HANDSHAKE_TIMEOUT_MS = 30_000

/** What a virtual server wears now, and what it agrees to; undefined where no certificate is assigned. @throws PkiError */
export async function tlsSettings(
  lab: ResolvedLab,
  server: ResolvedVirtualServer,
  pki: LabPki,
  log: Logger,
): Promise<TlsSettings | undefined> {
  const names = certificateNames(lab.hostname, lab.alternativeNames)
  const certificates = await pki.store.resolve(server.name, server.certificate, names)
  if (certificates.length === 0) return undefined
  const { minVersion, maxVersion, ciphers, ocspStapling } = server.tls
  const legacy = await legacySettings(server, names, pki, log)
  const clientCertificates = await pki.clientCertificates(server)
  return {
    certificates,
    policy: { minVersion, maxVersion, ciphers, require128BitEncryption: server.require128BitEncryption },
    alpn: services[server.protocol].alpn,
    handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
    ocspStapling,
    ...(clientCertificates ? { clientCertificates } : {}),
    ...(legacy ? { legacy } : {}),
  }
}

/** What old clients are let in by; undefined where they are not, or there is nothing that they could be shown. */
async function legacySettings(
  { name, certificate, tls }: ResolvedVirtualServer,
  names: readonly string[],
  { store }: LabPki,
  log: Logger,
): Promise<LegacySettings | undefined> {
  if (!tls.legacy) return undefined
  const certificates = (await store.resolve(name, certificate, names, 'old')).filter(hasRsaKey)
  if (certificates.length > 0) return { suites: legacySuitesOf(tls.legacy), strength: tls.strength, certificates }
  log.warn({ server: name }, 'tls.legacy: old clients need a certificate with an RSA key: none get in')
  return undefined
}
