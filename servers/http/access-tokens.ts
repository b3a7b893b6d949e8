import type { Account } from '../../src/accounts/directory/types.ts'
import type { TokenRefusal } from '../../src/accounts/oauth2/refusals.ts'
import type { ServerContext } from '../service.ts'
import type { Credential } from './browser-sessions.ts'

/** Three parts in base64url, of which the last may be empty. RFC 7515 section 7.1. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Why an access token is refused, with the parameters of WWW-Authenticate. RFC 6750 section 3. */
interface RefusedAccessToken {
  readonly why: string
  readonly parameters: string
  readonly isForbidden: boolean
}

/** Returns the account of an access token, or why it is refused; undefined for a token of another kind. */
export async function accountOfToken(
  token: string,
  { oauth2 }: Pick<ServerContext, 'oauth2'>,
): Promise<Account | RefusedAccessToken | undefined> {
  if (!JWT.test(token)) return undefined
  const result = await oauth2.verifyFor('http', token)
  return result.kind === 'valid' ? result.token.account : refusedToken(result.refusal, oauth2.scopesFor('http'))
}

/** Returns what a browser is remembered by that has logged on with an access token; undefined for a token of another kind. */
export async function browserCredential(
  token: string,
  { oauth2 }: Pick<ServerContext, 'oauth2'>,
): Promise<Credential | undefined> {
  if (!JWT.test(token)) return undefined
  const result = await oauth2.verifyFor('http', token)
  if (result.kind === 'refused') return undefined
  const { account, jti, expiresAt } = result.token
  return { kind: 'access-token', user: account.user, jti, expiresAt }
}

/** Returns whether the access token of a browser is still valid. */
export const isStillValid = (
  { jti, expiresAt }: Extract<Credential, { readonly kind: 'access-token' }>,
  { oauth2, clock }: Pick<ServerContext, 'oauth2' | 'clock'>,
): boolean => clock.now() < expiresAt && (jti === undefined || !oauth2.tokens.isRevoked(jti))

function refusedToken({ error, text }: TokenRefusal, scopes: readonly string[]): RefusedAccessToken {
  const why = `the access token ${text}`
  // RFC 6750 section 3: the characters of error_description.
  const description = why.replaceAll('’', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
  const isForbidden = error === 'insufficient_scope'
  const scope = isForbidden ? `, scope="${scopes.join(' ')}"` : ''
  return { why, parameters: `, error="${error}", error_description="${description}"${scope}`, isForbidden }
}
