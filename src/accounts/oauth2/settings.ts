import type { OAuth2Config } from '../../core/config/schema/oauth2.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import { errorForms } from './error-forms.ts'

/** The contents of the lab's tokens, and the tokens that it accepts. A reload can change it. */
export interface OAuth2Settings extends OAuth2Config {
  readonly issuer: string
  readonly audience: string
  /** URL of the discovery document; undefined without an HTTP virtual server. OpenID Connect Discovery 1.0 section 4. */
  readonly configurationUrl: string | undefined
}

/** The facts on which the settings depend. */
interface SettingsSource {
  readonly config: OAuth2Config
  readonly hostname: string
  /** The URL of the first HTTP virtual server, if there is one. */
  readonly httpUrl: string | undefined
}

/** Fills in the defaults that depend on the lab. */
export function oauth2Settings({ config, hostname, httpUrl }: SettingsSource): OAuth2Settings {
  const issuer = (config.issuer ?? httpUrl ?? `https://${hostname}`).replace(/\/$/, '')
  const hasEndpoints = config.issuer !== undefined || httpUrl !== undefined
  return {
    ...config,
    issuer,
    audience: config.audience ?? `https://${hostname}`,
    configurationUrl: hasEndpoints ? `${issuer}/.well-known/openid-configuration` : undefined,
  }
}

/** Paths of the authorization server, below the issuer, that clients are configured with. */
export const endpointPaths = { authorization: '/oauth2/authorize', token: '/oauth2/token' } as const

interface Endpoint {
  readonly protocol: string
  readonly port: number | undefined
  readonly tlsPort: number | undefined
}

/** Returns the URL of the first HTTP virtual server, by https if it has a TLS port; undefined if there is none. */
export function httpUrlOf(endpoints: readonly Endpoint[], hostname: string): string | undefined {
  const found = endpoints.find(({ protocol, port, tlsPort }) => protocol === 'http' && (port ?? tlsPort) !== undefined)
  if (!found) return undefined
  const { port, tlsPort } = found
  return tlsPort === undefined ? `http://${hostname}:${port}` : `https://${hostname}:${tlsPort}`
}

/** The scope of mail by every protocol. draft-ietf-mailmaint-oauth-public-02. */
const MAIL_SCOPE = 'urn:ietf:params:oauth:scope:mail'

/** Returns the scopes of which a token needs one for a protocol. */
export function scopesOf(
  { scopes, errorForm, mailClients }: OAuth2Config,
  protocol: ServerProtocol,
): readonly string[] {
  const own = scopes?.[protocol] ?? [errorForms[errorForm].scopes[protocol]]
  const isMail = protocol === 'smtp' || protocol === 'pop3' || protocol === 'imap4'
  return mailClients && isMail ? [...own, MAIL_SCOPE] : own
}
