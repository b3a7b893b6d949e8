/**
 * What the room says about a message. Everything points into the message's own Buffer by octet offsets; nothing is
 * copied. Strings that come from a message are octet strings until something here decodes them.
 */

/** One character an octet (`latin1`): what a header held, bit for bit. Write it out with `Buffer.from(s, 'latin1')`. */
export type OctetString = string

/** One header field, folded lines included: `raw.subarray(start, end)` is the field with its line end. */
export interface HeaderField {
  /** As it stands in the message; empty for a line without a colon. */
  readonly name: string
  readonly nameLower: string
  readonly start: number
  /** First octet after the colon. */
  readonly valueStart: number
  /** Behind the line end. */
  readonly end: number
}

/** One parameter of Content-Type or Content-Disposition, continuations joined and extended values decoded to UTF-8 (RFC 2231). */
export interface Parameter {
  readonly name: OctetString
  readonly value: OctetString
}

export interface Disposition {
  readonly type: OctetString
  readonly params: readonly Parameter[]
}

/** What a part's header says of its content. Types and encodings in the message's own spelling. */
export interface ContentFields {
  readonly type: OctetString
  readonly subtype: OctetString
  readonly params: readonly Parameter[]
  readonly id?: OctetString
  readonly description?: OctetString
  /** Content-Transfer-Encoding as written; absent where there is none (then it means 7bit). */
  readonly encoding?: OctetString
  readonly md5?: OctetString
  readonly disposition?: Disposition
  readonly language?: readonly OctetString[]
  readonly location?: OctetString
}

export type PartKind = 'leaf' | 'multipart' | 'message'

/** A node of the MIME tree. `headerStart`…`bodyStart` is its header with the empty line, `bodyStart`…`bodyEnd` its body. */
export interface MessagePart extends ContentFields {
  /** How it was parsed. What is nested beyond the limit is a leaf. */
  readonly kind: PartKind
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  /** Line ends in the body; counted for text and message parts, 0 elsewhere. */
  readonly lines: number
  /** Of a multipart, in order; may be empty. */
  readonly children: readonly MessagePart[]
  /** Of a message part: the message inside. */
  readonly message?: MessagePart
}

/** RFC 9051 section 7.5.2: a group starts with `mailbox` alone and ends with all four absent. */
export interface Address {
  /** Display name, or the comment behind an old-style address. */
  readonly name?: OctetString
  /** Source route, `@a,@b`. */
  readonly route?: OctetString
  readonly mailbox?: OctetString
  readonly host?: OctetString
}

/** RFC 9051 section 7.5.2. Absent fields are absent; `sender` and `replyTo` already default to `from`. */
export interface Envelope {
  readonly date?: OctetString
  readonly subject?: OctetString
  readonly from: readonly Address[]
  readonly sender: readonly Address[]
  readonly replyTo: readonly Address[]
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  readonly inReplyTo?: OctetString
  readonly messageId?: OctetString
}

/** From `start` up to but not including `end`. */
export interface OctetRange {
  readonly start: number
  readonly end: number
}
