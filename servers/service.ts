import type { Logger } from 'pino'
import type { Api } from '../src/api/api.ts'
import type { Clock } from '../src/common/clock.ts'
import type { Tagging } from '../src/config/schema/tagging.ts'
import type { ServerProtocol, TokenConfig, VirtualServerConfig } from '../src/config/schema.ts'
import type { ReportSchedule } from '../src/delivery/reports/types.ts'
import type { Tenants } from '../src/directory/tenants.ts'
import type { Account, Directory } from '../src/directory/types.ts'
import type { MailAuthentication } from '../src/mail-authentication/mail-authentication.ts'
import type { ConfiguredPolicy } from '../src/mta-sts/configured.ts'
import type { Connection } from '../src/net/connection.ts'
import type { Rates } from '../src/net/rates.ts'
import type { LimitedBy } from '../src/net/virtual-server-settings.ts'
import type { NewsService } from '../src/news/news-service.ts'
import type { OAuth2 } from '../src/oauth2/oauth2.ts'
import type { OutgoingSite } from '../src/outgoing/plan.ts'
import type { RetentionRule } from '../src/store/retention.ts'
import type { MessageStore } from '../src/store/types.ts'

/** The part of the lab that sessions use. Each virtual server has one, and a reload replaces it as a whole. */
export interface ServerContext {
  readonly config: VirtualServerConfig
  /** The virtual server's name, or the default if the configuration gives none. */
  readonly name: string
  readonly hostname: string
  readonly store: MessageStore
  readonly directory: Directory
  /** Issues and verifies access tokens. */
  readonly oauth2: OAuth2
  /** Checks mail that arrives. */
  readonly mailAuthentication: MailAuthentication
  /** The newsgroups. NNTP requires it, and SMTP uses it to post mail for newsgroups. */
  readonly news?: NewsService
  /** Sends mail to other hosts. */
  readonly outgoing?: OutgoingSite
  /** Sends reports and replies later. SMTP uses it. */
  readonly reports?: ReportSchedule
  /** The rules that delete old messages. */
  readonly retention: readonly RetentionRule[]
  /** Whether a full store deletes its oldest messages. */
  readonly dropsOldest: boolean
  readonly clock: Clock
  /** Counts what is limited by `limits.rate`. */
  readonly rates: Rates
  readonly log: Logger
  /** The operations that HTTP offers. Loaded when they are first used. */
  readonly api: () => Promise<Api>
  /** The same, which know no messages until `api` was called: enough for those who only ask for the health of the lab. */
  readonly idleApi: () => Promise<Api>
  /** Which accounts and newsgroups belong to which tenant. */
  readonly tenants: Tenants
  /** HTTP: the programs that may call, by their tokens. */
  readonly tokens: readonly TokenConfig[]
  /** HTTP: the accounts that may do everything. */
  readonly administrators: readonly string[]
  /** The accounts that see captured mail. */
  readonly capturedReaders: 'all' | readonly string[]
  /** The tags that mail gets. Absent: none. */
  readonly tagging?: Tagging | undefined
  /** The folder of all captured mail. Absent: each domain has one. */
  readonly capturedFolder?: string | undefined
  /** The host names of the lab. */
  readonly labNames: readonly string[]
  /** HTTP: the MTA-STS policy of the mail domain. */
  readonly mtaSts: ConfiguredPolicy | undefined
  /** Returns what a reload has put in its place: it decides who may call, also on open connections. */
  readonly latest: () => ServerContext
}

/** Returns whether an account is a reader of captured mail. */
export const isCapturedReader = (
  { capturedReaders }: Pick<ServerContext, 'capturedReaders'>,
  { user }: Pick<Account, 'user'>,
): boolean => capturedReaders === 'all' || capturedReaders.some((name) => name.toLowerCase() === user.toLowerCase())

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
