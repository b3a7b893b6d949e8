import { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { LegacySuiteName, TlsDefectName } from '../core/config/schema.ts'
import type { ClientHelloFacts, TlsFacts } from '../core/sessions/types.ts'
import {
  countedBits,
  engineDefects,
  hasRsaKey,
  highestVersionOf,
  isAuthenticated,
  type LegacyIdentity,
  LegacySessionCache,
  type LegacySuite,
  type LegacyTlsOptions,
  type LegacyTlsSocket,
  type LegacyVersion,
  legacyIdentity,
  legacySuitesOf,
  legacyVersions,
  loadEngine,
  type StrengthMeasure,
  TemporaryKeys,
} from '../tls/legacy/index.ts'
import { type ChannelBindings, channelBindings } from '../tls/negotiation/binding-types.ts'
import { serverEndPoint } from '../tls/negotiation/channel-bindings.ts'
import { isIssuedTo, type KeyLog, type TlsPolicy } from '../tls/negotiation/policy.ts'
import type { EngineCapabilities } from '../tls/negotiation/routing.ts'
import { suiteKeyExchange } from '../tls/negotiation/suites.ts'
import type { InstalledCertificate } from '../tls/pki/types.ts'
import type { SecuredSocket } from './connection-options.ts'

/** The suites and certificates that a virtual server offers to clients of the 1990s. */
export interface LegacySettings {
  /** In the order of preference. */
  readonly suites: readonly LegacySuite[]
  readonly strength: StrengthMeasure
  /** Never empty, all with RSA keys. The first is the default; the server name (SNI) selects the others. */
  readonly certificates: readonly InstalledCertificate[]
  /** The lowest version of the engine, SSL 3.0 by default. */
  readonly minVersion?: LegacyVersion
  /** A defect of the engine on purpose. */
  readonly defect?: TlsDefectName | undefined
}

/** The keys of the configuration that concern the engine. */
interface LegacyConfig {
  readonly legacy: 'off' | true | readonly LegacySuiteName[]
  readonly strength: StrengthMeasure
  readonly defect?: TlsDefectName | undefined
  readonly minVersion: TlsPolicy['minVersion']
}

/** Returns the settings of the engine from the configuration; undefined if no certificate has an RSA key. */
export function legacySettings(
  { legacy, strength, defect, minVersion }: LegacyConfig,
  certificates: readonly InstalledCertificate[],
): LegacySettings | undefined {
  const usable = certificates.filter(hasRsaKey)
  const configured = legacy === 'off' ? [] : legacySuitesOf(legacy)
  const added = defect === undefined ? [] : legacySuitesOf(engineDefects[defect].suites)
  const suites = [...new Set([...configured, ...added])]
  if (usable.length === 0) return undefined
  const settings = { suites, strength, certificates: usable, defect }
  return legacy === 'off' ? { ...settings, minVersion: versionForDefect(minVersion, defect) } : settings
}

/** Returns the lowest version of an engine that only has a defect: the policy's, or one that the defect needs. */
function versionForDefect(minVersion: TlsPolicy['minVersion'], defect: TlsDefectName | undefined): LegacyVersion {
  const needed = defect && engineDefects[defect].minVersion
  return needed ?? (minVersion === 'TLSv1.3' ? 'TLSv1.2' : minVersion)
}

interface LegacyCertificate {
  readonly certificate: InstalledCertificate
  readonly x509: X509Certificate
  readonly identity: LegacyIdentity
}

/** Shared by all virtual servers, because temporary keys do not belong to a certificate. */
const temporaryKeys = new TemporaryKeys()

/** Performs the handshakes of one virtual server with the engine for old clients (`src/tls/legacy`). */
export class LegacyAcceptor {
  readonly #settings: LegacySettings
  readonly #certificates: readonly LegacyCertificate[]
  readonly #options: LegacyTlsOptions
  /** The versions and suites that the engine can serve, even those that it then refuses as too weak. */
  readonly capabilities: EngineCapabilities
  /** Loaded only where old clients are allowed, and before the first one connects. */
  readonly #engine = loadEngine()

  /** @throws when a certificate's key is not RSA */
  constructor(settings: LegacySettings, { require128BitEncryption, maxVersion }: TlsPolicy) {
    // `accept` reports the failure to the client that needs the engine.
    this.#engine.catch(() => {})
    this.#settings = settings
    const flaws = settings.defect === undefined ? {} : engineDefects[settings.defect].flaws
    this.#certificates = settings.certificates.map((certificate) => ({
      certificate,
      x509: new X509Certificate(certificate.certificatePem),
      identity: legacyIdentity(certificate.privateKeyPem, [certificate.certificatePem, ...certificate.chainPem]),
    }))
    this.#options = {
      identity: (serverName) => this.#certificateFor(serverName).identity,
      suites: settings.suites,
      minVersion: settings.minVersion ?? 'SSLv3',
      // The policy's lowest version does not bind the engine, its highest one does.
      maxVersion: maxVersion === 'TLSv1.3' ? 'TLSv1.2' : maxVersion,
      highestVersion: maxVersion === 'TLSv1.3' ? 0x0304 : legacyVersions[maxVersion],
      require128: require128BitEncryption,
      strength: settings.strength,
      flaws,
      sessionCache: new LegacySessionCache(),
      temporaryKeys,
    }
    const { minVersion: lowest, maxVersion: highest } = this.#options
    this.capabilities = {
      versions: Object.values(legacyVersions).filter(
        (version) => version >= legacyVersions[lowest] && version <= legacyVersions[highest],
      ),
      preferred: settings.defect === undefined ? 'never' : flaws.takesTls13 ? 'always' : 'below TLS 1.3',
      suites: settings.suites.map((suite) => ({
        id: suite.id,
        highestVersion: legacyVersions[highestVersionOf(suite)],
      })),
    }
  }

  /** The defect that clients of the engine meet. */
  get defect(): TlsDefectName | undefined {
    return this.#settings.defect
  }

  /** Performs the handshake. @throws LegacyTlsError after the alert was sent and the raw socket was closed */
  async accept(raw: Duplex, hello: ClientHelloFacts, keyLog: KeyLog | undefined): Promise<SecuredSocket> {
    const { acceptLegacy } = await this.#engine
    const socket = await acceptLegacy(raw, { ...this.#options, keyLog })
    return { socket, facts: this.#facts(socket, hello), bindings: this.#bindings(socket) }
  }

  #facts({ negotiated }: LegacyTlsSocket, hello: ClientHelloFacts): TlsFacts {
    const { version, suite, serverName, resumed } = negotiated
    const { friendlyName, thumbprint } = this.#certificateFor(serverName).certificate
    const keyExchange = suiteKeyExchange(suite.name)
    return {
      version,
      cipher: suite.name,
      bits: countedBits(suite, this.#settings.strength),
      ...(keyExchange === undefined ? {} : { keyExchange }),
      resumed,
      ...(isAuthenticated(suite) ? { certificate: { friendlyName, thumbprint } } : {}),
      ...(serverName ? { serverName } : {}),
      hello,
    }
  }

  /** RFC 5929 sections 3 and 4: SSL 3.0 has no Finished message of TLS, and an anonymous suite no certificate. */
  #bindings({ negotiated }: LegacyTlsSocket): ChannelBindings {
    const { version, suite, serverName, resumed, extended, firstFinished } = negotiated
    const [certificate] = this.#certificateFor(serverName).identity.chainDer
    return channelBindings({
      'tls-server-end-point':
        isAuthenticated(suite) && certificate !== undefined && (() => serverEndPoint(certificate)),
      // RFC 7627 section 5.4
      'tls-unique': version !== 'SSLv3' && (extended || !resumed) && (() => firstFinished),
    })
  }

  #certificateFor(serverName: string | undefined): LegacyCertificate {
    const named = serverName && this.#certificates.slice(1).find(({ x509 }) => isIssuedTo(x509, serverName))
    return named || (this.#certificates[0] as LegacyCertificate)
  }
}
