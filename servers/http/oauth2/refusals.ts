import type { KoaContext, Provider, ProviderError } from 'oidc-provider'
import { claimText } from '../../../src/accounts/oauth2/claims.ts'
import type { ServerContext } from '../../service.ts'
import { requestOf } from './bridge.ts'

/** The refused step, by the event of oidc-provider. */
const REQUESTS: Readonly<Record<string, string>> = {
  'authorization.error': 'an authorization',
  'grant.error': 'a token',
  'device_authorization.error': 'a device code',
  'code_verification.error': 'the code of a device',
  'device_resume.error': 'the log-on for a device',
  'pushed_authorization_request.error': 'a pushed authorization request',
  'introspection.error': 'an introspection',
  'revocation.error': 'a revocation',
  'userinfo.error': 'user information',
}

/** Errors that are a part of normal operation. RFC 8628 section 3.5. */
const EXPECTED = new Set(['authorization_pending', 'slow_down'])

const NO_ACCOUNT = 'the account no longer exists, or is locked'

/** Reasons of oidc-provider that need other words. */
const WORDS: Readonly<Record<string, string>> = {
  'client not found': 'no client has this name; list it in oauth2.clients',
  'invalid secret provided': 'the client secret is wrong',
  'the provided authentication mechanism does not match the registered client authentication method':
    'the client must send its secret if it has one, and none if it has none',
  'no client authentication mechanism provided': 'the request names no client (client_id)',
  'requested grant type is not allowed for this client':
    'the client may not use this grant; client_credentials needs clientSecret and user in oauth2.clients',
  "redirect_uri did not match any of the client's registered redirect_uris":
    'the redirect_uri is not one of the client; list it in redirectUris',
  'authorization request resolved without requesting interactions but no scope was granted':
    'the lab has none of the requested scopes',
  'access token not found': 'the access token is unknown, expired or revoked',
  'no access token provided': 'the request has no access token (Authorization: Bearer TOKEN)',
  'refresh token is expired': 'the refresh token has expired (refreshTokenLifetime)',
  'PKCE verification failed': 'the code_verifier is not the one of the code_challenge',
  'client mismatch': 'the code or token belongs to another client',
  'grant not found': 'the log-on has ended: it was revoked, or the lab was reset',
  'authorization code is expired': 'the authorization code has expired; it is valid for a minute',
  'authorization code redirect_uri mismatch': 'the redirect_uri is not the one of the authorization',
  'Authorization Server policy requires PKCE to be used for this request':
    'the request has no code_challenge, which a client without a secret must send (PKCE)',
  'refresh token already used':
    'the refresh token was used before; every token of this log-on is revoked, because somebody else may have it',
  'refresh token not found': 'the refresh token is unknown or revoked',
  'authorization code not found': 'the authorization code is unknown, or has expired',
  'authorization code already consumed': 'the authorization code was used before; its tokens are revoked',
  'authorization code invalid (referenced account not found)': NO_ACCOUNT,
  'refresh token invalid (referenced account not found)': NO_ACCOUNT,
  'device code invalid (referenced account not found)': NO_ACCOUNT,
}

/** Writes what the authorization server refuses to the log and to the session, in plain words. */
export function recordRefusals(provider: Provider, { log }: ServerContext): void {
  for (const [event, what] of Object.entries(REQUESTS)) {
    provider.on(event, (ctx, error) => {
      const { error: code, error_detail: detail, error_description: description } = error
      if (code !== undefined && EXPECTED.has(code)) return
      const { record } = requestOf(ctx).connection
      const text = `refused ${what}${clientIn(ctx)}: ${reasonOf(error)}${code === undefined ? '' : ` (${code})`}`
      record.refused(text)
      log.info({ session: record.id, error: code, description, detail }, `oauth2: ${text}`)
    })
  }
  provider.on('server_error', (ctx, err) => {
    log.error({ session: requestOf(ctx).connection.record.id, err }, 'oauth2: request failed')
  })
}

/** Returns the reason for people. The package tells clients less than the log. */
export function reasonOf({ error_detail: detail, error_description: description, message }: ProviderError): string {
  const reason = detail ?? description ?? message
  return WORDS[reason] ?? reason
}

function clientIn({ oidc }: KoaContext): string {
  const name = oidc.client?.clientId ?? oidc.params?.client_id
  return typeof name === 'string' ? ` to the client ${claimText(name)}` : ''
}

/** Returns a text as a sentence. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
