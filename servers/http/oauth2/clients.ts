import { isIP } from 'node:net'
import type { Provider } from 'oidc-provider'
import type { OAuth2ClientConfig } from '../../../src/core/config/schema/oauth2.ts'
import { isLoopback } from '../../../src/core/network/ip-address.ts'

/** The public client that every lab has, unless the configuration lists one with this name. */
export const DEFAULT_CLIENT = { clientId: 'sealpost', redirectUris: [] } satisfies OAuth2ClientConfig

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/** Stands for every address of the machine of the client. RFC 8252 section 7.3. */
const LOOPBACK = ['http://127.0.0.1/', 'http://[::1]/', 'http://localhost/']

/** Returns the clients of the lab. */
export const clientsOf = (configured: readonly OAuth2ClientConfig[]): readonly OAuth2ClientConfig[] =>
  configured.some(({ clientId }) => clientId === DEFAULT_CLIENT.clientId) ? configured : [DEFAULT_CLIENT, ...configured]

/** Returns the account for which a client gets tokens with its own credentials. */
export const accountOf = (configured: readonly OAuth2ClientConfig[], id: string): string | undefined =>
  configured.find(({ clientId }) => clientId === id)?.user

/** Returns what oidc-provider must know about a client. RFC 7591 section 2. */
export function metadataOf({ clientId, clientSecret, redirectUris, user }: OAuth2ClientConfig): object {
  const isPublic = clientSecret === undefined
  // The package takes no web addresses beside those of an app. `matchRedirections` decides which are allowed.
  const ofApp = redirectUris.filter((uri) => !/^https?:/i.test(uri))
  const known = [ofApp, redirectUris, LOOPBACK].find(({ length }) => length > 0)
  return {
    client_id: clientId,
    ...(isPublic ? {} : { client_secret: clientSecret }),
    // It takes the secret in the body and in the header field alike.
    token_endpoint_auth_method: isPublic ? 'none' : 'client_secret_basic',
    application_type: ofApp.length > 0 ? 'native' : 'web',
    redirect_uris: known,
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      DEVICE_CODE,
      ...(isPublic || user === undefined ? [] : ['client_credentials']),
    ],
  }
}

/**
 * Lets clients redirect to the URIs that are listed for them; to those of the client's own machine, with any port. A
 * client without any may use every address of its own machine. RFC 8252 section 7.3.
 */
export function matchRedirections(provider: Provider, clients: readonly OAuth2ClientConfig[]): void {
  const listed = new Map(clients.map(({ clientId, redirectUris }) => [clientId, redirectUris]))
  provider.Client.prototype.redirectUriAllowed = function isAllowed(uri) {
    // A client that has registered itself brings its own. RFC 7591 section 2
    const known = listed.get(this.clientId) ?? this.redirectUris ?? []
    if (known.length === 0) return withoutPort(uri) !== undefined
    if (known.includes(uri)) return true
    const local = withoutPort(uri)
    return local !== undefined && known.some((one) => withoutPort(one) === local)
  }
}

/** Returns a URI of the client's own machine without its port; undefined for other URIs. */
function withoutPort(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined
  const url = new URL(uri)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol !== 'http:' || url.hash !== '' || url.username !== '' || url.password !== '') return undefined
  if (host !== 'localhost' && !(isIP(host) !== 0 && isLoopback(host))) return undefined
  url.port = ''
  return url.href
}
