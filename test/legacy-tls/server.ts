import { legacySuites } from '../../src/legacy-tls/suites.ts'
import type { LegacySettings } from '../../src/net/legacy-acceptor.ts'
import { echoTlsSettings, startEcho } from '../support/echo-server.ts'
import { opensslCertificate } from '../support/openssl.ts'

export const rsa = opensslCertificate(['localhost', '127.0.0.1'], 'rsa')
export const p256 = opensslCertificate(['localhost', '127.0.0.1'])

export interface OldServerOptions extends Partial<LegacySettings> {
  readonly require128BitEncryption?: boolean
}

/** Starts the echo server with the legacy engine: modern clients receive a P-256 certificate, old ones RSA. */
export function startOldEcho({ require128BitEncryption = false, ...legacy }: OldServerOptions = {}) {
  return startEcho({
    tls: {
      ...echoTlsSettings([p256], { require128BitEncryption }),
      handshakeTimeoutMs: 3_000,
      legacy: { suites: legacySuites, strength: 'nominal', certificates: [rsa], ...legacy },
    },
  })
}
