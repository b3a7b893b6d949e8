import type { SigningAlgorithm } from '../oauth2/algorithms.ts'
import type { TokenDefect } from '../oauth2/defects.ts'

export type { SigningAlgorithm, TokenDefect }

/** An access token that a test wants. */
export interface AccessTokenOptions {
  /** The account, by any form of its log-on name. It need not exist. */
  readonly user: string
  /** One or several scopes; a text can have several, separated by spaces. Default: those of all protocols. */
  readonly scope?: string | readonly string[]
  /** Seconds, or a time such as `5m`. Default: `oauth2.accessTokenLifetime` (1 hour). */
  readonly expiresIn?: number | string
  /** Default: the audience of the lab. */
  readonly audience?: string
  /** Default: `sealpost`. */
  readonly clientId?: string
  /** Default: RS256. */
  readonly algorithm?: SigningAlgorithm
  /** Deliberate defect of the token. */
  readonly defect?: TokenDefect
}
