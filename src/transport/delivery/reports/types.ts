import type { ReportAction } from '../../../core/config/schema/report-words.ts'
import type { ReportSettings } from '../../../core/config/schema/reports.ts'

/** The action for a recipient. RFC 3464 section 2.3.3. */
export type Action = ReportAction

/** The facts about one recipient in a report. RFC 3464 section 2.3. */
export interface ReportedRecipient {
  readonly address: string
  /** ORCPT, decoded: `rfc822;address`. */
  readonly originalRecipient?: string | undefined
  readonly action: Action
  /** Enhanced status code, such as 5.1.1. RFC 3463. */
  readonly status: string
  /** Reply code of the remote server. Absent: `text` is not a reply. */
  readonly code?: number | undefined
  /** The reply without its code, or the reason in plain words. */
  readonly text?: string | undefined
  /** Host that replied. */
  readonly remoteMta?: string | undefined
  /** Its IP address. */
  readonly remoteAddress?: string | undefined
  /** Milliseconds since the epoch. */
  readonly lastAttemptAt?: number | undefined
  /** When attempts end, milliseconds since the epoch. */
  readonly retryUntil?: number | undefined
}

/** A delivery status notification before it is written as a message. RFC 3464. */
export interface StatusReport {
  /** Host that reports. */
  readonly hostname: string
  /** Domain of the reporting address. */
  readonly domain: string
  /** The return path of the message, to which the report goes. */
  readonly to: string
  readonly recipients: readonly ReportedRecipient[]
  /** ENVID, decoded. */
  readonly envelopeId?: string | undefined
  /** RET. RFC 3461 section 4.3. */
  readonly ret?: 'FULL' | 'HDRS' | undefined
  /** Whether the sender accepts addresses outside ASCII: SMTPUTF8. RFC 6533. */
  readonly smtpUtf8: boolean
  /** The message as it was received: all of it, or at least its header. */
  readonly message: Buffer
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  /** When the report is written, milliseconds since the epoch. */
  readonly at: number
  /** Why the lab reports, in plain words. */
  readonly reason?: string | undefined
}

/** The outgoing queue's facts about a message and its attempts. */
export interface ReportFacts {
  readonly envelope: {
    /** Empty: the null reverse-path, which gets no report. */
    readonly mailFrom: string
    readonly recipients: readonly {
      readonly address: string
      /** The values of NOTIFY in capitals. RFC 3461 section 4.1. */
      readonly notify?: readonly string[] | undefined
      readonly originalRecipient?: string | undefined
    }[]
    readonly envelopeId?: string | undefined
    readonly ret?: 'FULL' | 'HDRS' | undefined
    readonly smtpUtf8?: boolean | undefined
    /** RFC 8689. */
    readonly requireTls?: boolean | undefined
  }
  readonly results: readonly {
    readonly address: string
    readonly kind: 'sent' | 'deferred' | 'failed'
    readonly code?: number | undefined
    readonly enhancedCode?: string | undefined
    readonly text: string
    readonly remoteHost?: string | undefined
    readonly remoteAddress?: string | undefined
    /** Whether the next server reports from here on. RFC 3461 section 5.2. */
    readonly passedDsnOn?: boolean | undefined
  }[]
  /** Reads the message. Called only if a report is sent. */
  readonly message: () => Promise<Buffer>
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  /** Why the lab reports, in plain words: `The message could not be sent for 2 days.` */
  readonly reason?: string | undefined
  /** When attempts end, milliseconds since the epoch. */
  readonly retryUntil?: number | undefined
  /** The id of the session that received the message. */
  readonly session?: string | undefined
}

/** A report or reply that the lab sends by itself. */
export interface OwnMail {
  readonly to: string
  readonly raw: Buffer
  /** Whether other hosts get it only over verified TLS, as the message that it is about. RFC 8689 section 5. */
  readonly requireTls?: boolean | undefined
  /** The id of the session that caused it. */
  readonly session?: string | undefined
}

/** The reports and replies that the lab sends later, and its settings for them. */
export interface ReportSchedule {
  readonly settings: ReportSettings
  /**
   * Sends a report at a time by the lab's clock. Resolves once the store has it, or once it is sent if the time has come.
   * @throws StoreError; DeliveryError if it is sent now and its recipient has no mailbox
   */
  schedule(mail: OwnMail, dueAt: number): Promise<void>
}
