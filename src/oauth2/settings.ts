import type { OAuth2Config } from '../config/schema/oauth2.ts'
import type { ServerProtocol } from '../config/schema.ts'
import { errorForms } from './error-forms.ts'

/** What the lab's tokens say, and which tokens it accepts. A reload can change it. */
export interface OAuth2Settings extends OAuth2Config {
  readonly issuer: string
  readonly audience: string
  /** URL of the discovery document; undefined without an HTTP virtual server. OpenID Connect Discovery 1.0 section 4. */
  readonly configurationUrl: string | undefined
}

/** What the settings depend on. */
export interface SettingsSource {
  readonly config: OAuth2Config
  readonly hostname: string
  /** The URL of the first HTTP virtual server, if there is one. */
  readonly httpUrl: string | undefined
}

/** Fills in the defaults that depend on the lab. */
export function settingsOf({ config, hostname, httpUrl }: SettingsSource): OAuth2Settings {
  const issuer = (config.issuer ?? httpUrl ?? `https://${hostname}`).replace(/\/$/, '')
  const hasEndpoints = config.issuer !== undefined || httpUrl !== undefined
  return {
    ...config,
    issuer,
    audience: config.audience ?? `https://${hostname}`,
    configurationUrl: hasEndpoints ? `${issuer}/.well-known/openid-configuration` : undefined,
  }
}

/** Returns the scopes of which a token needs one for a protocol. */
export const scopesOf = ({ scopes, errorForm }: OAuth2Config, protocol: ServerProtocol): readonly string[] =>
  scopes?.[protocol] ?? [errorForms[errorForm].scopes[protocol]]
