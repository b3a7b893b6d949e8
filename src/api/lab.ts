import type { Tenants } from '../accounts/directory/tenants.ts'
import type { Directory } from '../accounts/directory/types.ts'
import type { OAuth2 } from '../accounts/oauth2/oauth2.ts'
import type { AuditedLab } from '../checks/audit/index.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import type { Fault, FaultInput } from '../core/config/schema/fault.ts'
import type { DmarcReportDefect } from '../core/config/schema/mail-authentication.ts'
import type { LineLevel } from '../core/config/schema/values.ts'
import type { ServerProtocol } from '../core/config/schema.ts'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import type { SessionCaptures } from '../core/sessions/session-captures.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import type { MovableClock } from '../core/time/movable-clock.ts'
import type { SharedValues } from '../core/values/shared-values.ts'
import type { Cluster } from '../storage/cluster/types.ts'
import type { Database } from '../storage/index.ts'
import type { Folder } from '../storage/store/folder.ts'
import type { MessageEntry, StoredMessage } from '../storage/store/message-entry.ts'
import type { Origin } from '../storage/store/origin.ts'
import type { MessageStore } from '../storage/store/types.ts'
import type { ServedTls } from '../tls/negotiation/routing.ts'
import type { AcmeDirectories } from '../tls/pki/acme/directory.ts'
import type { Authorities } from '../tls/pki/authority/authorities.ts'
import type { CertificateStore } from '../tls/pki/certificate-store/types.ts'
import type { Certificates } from '../tls/pki/lifecycle/certificates.ts'
import type { AuthorityService } from '../tls/pki/service/service.ts'
import type { InstalledCertificate } from '../tls/pki/types.ts'
import type { LocalMail } from '../transport/delivery/local-mail.ts'
import type { DeliveryServices } from '../transport/delivery/types.ts'
import type { DmarcDay } from '../transport/dmarc-reports/results.ts'
import type { NameService } from '../transport/dns/name-service.ts'
import type { MailAuthentication } from '../transport/mail-authentication/mail-authentication.ts'
import type { Feed } from '../transport/news/feeds/feeds.ts'
import type { NewsService } from '../transport/news/news-service.ts'
import type { OutgoingRecord } from '../transport/outgoing/record.ts'
import type { ConnectorTest, NewOutgoing, OutgoingQueue, ResolvedConnector } from '../transport/outgoing/types.ts'
import type { DayResults } from '../transport/tls-reports/results.ts'
import type { ApiConfiguration } from './configuration/types.ts'
import type { Statistics } from './metrics/statistics.ts'
import type { Traffic } from './metrics/traffic.ts'

/** The facts that name a certificate. */
export type CertificateName = Pick<InstalledCertificate, 'friendlyName' | 'thumbprint'>

/** A running virtual server. */
export interface EndpointFacts {
  readonly virtualServer: string
  readonly protocol: ServerProtocol
  readonly address: string
  /** Undefined if closed. */
  readonly port: number | undefined
  /** Undefined if closed. */
  readonly tlsPort: number | undefined
  /** False while its ports refuse or swallow connections. */
  readonly reachable: boolean
  /** The default certificate; undefined if none is assigned. */
  readonly certificate: CertificateName | undefined
  readonly requireSecureChannel: boolean
  readonly require128BitEncryption: boolean
  /** Whether clients with SSL 3.0, TLS 1.0 and the ciphers of the 1990s are accepted. */
  readonly legacyTls: boolean
  /** The addresses whose connections begin with a PROXY header. */
  readonly proxies: readonly string[]
}

/** Why the lab is not ready for clients. */
export interface NotReady {
  readonly part: 'lab' | 'ports' | 'store'
  readonly detail: string
}

/** A certificate that a virtual server serves. */
export interface ServedCertificate extends CertificateName, Pick<InstalledCertificate, 'certificatePem'> {
  readonly virtualServer: string
}

/** A certificate that is installed, and that a virtual server cannot serve. It serves its last good one, if it has one. */
export interface NotServed extends CertificateName {
  readonly virtualServer: string
  /** The end of a sentence. */
  readonly why: string
}

/** A line of the lab's log. */
export interface LogLine {
  /** Lines are counted from 1. */
  readonly id: string
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly at: number
  readonly level: LineLevel
  readonly message: string
  /** A JSON object. */
  readonly facts: string
}

/** The latest lines of the lab's log. */
export interface ApiLog {
  /** Returns the lines, newest first. */
  list(): readonly LogLine[]
  /** Returns a line; undefined if the lab no longer has it. */
  get(id: string): LogLine | undefined
  /** Calls `listener` with the id of each further line. Returns the function that removes the listener. */
  watch(listener: (id: string) => void): () => void
}

/** A fault that was added over the API. */
export interface AddedFault {
  readonly id: string
  readonly input: FaultInput
  /** The API that added it, if it was not the lab's own. */
  readonly purpose?: string
  /** How often it has happened, on all nodes of the lab together. */
  readonly hits: number
}

/** A one-click unsubscribe that arrived at a link of the lab. RFC 8058. */
export interface Unsubscribe {
  readonly id: string
  /** The name of the list in the link. */
  readonly list: string
  /** The address in the link. */
  readonly recipient: string
  /** Violations of RFC 8058 by the sender of the request, such as a cookie. */
  readonly problems: readonly string[]
  /** The field User-Agent. */
  readonly userAgent: string | null
  /** The id of the session. */
  readonly session: string
  /** Milliseconds since the epoch, by the clock of the lab. */
  readonly at: number
}

/** The one-click unsubscribes that arrived. */
interface ApiUnsubscribes {
  /** Returns those that are kept, the oldest first. */
  list(): readonly Unsubscribe[]
  add(facts: Omit<Unsubscribe, 'id' | 'at'>): void
  /** Calls `listener` for each further one. Returns the function that removes the listener. */
  watch(listener: (one: Unsubscribe) => void): () => void
}

export const messageEventTypes = [
  'delivered',
  'script',
  'stored',
  'moved',
  'read',
  'flags',
  'deleted',
  'reported',
  'queued',
  'sent',
  'deferred',
  'failed',
  'held',
  'unqueued',
] as const

/** Something that happened to a message. */
export interface MessageEvent {
  readonly type: (typeof messageEventTypes)[number]
  /** Milliseconds since the epoch, by the clock of the lab. */
  readonly at: number
  /** The folder of the copy. Absent: it happened to no copy in the lab. */
  readonly folder?: Folder | undefined
  readonly uid?: number | undefined
  /** Where a moved copy was before. */
  readonly from?: Folder | undefined
  /** The id of the session that did it. */
  readonly session?: string | undefined
  readonly user?: string | undefined
  /** The cause of a change of the store. */
  readonly origin?: Origin | undefined
  readonly recipients?: readonly string[] | undefined
  /** The reply of the next server, the name of a report, or what a script did. */
  readonly text?: string | undefined
  readonly connector?: string | undefined
  readonly destination?: string | undefined
  /** Flags that were set and removed. */
  readonly added?: readonly string[] | undefined
  readonly removed?: readonly string[] | undefined
}

/** The events of messages on this node. */
export interface ApiHistories {
  /** Returns the events of the copies of a content, the oldest first. */
  of(blob: string): readonly MessageEvent[]
  /** Records an event of a content. */
  add(blob: string, event: Omit<MessageEvent, 'at'>): void
  /** Records who reads messages of a folder, each reader once. */
  read(folder: Folder, entries: readonly MessageEntry[], reader: Origin): void
}

/** The faults of the lab. */
interface ApiFaults {
  /** The faults of the configuration, and how often each has happened. */
  readonly configured: readonly { readonly fault: Fault; readonly hits: number }[]
  /** Returns the faults that were added over the API, the oldest first. */
  shared(): readonly AddedFault[]
  /** Adds a fault on all nodes of the lab. Returns its id. @throws ConfigError listing every mistake in it */
  share(input: FaultInput, purpose?: string): Promise<string>
  /** Puts another fault in the place of one. Its hits are counted from 0 again. @throws ConfigError; then nothing changes */
  changeShared(id: string, input: FaultInput): Promise<void>
  removeShared(id: string): Promise<void>
  /** Calls `listener` each time a fault happens. Returns the function that removes the listener. */
  watch(listener: (name: string, session: SessionRecord) => void): () => void
}

/** A change of a running lab that operations of the API did not necessarily cause. */
export type LabChange =
  | {
      readonly type: 'certificate'
      readonly virtualServer: string
      /** Null: none. */
      readonly certificate: CertificateName | null
      readonly previous: CertificateName | null
    }
  | { readonly type: 'clock'; readonly now: string; readonly frozen: boolean; readonly offsetMs: number }
  | { readonly type: 'configuration'; readonly virtualServers: readonly string[] }
  /** The lab has exchanged articles with a peer, or failed to. */
  | {
      readonly type: 'feed'
      readonly virtualServer: string
      readonly peer: string
      readonly direction: string
      readonly state: string
    }

/** A message that a connector would send. */
export interface PlannedDelivery {
  readonly connector: string
  readonly destination: string
  readonly mailFrom: string
  readonly recipients: string[]
}

/** The mail that the lab sends to other hosts. */
export interface ApiOutgoing {
  readonly queue: OutgoingQueue
  readonly record: OutgoingRecord
  /** Returns what would be sent. @throws OutgoingRefused */
  plan(mail: NewOutgoing): PlannedDelivery[]
  /** Opens a session to the next host of a connector, without mail. */
  test(
    connector: ResolvedConnector,
    options: { readonly domain?: string | undefined; readonly signal: AbortSignal },
  ): Promise<ConnectorTest>
}

/** A report to another domain that was sent, or could not be sent. */
export interface SentReport {
  readonly domain: string
  /** The day in UTC, as `2026-01-31`. */
  readonly day: string
  /** The URI that the domain asks for; undefined if it asks for no reports. */
  readonly to: string | undefined
  /** Why it could not be sent. */
  readonly problem: string | undefined
}

/** Reports about the TLS of mail that the lab sends. */
export interface ApiTlsReports {
  list(domain?: string): Promise<readonly DayResults[]>
  send(domain: string | undefined, signal: AbortSignal): Promise<readonly SentReport[]>
}

/** DMARC reports about mail that the lab received. */
export interface ApiDmarcReports {
  list(domain?: string): Promise<readonly DmarcDay[]>
  send(
    domain: string | undefined,
    options: { readonly defect?: DmarcReportDefect | undefined },
  ): Promise<readonly SentReport[]>
}

/** The lab as the operations use it. */
export interface ApiLab {
  readonly config: ResolvedLab
  readonly clock: MovableClock
  /** The nodes that serve the lab. */
  readonly cluster: Cluster
  readonly store: MessageStore
  /** Undefined if the lab has a store of its own. */
  readonly database: Pick<Database, 'node' | 'schema' | 'state' | 'usage' | 'isFull'> | undefined
  readonly directory: Directory
  readonly oauth2: Pick<OAuth2, 'tokens'>
  readonly mailAuthentication: Pick<MailAuthentication, 'check' | 'keyRecords'>
  readonly tenants: Tenants
  /** Values that the nodes of the lab share, besides mail and certificates. */
  readonly values: SharedValues
  readonly sessionLog: SessionLog
  readonly logLines: ApiLog
  readonly intake: Intake
  /** The traffic of the latest sessions. */
  readonly captures: { readonly sessions: Pick<SessionCaptures, 'has' | 'read'> }
  readonly certificateStore: CertificateStore
  readonly certificates: Certificates
  readonly authorities: Authorities
  /** The HTTP service of the authorities with its ACME directories; undefined if it is off. */
  readonly pki: {
    readonly service: { readonly http: AuthorityService; readonly acme: AcmeDirectories | undefined } | undefined
  }
  readonly faults: ApiFaults
  readonly unsubscribes: ApiUnsubscribes
  readonly histories: ApiHistories
  /** The zones of the lab; without names if its configuration has no DNS. */
  readonly dns: { readonly names: NameService | undefined }
  /** The mail that the lab sends to other hosts. */
  readonly outgoing: ApiOutgoing
  readonly tlsReports: ApiTlsReports
  readonly dmarcReports: ApiDmarcReports
  /** Undefined if the lab does not know where its configuration comes from. */
  readonly configuration: ApiConfiguration | undefined
  /** Counts since the start, and samples of the last hour; undefined without an HTTP virtual server. */
  readonly metrics: { readonly traffic: Traffic | undefined; readonly statistics: Statistics | undefined }
  /** When the lab was opened, milliseconds since the epoch, by the clock of the machine. */
  readonly openedAt: number
  readonly virtualServers: {
    /**
     * Ends the sessions of an account on all nodes. Resolves once they have ended.
     * @param asking the id of the session that asks for it: it ends after its answer
     */
    endSessionsOf(user: string, asking?: string): Promise<void>
  }
  /** Delivers reports. */
  readonly services: DeliveryServices
  /** The newsgroups, and the feeds of the virtual servers. */
  readonly news: { readonly service: Pick<NewsService, 'post'>; feeds(): readonly Feed[] }
  endpoints(): readonly EndpointFacts[]
  /** Why a balancer should not send clients here; empty if it may. */
  notReady(): readonly NotReady[]
  readonly servedCertificates: {
    /** Returns the certificates that each virtual server serves. */
    list(): readonly ServedCertificate[]
    /** Returns the certificates that are installed and cannot be served. */
    notServed(): readonly NotServed[]
    /** Returns what clients can negotiate with a virtual server by TLS; undefined without a certificate. */
    tls(virtualServer: string): Promise<ServedTls | undefined>
  }
  /** Calls `listener` for each change. Returns the function that removes the listener. */
  readonly changes: { watch(listener: (change: LabChange) => void): () => void }
  /** Delivers a message without SMTP. Returns its copies. */
  deliver(mail: LocalMail): Promise<readonly StoredMessage[]>
  /** Opens another lab, without a log. */
  openLab(config: ResolvedLab): Promise<AuditedLab>
  /** Logs the failure of something that no request waits for. */
  logError(error: unknown, message: string): void
  reset(): Promise<void>
}
