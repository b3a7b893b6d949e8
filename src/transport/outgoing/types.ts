/**
 * The types of outgoing mail. The queue decides when a message is sent, a `Router` finds the hosts that take it, and an
 * `OutgoingClient` speaks SMTP with them.
 */

import type { ResolvedConnector } from '../../core/config/resolve.ts'
import type { tlsLevels } from '../../core/config/schema/connector.ts'
import type { Pieces } from '../../core/octets/pieces.ts'
import type {
  DeliveryEnvelope,
  OutgoingTransport,
  ScheduledFacts,
  SubmissionName,
} from '../../storage/store/delivery-envelope.ts'
import type { TlsaRecord } from '../dns/resolver.ts'

export type { ResolvedConnector, TlsaRecord }

/** The TLS level for a next host, with Postfix's names. */
export type TlsLevel = (typeof tlsLevels)[number]

export interface OutgoingRecipient {
  readonly address: string
  /** The values of NOTIFY in capitals. RFC 3461 section 4.1. */
  readonly notify?: readonly string[]
  /** ORCPT, decoded: `rfc822;address`. RFC 3461 section 4.2. */
  readonly originalRecipient?: string
}

export interface OutgoingEnvelope {
  /** The reverse-path without angle brackets. Empty: the null reverse-path. */
  readonly mailFrom: string
  readonly recipients: readonly OutgoingRecipient[]
  /** ENVID, decoded. RFC 3461 section 4.4. */
  readonly envelopeId?: string
  /** RFC 3461 section 4.3. */
  readonly ret?: 'FULL' | 'HDRS'
  /** RFC 6531 section 3.4. */
  readonly smtpUtf8?: boolean
  /** RFC 6152, RFC 3030. */
  readonly body?: '8BITMIME' | 'BINARYMIME'
  /** RFC 8689 section 2. */
  readonly requireTls?: boolean
  /** Whether DANE and MTA-STS do not apply: `TLS-Required: No`. RFC 8689 section 3. */
  readonly ignoresTlsPolicies?: boolean
  /** The submission to which the results are reported. */
  readonly submission?: SubmissionName
}

/** One host that may take a message. */
export interface NextHop {
  readonly host: string
  readonly port: number
  /** The name that it is asked for in the TLS handshake. Default: `host`. */
  readonly serverName?: string
  /** Its IP addresses, if they are known. */
  readonly addresses?: readonly string[]
  readonly tls: TlsLevel
  /** verify, secure: names of which its certificate must have one. */
  readonly names: readonly string[]
  /** dane: the records that name its certificate. With other levels, none is usable: they only require TLS. */
  readonly tlsa?: readonly TlsaRecord[]
  /** Where the TLS level comes from, for session records and TLS reports. */
  readonly policy: 'configured' | 'dane' | 'mta-sts' | 'none'
  /** Whether an attacker could have chosen the host: neither DNSSEC nor MTA-STS confirms its MX record. */
  readonly isMxUnverified?: boolean
  /** Authority of its certificate: a name of the lab, or a PEM file. Default: the lab's roots. */
  readonly authority?: string
  readonly implicitTls?: boolean
  readonly user?: string
  readonly password?: string
  readonly accessToken?: string
}

/** The hosts for a domain cannot be found. */
export class RouteError extends Error {
  override readonly name = 'RouteError'
  /** Whether another attempt is useless: the domain does not exist, or accepts no mail (RFC 7505). */
  readonly isPermanent: boolean
  /** RFC 3463, `5.1.2`. */
  readonly enhancedCode: string
  constructor(message: string, options: ErrorOptions & Pick<RouteError, 'isPermanent' | 'enhancedCode'>) {
    super(message, options)
    this.isPermanent = options.isPermanent
    this.enhancedCode = options.enhancedCode
  }
}

/**
 * Returns the hosts for a domain, the preferred one first.
 * @param ignoresTlsPolicies see `OutgoingEnvelope`
 * @throws RouteError
 */
export type Router = (
  connector: ResolvedConnector,
  domain: string,
  signal: AbortSignal,
  ignoresTlsPolicies?: boolean,
) => Promise<readonly NextHop[]>

/** The result of an attempt for one recipient. */
export interface RecipientResult {
  readonly address: string
  readonly kind: 'sent' | 'deferred' | 'failed'
  /** The code of the reply, if there was one. */
  readonly code?: number
  readonly enhancedCode?: string
  /** The reply, or the reason in plain words. */
  readonly text: string
  /** Name of the host that replied, for Remote-MTA (RFC 3464 section 2.3.5). */
  readonly remoteHost?: string
  readonly remoteAddress?: string
  /** The host offers DSN, so that further reports are its business. RFC 3461 section 5.2.2. */
  readonly passedDsnOn?: boolean
}

/** One attempt to send a message to one destination. */
export interface Attempt {
  readonly connector: ResolvedConnector
  /** Tried in this order until one takes the message. Never empty. */
  readonly hops: readonly NextHop[]
  readonly envelope: OutgoingEnvelope
  /** The octets to send, without dot-stuffing. Called for each host that is tried. */
  readonly message: () => AsyncIterable<Buffer>
  readonly sizeOctets: number
  /** Returns the fields to put before what is sent: the signatures of that form of the message. */
  readonly sign?: ((message: Attempt['message']) => Promise<Buffer>) | undefined
  /** Aborted: the lab stops. What the host has acknowledged by then is in the results. */
  readonly signal: AbortSignal
}

/** Why TLS with a host failed, in the words of TLS reports. RFC 8460 section 4.3. */
export type TlsFailure =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'dane-required'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

/**
 * The result of TLS at a host to which an attempt connected, for TLS reports. A certificate that the level does not
 * verify (`may`) counts as a failure if it is not valid for `hop.names`: MTA-STS in mode `testing`.
 */
export interface HostResult {
  readonly hop: NextHop
  /** Absent: mail was sent, or could have been sent, as the policy of the host demands. */
  readonly failure?: TlsFailure
  /** The reason in plain words. */
  readonly text?: string
  readonly remoteAddress?: string
  readonly localAddress?: string
  /** The name in the host's reply to EHLO. */
  readonly remoteName?: string
}

export interface AttemptResult {
  /** The id of the last session of the attempt. */
  readonly session?: string
  /** The hosts to which the attempt connected. */
  readonly hosts?: readonly HostResult[]
  /** A result for each recipient of the envelope. */
  readonly recipients: readonly RecipientResult[]
}

/** Sends messages. Never rejects because of the other side: what it did is in the results. */
export interface OutgoingClient extends AsyncDisposable {
  send(attempt: Attempt): Promise<AttemptResult>
}

/** A step of a session that tests a connector. */
export interface ConnectorTestStep {
  readonly step: 'route' | 'connect' | 'EHLO' | 'STARTTLS' | 'certificate' | 'AUTH' | 'QUIT'
  readonly ok: boolean
  /** The result in plain words. */
  readonly text: string
}

/** The result of a test of a connector. */
export interface ConnectorTest {
  readonly ok: boolean
  readonly host?: string
  readonly port?: number
  /** The id of the session. */
  readonly session?: string
  readonly steps: readonly ConnectorTestStep[]
}

/** A client that can also open a session without mail. */
export interface TestingClient extends OutgoingClient {
  /** Opens a session to the first host that answers. Never rejects because of the other side. */
  test(connector: ResolvedConnector, hops: readonly NextHop[], signal: AbortSignal): Promise<ConnectorTest>
}

/** The state of a recipient in the queue. */
interface QueuedRecipient {
  readonly address: string
  readonly kind: 'waiting' | 'sent' | 'deferred' | 'failed'
  /** The last reply, or the reason in plain words. */
  readonly text?: string
  readonly code?: number
  /** Time of the last attempt, in milliseconds since the epoch. */
  readonly at?: number
}

/** A message that waits in the queue. Times are in milliseconds since the epoch. */
export interface QueueEntry {
  readonly id: string
  readonly connector: string
  /** The next domain, or the smart host. */
  readonly destination: string
  readonly mailFrom: string
  readonly recipients: readonly QueuedRecipient[]
  readonly sizeOctets: number
  readonly subject?: string
  /** Identifies the content: the blob of its copies in folders; of a released message, that of the original. */
  readonly content: string
  readonly queuedAt: number
  readonly attempts: number
  /** Absent while it is sent or held. */
  readonly nextAttemptAt?: number
  /** Absent if the configuration has no such connector. */
  readonly givesUpAt?: number
  readonly state: 'waiting' | 'sending' | 'deferred' | 'held'
  /** Why it waits, in plain words. */
  readonly reason?: string
  /** The id of the session that received the message. */
  readonly receivedBy?: string
  /** The id of the session of the last attempt. */
  readonly lastSession?: string
  /** Set if the lab delivers it itself at a time that the API of a provider, or JMAP, was given. */
  readonly scheduled?: ScheduledFacts
  readonly submission?: SubmissionName
}

export interface QueueEvent {
  /** `attempted`: an attempt begins. The others are results. `deleted`: taken out by hand. */
  readonly type: 'queued' | 'attempted' | 'sent' | 'failed' | 'deferred' | 'held' | 'deleted'
  readonly entry: QueueEntry
  readonly results?: readonly RecipientResult[]
}

/** One message of the queue: its envelope, for one next destination. */
export type QueueTarget = DeliveryEnvelope & { readonly mailFrom: string; readonly outgoing: OutgoingTransport }

/** A message to put into the queue. */
export interface NewOutgoing {
  readonly raw: Buffer | Pieces
  readonly envelope: OutgoingEnvelope
  /** The connector to use, whatever its domains and filters. Default: the one that the recipient's domain has. */
  readonly connector?: string
  /** The account that sends it, for filters. */
  readonly account?: string
  /** The id of the session that received it. */
  readonly session?: string
  /** The blob of the message that is released. */
  readonly released?: string
}

/** Mail that no connector takes. The error message names the rule. */
export class OutgoingRefused extends Error {
  override readonly name = 'OutgoingRefused'
  readonly recipient: string
  constructor(recipient: string, message: string) {
    super(message)
    this.recipient = recipient
  }
}

/** Something that is done with messages of the queue. Default of `ids`: all. */
export type QueueAction =
  | { readonly action: 'flush' | 'hold' | 'delete' | 'bounce'; readonly ids?: readonly string[] | undefined }
  | { readonly action: 'flushTo'; readonly domain: string }

/** The queue of outgoing mail, which lies in the message store. */
export interface OutgoingQueue extends AsyncDisposable {
  /** Number of messages. */
  readonly size: number
  /** When the oldest message was queued; undefined if the queue is empty. */
  readonly oldestAt: number | undefined
  /** Returns the messages that wait, the oldest first. */
  list(): readonly QueueEntry[]
  get(id: string): QueueEntry | undefined
  /** Yields the octets of a message. */
  read(id: string): AsyncIterable<Buffer>
  /** Tries now, held messages included. Default: all messages. Returns how many. */
  flush(ids?: readonly string[]): Promise<number>
  /** Keeps messages from being sent until a flush. Default: all. Returns how many. */
  hold(ids?: readonly string[]): Promise<number>
  /** Removes messages without a report. Returns how many. */
  delete(ids: readonly string[]): Promise<number>
  /** Gives messages up: their senders get a report. Returns how many. */
  bounce(ids: readonly string[]): Promise<number>
  /** Queues a message. Resolves when the store has it. @throws OutgoingRefused, StoreError; then nothing of it is queued */
  add(message: NewOutgoing): Promise<readonly QueueEntry[]>
  /** Queues a message for planned destinations. @throws StoreError; then nothing of it is queued */
  append(raw: Buffer, targets: readonly QueueTarget[]): Promise<readonly QueueEntry[]>
  /** Calls `listener` for each change. Returns a function that stops it. */
  watch(listener: (event: QueueEvent) => void): () => void
}

/** The facts of a message whose results the queue reports. */
export interface ReportFacts {
  readonly envelope: OutgoingEnvelope
  /** Results of the recipients that the report is about. */
  readonly results: readonly RecipientResult[]
  /** Reads the message. */
  readonly message: () => Promise<Buffer>
  /** When the lab accepted the message. */
  readonly arrivedAt: number
  /** How long the lab will go on trying, for Will-Retry-Until. RFC 3464 section 2.3.9. */
  readonly retryUntil?: number
  /** Why the lab reports, in plain words. */
  readonly reason?: string
  /** The id of the session that received the message. */
  readonly session?: string
}

/** Sends the reports about queued mail. */
export interface Reports {
  /** Recipients that failed. */
  failed(facts: ReportFacts): Promise<void>
  /** Recipients that wait for long. */
  delayed(facts: ReportFacts): Promise<void>
  /** Recipients that a host without DSN took (`relayed`). RFC 3461 section 5.2.2. */
  relayed(facts: ReportFacts): Promise<void>
}
