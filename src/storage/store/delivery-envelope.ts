import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'

/** How a message was delivered. */
export interface DeliveryEnvelope {
  readonly mailFrom?: string
  readonly rcptTo?: readonly string[]
  /** The id of the session that delivered it. */
  readonly session?: string
  /** The SMTP client that delivered it: its address, and its name from HELO or EHLO. */
  readonly client?: { readonly address: string; readonly helo: string }
  /** How its sender was authenticated, if that was checked when it arrived. */
  readonly authentication?: MessageAuthentication
  /** Whether other hosts get it only over verified TLS: it came with REQUIRETLS. RFC 8689. */
  readonly requireTls?: boolean
  /** How a message of the queue is to be sent. */
  readonly outgoing?: OutgoingTransport
}

/** How a message of the queue of outgoing mail is to be sent. */
export interface OutgoingTransport {
  /** The name of the connector. */
  readonly connector: string
  /** The next domain, or the name of the smart host. */
  readonly destination: string
  /** The recipients at this destination. `rcptTo` has those that the sender gave. */
  readonly recipients: readonly {
    readonly address: string
    readonly notify?: readonly string[]
    readonly originalRecipient?: string
  }[]
  readonly envelopeId?: string
  readonly ret?: 'FULL' | 'HDRS'
  readonly smtpUtf8?: boolean
  readonly body?: '8BITMIME' | 'BINARYMIME'
  readonly requireTls?: boolean
  /** Whether DANE and MTA-STS do not apply: its header has `TLS-Required: No`. RFC 8689 section 3. */
  readonly ignoresTlsPolicies?: boolean
  readonly subject?: string
  /** The blob of the message that was released, which is queued in another form. */
  readonly released?: string
  /** Set if the lab delivers it to its own accounts at a time that the API of a provider, or JMAP, was given. */
  readonly scheduled?: ScheduledFacts
  readonly submission?: SubmissionName
}

/** The submission of JMAP by which a message was sent. RFC 8621 section 7. */
export interface SubmissionName {
  /** The account that has it. */
  readonly user: string
  readonly id: string
}

/** A message that is delivered later. */
export interface ScheduledFacts {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The ids by which the API finds it: its own, and that of its batch. */
  readonly ids: readonly string[]
}
