import type { Account, Directory } from '../../accounts/directory/types.ts'
import type { OnDemand } from '../../core/config/on-demand/parse.ts'
import type { Refusal } from '../../core/config/on-demand/replies.ts'
import type { Captured } from '../../core/config/schema/directory.ts'
import type { Tagging } from '../../core/config/schema/tagging.ts'
import type { Pieces } from '../../core/octets/pieces.ts'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import type { DeliveryEnvelope, SubmissionName } from '../../storage/store/delivery-envelope.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import type { ScriptLimits } from '../../storage/store/sieve-scripts.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { NewsService } from '../news/news-service.ts'
import type { RelayQueue } from '../outgoing/plan.ts'
import type { ReportSchedule } from './reports/types.ts'

/** Whether mail for other domains is captured by the lab or refused. */
export type Relaying = 'capture' | 'deny'

/** The parts of a lab that delivery needs. */
export interface DeliveryServices {
  readonly store: MessageStore
  readonly directory: Directory
  /** Posts mail for the addresses of newsgroups. Absent: no address belongs to a newsgroup. */
  readonly news?: NewsService | undefined
  /** Sends mail to other hosts. Absent: nothing is sent. */
  readonly outgoing?: RelayQueue | undefined
  readonly hostname: string
  /** The tags that mail gets. Absent: none. */
  readonly tagging?: Tagging | undefined
  /** Returns the tags that `tagging.rules` give a message. Absent: there are no rules. */
  readonly ruleTags?: ((delivery: Delivery) => Promise<readonly string[]>) | undefined
  /** The folders of captured mail. Absent: each domain has one. */
  readonly captured?: Pick<Captured, 'folder' | 'mailboxes'> | undefined
  /** The limits of Sieve scripts. Absent: no scripts run. */
  readonly sieve?: ScriptLimits | undefined
  /** Records what the script of an account did, in the session and in the history of the message. Absent: nowhere. */
  readonly recordScript?: ((done: ScriptRecord) => void) | undefined
  /** Sends reports that a test asks for. Absent: no address asks for one. */
  readonly reports?: ReportSchedule | undefined
}

/** The actions of the script of an account. */
export interface ScriptRecord {
  readonly user: string
  /** The actions in words: `filed into Junk by line 7`. */
  readonly notes: readonly string[]
  /** The copies of the message, also those of others. Empty: nobody got it. */
  readonly copies: readonly StoredMessage[]
  readonly session: string | undefined
}

/** The destination of mail for one address. */
export type Destination =
  | { readonly kind: 'mailbox'; readonly account: Account }
  | { readonly kind: 'newsgroup'; readonly name: string }
  /** A mailbox of the lab itself, which keeps mail for other domains and for unknown accounts: one for each domain. */
  | { readonly kind: 'captured'; readonly domain: string }

/** One recipient of a message. */
export interface Recipient {
  readonly address: string
  readonly destination: Destination
  /** The values of NOTIFY in capitals. RFC 3461 section 4.1. */
  readonly notify?: readonly string[] | undefined
  /** ORCPT, decoded: `rfc822;address`. RFC 3461 section 4.2. */
  readonly originalRecipient?: string | undefined
  /** The report that a test asks for. */
  readonly onDemand?: OnDemand | undefined
}

/** A message with its envelope. */
export interface Delivery {
  /** Header lines to put in front of the mailbox copies (RFC 5321 section 4.4). Articles do not get them. */
  readonly trace?: Buffer
  /** The message as received, with dot-stuffing and chunks removed: all of it, or its header and more. */
  readonly message: Pieces
  /** Yields what follows `message`, at each call. */
  readonly rest?: (() => AsyncIterable<Buffer>) | undefined
  /** Returns `message` and `rest` in one buffer, whose memory is reserved. Absent: `message` is all. @throws MemoryLimitReached */
  readonly whole?: (() => Buffer | Promise<Buffer>) | undefined
  /** The octets of `message` and `rest` together. Default: the octets of `message`. */
  readonly octets?: number | undefined
  /** The reverse-path without angle brackets. Empty: the null reverse-path. */
  readonly mailFrom: string
  readonly recipients: readonly Recipient[]
  /** ENVID, decoded. RFC 3461 section 4.4. */
  readonly envelopeId?: string | undefined
  /** RET of MAIL. RFC 3461 section 4.3. */
  readonly ret?: 'FULL' | 'HDRS' | undefined
  /** Whether the sender accepts addresses outside ASCII: SMTPUTF8 of MAIL. RFC 6531 section 3.4. */
  readonly smtpUtf8?: boolean
  /** BODY of MAIL. RFC 6152, RFC 3030. */
  readonly body?: '8BITMIME' | 'BINARYMIME' | undefined
  /** Whether other hosts get it only over verified TLS: REQUIRETLS of MAIL. RFC 8689 section 2. */
  readonly requireTls?: boolean | undefined
  /** The account that has logged on to send it. */
  readonly account?: string | undefined
  /** The submission by which it is sent. */
  readonly submission?: SubmissionName
  /** Id of the session that received the message. */
  readonly session?: string | undefined
  /** Tags that its sender has given it, besides those of `tagging`. */
  readonly tags?: readonly string[]
  /** The SMTP client that sent it. */
  readonly client?: DeliveryEnvelope['client'] | undefined
  /** The results for its sender. */
  readonly authentication?: MessageAuthentication | undefined
  /** Whether the client gets a reply for each recipient: LMTP. */
  readonly repliesEach?: boolean | undefined
  /** Whether a Sieve script has written it: no script answers it. */
  readonly isWrittenByScript?: boolean
  /** Time of arrival in milliseconds since the epoch. Default: now. */
  readonly at?: number
}

/**
 * The reason why mail is not delivered.
 * - `no-mailbox`: the address is local, but belongs to no account.
 * - `relay-denied`: the address belongs to another domain, and the virtual server does not relay.
 * - `mailbox-full`: the account's quota is used up; the client may try again later.
 * - `over-quota`: the account's quota does not allow the message.
 * - `article-refused`: a newsgroup among the recipients refuses the message.
 * - `article-deferred`: a newsgroup cannot accept the message now.
 * - `bad-address`: an address has characters that no address has.
 * - `rejected`: the Sieve script of the recipient rejects the message.
 * - `on-demand`: the address asks for a refusal, which is in `reply`.
 */
type DeliveryFailure =
  | 'no-mailbox'
  | 'relay-denied'
  | 'mailbox-full'
  | 'over-quota'
  | 'article-refused'
  | 'article-deferred'
  | 'bad-address'
  | 'rejected'
  | 'on-demand'

const REPLIES: Readonly<Record<DeliveryFailure, readonly [code: number, status: string]>> = {
  'no-mailbox': [550, '5.1.1'],
  'relay-denied': [550, '5.7.1'],
  'mailbox-full': [452, '4.2.2'], // RFC 3463 section 3.3, RFC 5321 section 4.2.3
  'over-quota': [552, '5.2.2'],
  'bad-address': [553, '5.1.3'],
  rejected: [550, '5.7.1'], // RFC 5429 section 2.1.1
  'article-refused': [554, '5.6.0'],
  'article-deferred': [451, '4.3.0'],
  'on-demand': [550, '5.0.0'],
}

/** Mail that cannot be delivered. The error message can be sent in an SMTP reply. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly reason: DeliveryFailure
  /** The reply that says so. */
  readonly refusal: Refusal
  constructor(
    reason: DeliveryFailure,
    message: string,
    /** `reply`: the reply code and the enhanced status code. Default: those for the reason. */
    options?: ErrorOptions & { readonly reply?: Pick<Refusal, 'code' | 'status'> },
  ) {
    super(message, options)
    this.reason = reason
    const [code, status] = REPLIES[reason]
    this.refusal = { code, status, ...options?.reply, text: message }
  }
}
