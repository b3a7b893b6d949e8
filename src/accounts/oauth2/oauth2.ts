import type { OAuth2Config } from '../../core/config/schema/oauth2.ts'
import { type ServerProtocol, serverProtocols } from '../../core/config/schema.ts'
import type { Clock } from '../../core/time/clock.ts'
import type { StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import type { BearerTokens } from '../directory/sasl/bearer-tokens.ts'
import type { Directory } from '../directory/types.ts'
import { errorForms } from './error-forms.ts'
import { TokenSigningKeys } from './keys.ts'
import { httpUrlOf, type OAuth2Settings, oauth2Settings, scopesOf } from './settings.ts'
import { AccessTokens } from './tokens.ts'
import type { Verification } from './types.ts'

/** The parts of a lab that tokens depend on. */
interface OAuth2Services {
  /** Keeps the keys. */
  readonly certificateStore: { readonly files: Pick<StoreFiles, 'read' | 'exclusively' | 'watch'> }
  readonly clock: Clock
  readonly directory: Directory
  readonly config: { readonly hostname: string; readonly oauth2: OAuth2Config }
  endpoints(): Parameters<typeof httpUrlOf>[0]
}

/** The access tokens of a lab: its keys, its settings, and what it accepts. A lab has one. */
export class OAuth2 {
  readonly keys: TokenSigningKeys
  readonly tokens: AccessTokens
  readonly #lab: OAuth2Services

  constructor(lab: OAuth2Services) {
    this.#lab = lab
    const { files } = lab.certificateStore
    this.keys = new TokenSigningKeys(files)
    this.tokens = new AccessTokens({
      files,
      keys: this.keys,
      clock: lab.clock,
      directory: () => lab.directory,
      settings: () => this.settings,
      allScopes: () => this.allScopes,
    })
  }

  /** The settings of the current configuration. */
  get settings(): OAuth2Settings {
    const { oauth2, hostname } = this.#lab.config
    return oauth2Settings({ config: oauth2, hostname, httpUrl: httpUrlOf(this.#lab.endpoints(), hostname) })
  }

  /** The scopes of all protocols. */
  get allScopes(): readonly string[] {
    const { settings } = this
    return [...new Set(serverProtocols.flatMap((protocol) => scopesOf(settings, protocol)))]
  }

  /** Returns the scopes of which a token needs one for a protocol. */
  scopesFor(protocol: ServerProtocol): readonly string[] {
    return scopesOf(this.settings, protocol)
  }

  /** Verifies a token for a protocol. @throws PkiError `store` if the lab's keys cannot be read */
  verifyFor(protocol: ServerProtocol, token: string): Promise<Verification> {
    return this.tokens.verify(token, this.scopesFor(protocol))
  }

  /** Returns what the SASL mechanisms of a protocol need. */
  bearerTokens(protocol: ServerProtocol): BearerTokens {
    return {
      verify: async (token) => {
        const result = await this.verifyFor(protocol, token)
        return result.kind === 'valid' ? { account: result.token.account } : result.refusal
      },
      errorResponse: (mechanism, error) => {
        const { settings } = this
        const { configurationUrl, errorForm } = settings
        const scope = scopesOf(settings, protocol).join(' ')
        const response = errorForms[errorForm].response({ mechanism, error, scope, configurationUrl })
        return response && Buffer.from(JSON.stringify(response))
      },
    }
  }

  /** Stops following the other nodes of the lab. */
  close(): void {
    this.tokens.close()
  }
}
