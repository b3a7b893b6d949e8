import type { LegacySettings } from '../../../src/net/legacy-acceptor.ts'
import { legacySuites } from '../../../src/tls/legacy/suites.ts'
import type { TlsPolicy } from '../../../src/tls/negotiation/policy.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { opensslCertificate } from '../../support/openssl.ts'

export const rsa = opensslCertificate(['localhost', '127.0.0.1'], 'rsa')
export const p256 = opensslCertificate(['localhost', '127.0.0.1'])

export interface OldServerOptions
  extends Partial<Omit<LegacySettings, 'minVersion'>>,
    Partial<Omit<TlsPolicy, 'ciphers'>> {}

/** Starts the echo server with the legacy engine: modern clients receive a P-256 certificate, old ones RSA. */
export function startOldEcho(options: OldServerOptions = {}) {
  const { require128BitEncryption = false, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', ...legacy } = options
  return startEcho({
    tls: {
      ...echoTlsSettings([p256], { require128BitEncryption, minVersion, maxVersion }),
      handshakeTimeoutMs: 3_000,
      legacy: { suites: legacySuites, strength: 'nominal', certificates: [rsa], ...legacy },
    },
  })
}
