import type { SentBy } from '../../mail/format/sent-by.ts'

/** A name and an address in a header field. */
export interface ApiAddress {
  readonly name: string
  readonly address: string
}

/** A message in a list of the HTTP API. */
export interface ApiMessageSummary {
  readonly id: string
  readonly folder: { readonly id: string; readonly name: string }
  /** The account whose mailbox holds it; null for newsgroups and captured mail. */
  readonly account: string | null
  readonly newsgroup: string | null
  /** Whether it is mail for another domain or an unknown account. */
  readonly captured: boolean
  readonly messageId: string
  readonly subject: string
  readonly from: ApiAddress | null
  readonly to: readonly ApiAddress[]
  readonly cc: readonly ApiAddress[]
  readonly bcc: readonly ApiAddress[]
  readonly replyTo: readonly ApiAddress[]
  /** Time in the Date field, RFC 3339. */
  readonly date: string | null
  /** When the lab received it, RFC 3339. */
  readonly receivedAt: string
  readonly sizeOctets: number
  readonly read: boolean
  readonly flagged: boolean
  /** IMAP flags and keywords. */
  readonly flags: readonly string[]
  readonly tags: readonly string[]
  /** Number of attachments. */
  readonly attachments: number
  /** The beginning of the text. */
  readonly snippet: string
  /** MAIL FROM and RCPT TO. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] } | null
  /** Id of the session that delivered the message. */
  readonly session: string | null
  /** The API of a provider by which the message was sent; null if it came otherwise. */
  readonly sentBy: SentBy | null
}

/** An attachment of a message of the HTTP API. */
export interface ApiAttachment {
  /** Number of the part, for `/messages/ID/parts/PART`. */
  readonly part: string
  readonly filename: string | null
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  readonly cid: string | null
  readonly sizeOctets: number
}

/** A link of a message of the HTTP API. */
export interface ApiLink {
  /** The target. */
  readonly href: string
  /** The words of the link, with the alternative text of its images; in plain text, the target. */
  readonly text: string
  readonly place: 'html' | 'text'
  readonly line: number
}

/** An image that the HTML of a message shows. */
export interface ApiImage {
  readonly src: string
  readonly alt: string | null
  /** In pixels, as the HTML says. */
  readonly width: number | null
  readonly height: number | null
  readonly place: 'attached' | 'inline' | 'remote' | 'missing'
  /** Size of the content, if the message has it. */
  readonly sizeOctets: number | null
  readonly line: number
}

/** A date or time of an event: as written, its zone, and the moment (RFC 3339). */
export interface ApiEventTime {
  readonly local: string
  readonly timeZone: string | null
  readonly at: string | null
}

/** The event of an invitation. RFC 5545 section 3.6.1 */
export interface ApiEvent {
  /** `REQUEST`, `CANCEL`, `REPLY` and others. */
  readonly method: string | null
  readonly uid: string
  readonly sequence: number
  readonly status: string
  readonly summary: string
  readonly description: string
  readonly location: string
  readonly start: ApiEventTime | null
  readonly end: ApiEventTime | null
  readonly organizer: ApiAddress | null
  readonly attendees: readonly (ApiAddress & { readonly role: string; readonly status: string })[]
  /** The rule of a repeated event, such as `FREQ=WEEKLY;COUNT=4`; else empty. */
  readonly recurrence: string
}

/** A whole message of the HTTP API. */
export interface ApiMessage extends Omit<ApiMessageSummary, 'attachments'> {
  readonly text: string
  readonly hasHtml: boolean
  readonly attachments: readonly ApiAttachment[]
  readonly links: readonly ApiLink[]
  readonly images: readonly ApiImage[]
  /** Likely one-time passwords, most likely first. */
  readonly codes: readonly string[]
  /** The event of an invitation. */
  readonly event: ApiEvent | null
  /** The TLS report (RFC 8460) in it. */
  readonly tlsReport: Readonly<Record<string, unknown>> | null
  readonly dmarcReport: Readonly<Record<string, unknown>> | null
  readonly feedbackReport: Readonly<Record<string, unknown>> | null
  /** The session that delivered it, with its TLS facts. */
  readonly delivery: Readonly<Record<string, unknown>> | null
}

/** A finding of the checks of a message. */
export interface ApiFinding {
  readonly check:
    | 'html-support'
    | 'links'
    | 'images'
    | 'accessibility'
    | 'unsubscribe'
    | 'headers'
    | 'size'
    | 'spam'
    | 'authentication'
  readonly level: 'error' | 'warning' | 'info'
  readonly message: string
  /** Line of the HTML; null for what has no line there. */
  readonly line: number | null
  /** Mail programs and receivers that it concerns; empty for all. */
  readonly clients: readonly string[]
  /** The standard, page or rule that says so. */
  readonly source: string
}

/** The answer to a one-click unsubscribe. */
export interface ApiUnsubscribeAnswer {
  readonly url: string
  /** The HTTP status. Redirects are not followed. */
  readonly status: number
  /** The beginning of the body. */
  readonly body: string
}

/** Selects messages. */
export interface ApiMessageQuery {
  /** A search, such as `from:alice is:unread "an invoice"`. */
  readonly query?: string
  readonly account?: string
  readonly folder?: string
  readonly newsgroup?: string
  /** Only what arrived at or after this time, RFC 3339. */
  readonly since?: string
}

/** Selects a page of messages. */
export interface ApiPageQuery extends ApiMessageQuery {
  /** Longest page (default: 50). */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
}

/** Selects the message to wait for. */
export interface ApiWaitQuery extends ApiMessageQuery {
  /** A complete recipient address of the envelope, or the user name of an account. */
  readonly to?: string
  /** Part of the From field or of MAIL FROM. */
  readonly from?: string
  /** Part of the subject. */
  readonly subject?: string
  /** Part of the text. */
  readonly text?: string
  /** Longest wait, such as `10s` (default: `30s`, at most 5 minutes). */
  readonly timeout?: string | number
}

/** A page of messages, the newest first. */
export interface ApiMessagePage {
  readonly items: readonly ApiMessageSummary[]
  /** Number of messages that match. */
  readonly total: number
  /** `cursor` of the next page; null on the last. */
  readonly next: string | null
}

/** A part of a lab for one test or job, as the HTTP API describes it. */
export interface ApiTenantFacts {
  readonly name: string
  /** Token for `Authorization: Bearer`. It has access to the tenant only. */
  readonly token: string
  readonly baseUrl: string
  readonly accounts: readonly { readonly user: string; readonly password: string; readonly address: string }[]
}

/** A problem document. RFC 9457. */
export interface ApiProblemDocument {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly [member: string]: unknown
}
