import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { LegacySessionCache } from './session-cache.ts'
import type { LegacySuite, StrengthMeasure } from './suites.ts'
import type { TemporaryKeys } from './temporary-keys.ts'
import type { LegacyVersion } from './versions.ts'

/** An RSA key and its certificates as the engine shows them. */
export interface LegacyIdentity {
  readonly key: KeyObject
  /** The server's own certificate first. */
  readonly chainDer: readonly Buffer[]
}

/** Takes lines of the NSS key log. */
export type KeyLog = (line: Buffer) => void

/** What the engine lets a client agree on. */
export interface LegacyTlsOptions {
  /**
   * The certificate for a name that the client asked for; `undefined` asks for the default one.
   * The engine's suites need an RSA key.
   */
  readonly identity: (serverName: string | undefined) => LegacyIdentity
  /** In the order of preference. */
  readonly suites: readonly LegacySuite[]
  readonly minVersion: LegacyVersion
  readonly maxVersion: LegacyVersion
  /** The highest version that the server speaks by any means, as on the wire: a client that falls back below it is refused. */
  readonly highestVersion: number
  /** Suites below 128 bits are refused. */
  readonly require128: boolean
  /** How 3DES counts then. */
  readonly strength: StrengthMeasure
  readonly sessionCache: LegacySessionCache
  readonly temporaryKeys: TemporaryKeys
  /** Its lines are secrets: for a capture, for nothing else. */
  readonly keyLog?: KeyLog | undefined
}

/** @throws when the key is not RSA */
export function legacyIdentity(privateKeyPem: string, certificatesPem: readonly string[]): LegacyIdentity {
  const key = createPrivateKey(privateKeyPem)
  if (key.asymmetricKeyType !== 'rsa')
    throw new Error('SSL 3.0 and TLS 1.0 clients of the time need an RSA certificate')
  return { key, chainDer: certificatesPem.map((pem) => new X509Certificate(pem).raw) }
}

export function hasRsaKey({ certificatePem }: { readonly certificatePem: string }): boolean {
  return new X509Certificate(certificatePem).publicKey.asymmetricKeyType === 'rsa'
}
