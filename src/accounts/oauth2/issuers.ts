import type { CompactVerifyGetKey, FetchImplementation } from 'jose'
import type { ExternalIssuerConfig } from '../../core/config/schema/oauth2.ts'
import type { TokenSigningKeys } from './keys.ts'
import type { OAuth2Settings } from './settings.ts'
import { signingAlgorithms } from './types.ts'

/** Someone whose tokens the lab accepts. */
export interface TrustedIssuer {
  readonly audience: string
  readonly userClaim: string
  readonly requireScope: boolean
  readonly algorithms: readonly string[]
  /** The values of `typ` that its access tokens can have; undefined: any. */
  readonly types: readonly string[] | undefined
  readonly keys: () => Promise<CompactVerifyGetKey>
}

/** Asymmetric algorithms. RFC 7518 section 3.1, RFC 8037. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** How long the lab waits for the keys of an issuer. */
const KEYS_TIMEOUT_MS = 5000

/** The lab itself, and the issuers of the configuration. */
export class TrustedIssuers {
  readonly #keys: TokenSigningKeys
  readonly #settings: () => OAuth2Settings
  #own: CompactVerifyGetKey | undefined
  /** The keys of other issuers, by the address from which they come. They are requested again when an unknown one is used. */
  readonly #remote = new Map<string, Promise<CompactVerifyGetKey>>()

  constructor(keys: TokenSigningKeys, settings: () => OAuth2Settings) {
    this.#keys = keys
    this.#settings = settings
  }

  /** Returns the issuer with the value of `iss`; undefined if it is not trusted. */
  find(issuer: unknown): TrustedIssuer | undefined {
    const settings = this.#settings()
    if (issuer === settings.issuer) return this.#labIssuer(settings)
    const found = settings.issuers.find((one) => one.issuer === issuer)
    return found && this.#externalIssuer(found, settings)
  }

  /** The keys of the lab, ready for use. They never change. @throws PkiError `store` */
  async #ownKeys(): Promise<CompactVerifyGetKey> {
    if (!this.#own) {
      const { createLocalJWKSet } = await import('jose')
      this.#own = createLocalJWKSet(await this.#keys.publicKeys())
    }
    return this.#own
  }

  #labIssuer({ audience }: OAuth2Settings): TrustedIssuer {
    return {
      audience,
      userClaim: 'sub',
      requireScope: true,
      algorithms: signingAlgorithms,
      types: ['at+jwt', 'application/at+jwt'], // RFC 9068 section 4
      keys: () => this.#ownKeys(),
    }
  }

  #externalIssuer(
    { jwksUri, audience, userClaim, requireScope }: ExternalIssuerConfig,
    settings: OAuth2Settings,
  ): TrustedIssuer {
    return {
      audience: audience ?? settings.audience,
      userClaim,
      requireScope,
      algorithms: ALGORITHMS,
      types: undefined,
      keys: () => {
        const keys = this.#remote.get(jwksUri) ?? remoteKeys(jwksUri)
        this.#remote.set(jwksUri, keys)
        return keys
      },
    }
  }
}

async function remoteKeys(url: string): Promise<CompactVerifyGetKey> {
  const { createRemoteJWKSet, customFetch } = await import('jose')
  return createRemoteJWKSet(new URL(url), { timeoutDuration: KEYS_TIMEOUT_MS, [customFetch]: fetchKeys })
}

/** Keys of real issuers have less than 32 KiB. */
const MAX_KEYS_OCTETS = 1024 * 1024

/** Fetches keys, but does not read more than they can have: anybody can name the issuer in a token. */
const fetchKeys: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options)
  const pieces: Uint8Array[] = []
  let octets = 0
  for await (const piece of response.body ?? []) {
    pieces.push(piece)
    octets += piece.length
    if (octets > MAX_KEYS_OCTETS) throw new Error(`they have more than ${MAX_KEYS_OCTETS} octets`)
  }
  const { status } = response
  return status === 200 ? new Response(Buffer.concat(pieces), { status }) : response
}
