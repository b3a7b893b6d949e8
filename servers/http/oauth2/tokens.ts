import type { Adapter, Payload, Provider } from 'oidc-provider'
import type { OAuth2 } from '../../../src/accounts/oauth2/oauth2.ts'
import type { Storage } from './storage.ts'

/** The kinds of records that are access tokens. */
const KINDS = ['AccessToken', 'ClientCredentials'] as const

const MARGIN_SECONDS = 5

const WRAPPED = 'jwt-'

/** Hides from oidc-provider that a token is a JWT: it refuses to revoke or introspect anything that looks like one. */
export const wrapToken = (token: string): string =>
  token.includes('.') ? `${WRAPPED}${Buffer.from(token).toString('base64url')}` : token

const unwrapToken = (value: string): string =>
  value.startsWith(WRAPPED) ? Buffer.from(value.slice(WRAPPED.length), 'base64url').toString('utf8') : value

/**
 * Makes the access tokens of a provider those of the lab: JWT that every server of the lab accepts. oidc-provider's own
 * are either opaque, or JWT that it forgets and so can neither introspect nor revoke.
 * @param accountOf returns the account for which a client gets tokens with its own credentials
 */
export function issueLabTokens(
  provider: Provider,
  { tokens }: OAuth2,
  accountOf: (clientId: string) => string | undefined,
): void {
  for (const kind of KINDS) {
    const { prototype } = provider[kind]
    const original = prototype.getValueAndPayload
    prototype.getValueAndPayload = async function issue() {
      const { payload } = await original.call(this)
      const { accessToken, jti } = await tokens.issue({
        user: this.accountId ?? accountOf(this.clientId) ?? this.clientId,
        scope: this.scope?.split(' ') ?? [],
        clientId: this.clientId,
        expiresInMs: this.expiration * 1000,
      })
      this.jti = jti
      return { value: accessToken, payload: { ...payload, jti } }
    }
  }
}

/** Returns what stores access tokens: found by the token itself, if it is valid, and revoked everywhere. */
export function tokenAdapter(kind: string, storage: Storage, oauth2: OAuth2): Adapter {
  const stored = storage.adapter(kind)
  const revoke = async (payload: Payload | undefined): Promise<void> => {
    const { jti, exp } = payload ?? {}
    // The token was signed a moment later than the package has counted.
    if (jti !== undefined && exp !== undefined) await oauth2.tokens.revokeId(jti, storage.labTime(exp + MARGIN_SECONDS))
  }
  return {
    ...stored,
    async find(value) {
      const verified = await oauth2.tokens.verify(unwrapToken(value))
      if (verified.kind === 'refused' || verified.token.issuer !== oauth2.settings.issuer) return undefined
      const { jti, account, clientId, scope, expiresAt } = verified.token
      if (jti === undefined) return undefined
      const known = await stored.find(jti)
      if (known || kind !== 'AccessToken') return known
      // `lab.accessToken` has issued it, or it was dropped.
      if (await storage.adapter('ClientCredentials').find(jti)) return undefined
      const exp = storage.packageTime(expiresAt)
      const found = { jti, kind, accountId: account.user, clientId: clientId ?? '', scope: scope.join(' '), exp }
      await stored.upsert(jti, found)
      return found
    },
    async destroy(jti) {
      await revoke(await stored.find(jti))
      await stored.destroy(jti)
    },
    async revokeByGrantId(grantId) {
      for (const payload of await storage.ofGrant(kind, grantId)) await revoke(payload)
      await stored.revokeByGrantId(grantId)
    },
  }
}
