import type { Logger } from 'pino'
import type { Tenants } from '../src/accounts/directory/tenants.ts'
import type { Account } from '../src/accounts/directory/types.ts'
import type { OAuth2 } from '../src/accounts/oauth2/oauth2.ts'
import type { Api } from '../src/api/api.ts'
import type { ApiHistories } from '../src/api/lab.ts'
import type { Captured } from '../src/core/config/schema/directory.ts'
import type { ServerProtocol, TokenConfig, VirtualServerConfig } from '../src/core/config/schema.ts'
import type { Clock } from '../src/core/time/clock.ts'
import type { SharedValues } from '../src/core/values/shared-values.ts'
import type { Connection } from '../src/net/connection.ts'
import type { Rates } from '../src/net/rates.ts'
import type { LimitedBy } from '../src/net/virtual-server-settings.ts'
import type { RetentionRule } from '../src/storage/store/retention.ts'
import type { ScriptLimits } from '../src/storage/store/sieve-scripts.ts'
import type { DeliveryServices } from '../src/transport/delivery/types.ts'
import type { MailAuthentication } from '../src/transport/mail-authentication/mail-authentication.ts'
import type { ConfiguredPolicy } from '../src/transport/mta-sts/configured.ts'

/** The parts of a lab that sessions use. A reload replaces them as a whole. */
export interface LabServices extends DeliveryServices {
  /** Issues and verifies access tokens. */
  readonly oauth2: OAuth2
  /** Checks mail that arrives. */
  readonly mailAuthentication: MailAuthentication
  /** The rules that delete old messages. */
  readonly retention: readonly RetentionRule[]
  /** Whether a full store deletes its oldest messages. */
  readonly dropsOldest: boolean
  readonly clock: Clock
  /** Values that all nodes share. */
  readonly values: Pick<SharedValues, 'map'>
  /** Records what happens to messages. */
  readonly histories: Pick<ApiHistories, 'add' | 'read'>
  /** Counts what is limited by `limits.rate`. */
  readonly rates: Rates
  /** The operations that HTTP offers. Loaded when they are first used. */
  readonly api: () => Promise<Api>
  /** The same operations without the index of messages, which `api` loads: enough to read the health of the lab. */
  readonly idleApi: () => Promise<Api>
  /** The accounts and newsgroups of each tenant. */
  readonly tenants: Tenants
  /** HTTP: the accounts that may do everything. */
  readonly administrators: readonly string[]
  /** Captured mail: its folders, and the accounts that see them. */
  readonly captured: Captured
  /** The host names of the lab. */
  readonly labNames: readonly string[]
  /** Returns the URL of the session object of JMAP; undefined if no virtual server offers JMAP. */
  readonly jmapUrl: () => string | undefined
  /** The limits of Sieve scripts. */
  readonly sieve: ScriptLimits
  /** HTTP: the MTA-STS policy of the mail domain. */
  readonly mtaSts: ConfiguredPolicy | undefined
}

/** The parts of a lab that the sessions of a virtual server use. */
export interface ServerContext extends LabServices {
  readonly config: VirtualServerConfig
  /** The virtual server's name, or the default if the configuration gives none. */
  readonly name: string
  readonly log: Logger
  /** HTTP: the programs that may call, by their tokens. */
  readonly tokens: readonly TokenConfig[]
  /** Returns the context after the latest reload, which decides who may call, also on open connections. */
  readonly latest: () => ServerContext
}

/** Returns whether an account is a reader of captured mail. */
export const isCapturedReader = (
  { captured: { readers } }: Pick<ServerContext, 'captured'>,
  { user }: Pick<Account, 'user'>,
): boolean => readers === 'all' || readers.some((name) => name.toLowerCase() === user.toLowerCase())

/** Returns the folder of captured mail that an account has as its INBOX; undefined if its INBOX is its own. */
export function capturedInboxOf(
  { captured, config }: Pick<ServerContext, 'captured' | 'config'>,
  { user }: Pick<Account, 'user'>,
): string | undefined {
  if (config.maildrop !== 'captured') return undefined
  const own = Object.entries(captured.inboxes ?? {}).find(([name]) => name.toLowerCase() === user.toLowerCase())
  return own?.[1] ?? captured.folder
}

/** A protocol that virtual servers can speak. */
export interface ProtocolService {
  readonly protocol: ServerProtocol
  /** The ALPN names that a client may choose. RFC 7301 and IANA's registry of ALPN protocol ids. */
  readonly alpn: readonly string[]
  /** Whether clients that offer only other names are refused. Default: they are served, as by a server without ALPN. */
  readonly isAlpnStrict?: true
  /**
   * Serves one connection from the greeting to its end. On a port with implicit TLS, the handshake is already done.
   * Rejects with HandshakeFailure if STARTTLS failed, and with errors that the listener should log.
   */
  serve(connection: Connection, context: ServerContext): Promise<void>
  /** Returns the line, without CRLF, that refuses a client over a limit of connections or memory. */
  readonly busy: (context: ServerContext, limited: LimitedBy) => string
}

const WHY_BUSY: Readonly<Record<LimitedBy, string>> = {
  address: 'Too many connections from your address',
  server: 'Too many connections',
  memory: 'Not enough memory',
}

/** Returns the text that names the limit that refuses a connection. */
export const whyBusy = (limited: LimitedBy): string => WHY_BUSY[limited]
