import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/time/clock.ts'
import type { StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import type { Directory } from '../directory/types.ts'
import { stringClaim } from './claims.ts'
import { defectRecipes } from './defects.ts'
import { TrustedIssuers } from './issuers.ts'
import type { TokenSigningKeys } from './keys.ts'
import { Revocations } from './revocations.ts'
import type { OAuth2Settings } from './settings.ts'
import type { IssuedToken, TokenRequest, Verification } from './types.ts'
import { readToken, verifyToken } from './verify.ts'

/** The parts of a lab that access tokens depend on. */
interface TokenServices {
  /** Where revocations are kept. */
  readonly files: Pick<StoreFiles, 'read' | 'exclusively' | 'watch'>
  readonly keys: TokenSigningKeys
  readonly clock: Clock
  readonly directory: () => Directory
  readonly settings: () => OAuth2Settings
  /** Returns the scopes of all protocols. */
  readonly allScopes: () => readonly string[]
}

/** The client that tokens name if nobody else asked for them. */
const OWN_CLIENT = 'sealpost'

/** Issues, verifies and revokes access tokens: JWT with the profile of RFC 9068. */
export class AccessTokens {
  readonly #services: TokenServices
  readonly #revocations: Revocations
  readonly #issuers: TrustedIssuers

  constructor(services: TokenServices) {
    this.#services = services
    this.#revocations = new Revocations(services.files, services.clock)
    this.#issuers = new TrustedIssuers(services.keys, services.settings)
  }

  /** Issues a token. The account need not exist. @throws PkiError `store` if the lab's keys cannot be read or written */
  async issue(request: TokenRequest): Promise<IssuedToken> {
    const { keys, clock, directory, settings, allScopes } = this.#services
    const { issuer, audience, accessTokenLifetime } = settings()
    const scope = request.scope ?? allScopes()
    const issuedAt = Math.floor(clock.now() / 1000)
    const user = directory().find(request.user)?.user ?? request.user
    const jti = randomUUID()
    const recipe = request.defect === undefined ? {} : defectRecipes[request.defect]
    // RFC 9068 section 2.2
    const good = {
      iss: issuer,
      sub: user,
      aud: request.audience ?? audience,
      client_id: request.clientId ?? OWN_CLIENT,
      scope: scope.join(' '),
      iat: issuedAt,
      exp: issuedAt + Math.max(1, Math.floor((request.expiresInMs ?? accessTokenLifetime) / 1000)),
      jti,
    }
    const claims = recipe.claims?.(good) ?? good
    const { CompactSign } = await import('jose')
    const { kid, alg, ...key } = await keys.of(request.algorithm ?? 'RS256')
    const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg, kid, typ: 'at+jwt' }) // RFC 9068 section 2.1
      .sign({ ...key, alg })
    const expiresAt = claims.exp * 1000
    if (recipe.isRevoked) await this.#revocations.add(jti, expiresAt)
    return { accessToken: recipe.token?.(signed) ?? signed, user, scope, jti, expiresAt }
  }

  /**
   * Verifies a token. Everything that is wrong with it is data. RFC 9068 section 4.
   * @param scopes the scopes of which it needs one; default: any scope will do
   * @throws PkiError `store` if the lab's keys or the list of revoked tokens cannot be read
   */
  async verify(token: string, scopes?: readonly string[]): Promise<Verification> {
    const { clock, directory } = this.#services
    await this.#revocations.open()
    const isRevoked = (jti: string): boolean => this.isRevoked(jti)
    return verifyToken(token, { issuers: this.#issuers, now: clock.now(), directory: directory(), isRevoked, scopes })
  }

  /** Revokes a token, if it is one with a `jti`. RFC 7009. Returns whether it is. @throws PkiError `store` */
  async revoke(token: string): Promise<boolean> {
    const claims = (await readToken(token))?.claims
    const jti = stringClaim(claims?.jti)
    if (jti === undefined || typeof claims?.exp !== 'number') return false
    await this.#revocations.add(jti, claims.exp * 1000)
    return true
  }

  /** Revokes a token by its `jti`, immediately. @param expiresAt milliseconds since the epoch @throws PkiError `store` */
  revokeId(jti: string, expiresAt: number): Promise<void> {
    return this.#revocations.add(jti, expiresAt)
  }

  /** Returns whether a token has been revoked, as far as the list is read: `verify` reads it. */
  isRevoked(jti: string): boolean {
    return this.#revocations.has(jti)
  }

  /** Calls `listener` after a token was revoked, on any node. Returns the function that removes the listener. */
  watchRevocations(listener: () => void): () => void {
    return this.#revocations.watch(listener)
  }

  /** Stops following the other nodes. */
  close(): void {
    this.#revocations.close()
  }
}
