import { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { SecureVersion } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import type { ClientHelloFacts, SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { isIssuedTo } from '../tls/context.ts'
import { type KeyLog, type LegacyIdentity, type LegacyTlsOptions, legacyIdentity } from '../tls/legacy/options.ts'
import { LegacySessionCache } from '../tls/legacy/session-cache.ts'
import type { LegacyTlsSocket } from '../tls/legacy/socket.ts'
import { type LegacySuite, type StrengthMeasure, suiteBits } from '../tls/legacy/suites.ts'
import { TemporaryKeys } from '../tls/legacy/temporary-keys.ts'
import type { TlsPolicy } from '../tls/policy.ts'
import type { SecuredSocket } from './connection.ts'

/** What a virtual server lets clients of the 1990s agree on. */
export interface LegacySettings {
  /** In the order of preference. */
  readonly suites: readonly LegacySuite[]
  readonly strength: StrengthMeasure
  /** Never empty; their keys must be RSA. The first is the default; the others are chosen by SNI. */
  readonly certificates: readonly InstalledCertificate[]
}

interface Worn {
  readonly certificate: InstalledCertificate
  readonly x509: X509Certificate
  readonly identity: LegacyIdentity
}

/** Temporary keys belong to no certificate: all virtual servers share them. */
const temporaryKeys = new TemporaryKeys()
/** `client_version` of a client that offers a version. RFC 8446 section 4.1.2: TLS 1.3 says TLS 1.2 there. */
const clientVersions: Record<SecureVersion, number> = {
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
  'TLSv1.3': 0x0303,
}
const oldVersions: readonly string[] = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2']

/** The engine for SSL 3.0 and TLS 1.0, as one virtual server wears it. */
export class LegacyAcceptor {
  readonly #settings: LegacySettings
  readonly #worn: readonly Worn[]
  readonly #options: LegacyTlsOptions
  /** Loaded where old clients are let in, before the first of them comes. */
  readonly #engine = import('../tls/legacy/accept.ts')

  /** @throws when a certificate's key is not RSA */
  constructor(settings: LegacySettings, { require128BitEncryption, maxVersion }: TlsPolicy) {
    // The client that needs it is told; until then nobody waits.
    this.#engine.catch(() => {})
    this.#settings = settings
    this.#worn = settings.certificates.map((certificate) => ({
      certificate,
      x509: new X509Certificate(certificate.certificatePem),
      identity: legacyIdentity(certificate.privateKeyPem, [certificate.certificatePem, ...certificate.chainPem]),
    }))
    this.#options = {
      identity: (serverName) => this.#wornFor(serverName).identity,
      suites: settings.suites,
      minVersion: 'SSLv3',
      maxVersion: 'TLSv1',
      highestVersion: clientVersions[maxVersion],
      require128: require128BitEncryption,
      strength: settings.strength,
      sessionCache: new LegacySessionCache(),
      temporaryKeys,
    }
  }

  /** Whether the engine has something to say to a client: at least a suite in common, if only to refuse it as too weak. */
  canServe(hello: ClientHelloFacts): boolean {
    const isOld = hello.versions.some((version) => oldVersions.includes(version))
    return isOld && this.#settings.suites.some((suite) => hello.suites.includes(suite.id))
  }

  /** Makes the handshake. @throws LegacyTlsError: the alert is sent, and the raw socket closes */
  async accept(
    raw: Duplex,
    hello: ClientHelloFacts,
    record: SessionRecorder,
    keyLog: KeyLog | undefined,
  ): Promise<SecuredSocket> {
    const { acceptLegacy } = await this.#engine
    const socket = await acceptLegacy(raw, { ...this.#options, keyLog })
    const facts = this.#facts(socket, hello)
    record.secured(facts)
    return { socket, facts }
  }

  #facts(socket: LegacyTlsSocket, hello: ClientHelloFacts): TlsFacts {
    const { suite } = socket
    const { certificate } = this.#wornFor(socket.servername || undefined)
    return {
      version: socket.getProtocol(),
      cipher: suite.name,
      bits: suiteBits(suite, this.#settings.strength),
      keyExchange: suite.exchange === 'rsa' ? 'RSA' : 'RSA_EXPORT',
      resumed: socket.isSessionReused(),
      certificate: { friendlyName: certificate.friendlyName, thumbprint: certificate.thumbprint },
      ...(socket.servername ? { serverName: socket.servername } : {}),
      hello,
    }
  }

  #wornFor(serverName: string | undefined): Worn {
    const named = serverName && this.#worn.slice(1).find(({ x509 }) => isIssuedTo(x509, serverName))
    return named || (this.#worn[0] as Worn)
  }
}
