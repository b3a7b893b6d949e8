import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyLog } from '../negotiation/policy.ts'
import type { Flaws } from './defects.ts'
import type { LegacySuite, LegacyVersion, StrengthMeasure } from './suites.ts'

/** The parameters that the engine may negotiate, and the state that all handshakes of one virtual server share. */
export interface LegacyTlsOptions {
  /** Returns the certificate for a host name, or the default one for `undefined`. */
  readonly identity: (serverName: string | undefined) => LegacyIdentity
  /** In the order of preference. */
  readonly suites: readonly LegacySuite[]
  readonly minVersion: LegacyVersion
  readonly maxVersion: LegacyVersion
  /**
   * The highest version that the virtual server speaks with any engine, as on the wire. A fallback below it is refused,
   * and an answer below it carries the downgrade sentinel.
   */
  readonly highestVersion: number
  /** Refuses suites below 128 bits. */
  readonly require128: boolean
  readonly strength: StrengthMeasure
  /** Empty, unless the virtual server has a defect on purpose. */
  readonly flaws: Flaws
  readonly sessionCache: LegacySessionCache
  readonly temporaryKeys: TemporaryKeys
  /** Receives secrets; only a capture uses it. */
  readonly keyLog?: KeyLog | undefined
}

/** An RSA key and its certificate chain. */
export interface LegacyIdentity {
  readonly key: KeyObject
  /** The server's certificate first. */
  readonly chainDer: readonly Buffer[]
}

/** Parses a private key and its certificate chain. @throws if the key is not RSA */
export function legacyIdentity(privateKeyPem: string, certificatesPem: readonly string[]): LegacyIdentity {
  const key = createPrivateKey(privateKeyPem)
  if (key.asymmetricKeyType !== 'rsa') throw new Error('tls.legacy needs an RSA certificate')
  return { key, chainDer: certificatesPem.map((pem) => new X509Certificate(pem).raw) }
}

export function hasRsaKey({ certificatePem }: { readonly certificatePem: string }): boolean {
  return new X509Certificate(certificatePem).publicKey.asymmetricKeyType === 'rsa'
}

/** The parameters that a later handshake needs to resume a session. */
export interface LegacySession {
  readonly id: Buffer
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly master: Buffer
  /** Whether the master secret covers the handshake. RFC 7627. */
  readonly extended: boolean
  readonly serverName: string | undefined
}

/** One hour. RFC 2246 section F.1.4 allows at most 24. */
const SESSION_LIFETIME_MS = 60 * 60 * 1000
const MAX_SESSIONS = 1000

/** Resumable sessions by id; drops the oldest first. Each virtual server has its own, so none is resumed elsewhere. */
export class LegacySessionCache {
  readonly #sessions = new Map<string, { readonly session: LegacySession; readonly expiresAt: number }>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  newId(): Buffer {
    return randomBytes(32)
  }

  add(session: LegacySession): void {
    const oldest = this.#sessions.keys().next()
    if (this.#sessions.size >= MAX_SESSIONS && !oldest.done) this.#sessions.delete(oldest.value)
    this.#sessions.set(session.id.toString('hex'), { session, expiresAt: this.#now() + SESSION_LIFETIME_MS })
  }

  find(id: Buffer): LegacySession | undefined {
    const held = this.#sessions.get(id.toString('hex'))
    return held && held.expiresAt > this.#now() ? held.session : undefined
  }

  /** Removes the session of a connection that ended in a fatal alert. RFC 2246 section 7.2.2. */
  remove(id: Buffer): void {
    this.#sessions.delete(id.toString('hex'))
  }
}

const generate = promisify(generateKeyPair)
/** Handshakes per temporary key. Such a key is easily broken, so RFC 2246 section F.1.1.2 recommends frequent changes. */
const HANDSHAKES_PER_KEY = 500

/** Temporary RSA keys for export suites, generated on first use. RFC 2246 section 7.4.3. */
export class TemporaryKeys {
  readonly #held = new Map<number, { readonly key: Promise<KeyObject>; uses: number }>()

  /** Returns a temporary private key of a length. */
  async keyOf(bits: number): Promise<KeyObject> {
    let held = this.#held.get(bits)
    if (!held || held.uses >= HANDSHAKES_PER_KEY) {
      held = { key: generate('rsa', { modulusLength: bits }).then((pair) => pair.privateKey), uses: 0 }
      this.#held.set(bits, held)
    }
    held.uses++
    return held.key
  }
}
