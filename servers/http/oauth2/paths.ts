import { endpointPaths } from '../../../src/accounts/oauth2/settings.ts'

/** The paths of the authorization server, by the names that oidc-provider has for them. */
export const PATHS = {
  ...endpointPaths,
  device_authorization: '/oauth2/device_authorization',
  code_verification: '/oauth2/device',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  registration: '/oauth2/register',
  userinfo: '/oauth2/userinfo',
  jwks: '/oauth2/jwks',
  pushed_authorization_request: '/oauth2/par',
  end_session: '/oauth2/end_session',
  /** The page on which a person logs on. */
  logOn: '/oauth2/log-on',
  /** The add-on for Thunderbird. */
  thunderbird: '/oauth2/thunderbird.xpi',
} as const

/** The paths of discovery. RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4. */
const DISCOVERY = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']

/** Returns whether a path is one of the authorization server. */
export const isOAuth2 = (path: string): boolean => path.startsWith('/oauth2/') || DISCOVERY.includes(path)

type Name = keyof typeof PATHS

/** The methods of each path besides OPTIONS. All others are for POST alone. */
const METHODS: Partial<Readonly<Record<Name, readonly string[]>>> = {
  authorization: ['GET', 'HEAD'],
  code_verification: ['GET', 'HEAD', 'POST'],
  userinfo: ['GET', 'HEAD', 'POST'],
  jwks: ['GET', 'HEAD'],
  logOn: ['GET', 'HEAD', 'POST'],
  thunderbird: ['GET', 'HEAD'],
}

/** Returns the methods of a path; undefined if the authorization server does not have it. */
export function methodsOf(path: string): readonly string[] | undefined {
  if (DISCOVERY.includes(path)) return ['GET', 'HEAD']
  // `authorization` and the page of the device continue below their own paths.
  const found = (Object.keys(PATHS) as Name[]).find((name) => path === PATHS[name] || isBelow(path, name))
  return found && found !== 'end_session' ? (METHODS[found] ?? ['POST']) : undefined
}

const CONTINUED: readonly Name[] = ['authorization', 'code_verification', 'logOn']

const isBelow = (path: string, name: Name): boolean =>
  CONTINUED.includes(name) && /^\/[\w-]+$/.test(path.slice(PATHS[name].length)) && path.startsWith(PATHS[name])
