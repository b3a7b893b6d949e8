/**
 * The types that describe a message. They refer to the message's Buffer by octet offsets, without copying. Strings from a
 * message are octet strings until a function of this module decodes them.
 */

/** One character per octet (`latin1`), exactly as in the message. Convert it with `Buffer.from(s, 'latin1')`. */
export type OctetString = string

/** One header field with its folded lines: `raw.subarray(start, end)` is the field with its line end. */
export interface HeaderField {
  /** As spelled in the message; empty for a line without a colon. */
  readonly name: string
  readonly nameLower: string
  readonly start: number
  /** First octet after the colon. */
  readonly valueStart: number
  /** The octet after the line end. */
  readonly end: number
}

/** A parameter of Content-Type or Content-Disposition. Continuations are joined, extended values decoded to UTF-8 (RFC 2231). */
export interface Parameter {
  readonly name: OctetString
  readonly value: OctetString
}

export interface Disposition {
  readonly type: OctetString
  readonly params: readonly Parameter[]
}

/** The Content fields of a part's header. Types and encodings are spelled as in the message. */
export interface ContentFields {
  readonly type: OctetString
  readonly subtype: OctetString
  readonly params: readonly Parameter[]
  readonly id?: OctetString
  readonly description?: OctetString
  /** Content-Transfer-Encoding as written. Absent means 7bit. */
  readonly encoding?: OctetString
  readonly md5?: OctetString
  readonly disposition?: Disposition
  readonly language?: readonly OctetString[]
  readonly location?: OctetString
}

export type PartKind = 'leaf' | 'multipart' | 'message'

/** A node of the MIME tree. Its header with the empty line ends at `bodyStart`, its body at `bodyEnd`. */
export interface MessagePart extends ContentFields {
  /** How the part was parsed. A part nested beyond the limit is a leaf. */
  readonly kind: PartKind
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  /** Number of line ends in the body of a text or message part; 0 for others. */
  readonly lines: number
  /** The parts of a multipart in order, possibly none. */
  readonly children: readonly MessagePart[]
  /** The message inside a message part. */
  readonly message?: MessagePart
}

/** An address. A group starts with an entry that has only `mailbox` and ends with one that has nothing. RFC 9051 section 7.5.2. */
export interface Address {
  /** Display name, or the comment after an old-style address. */
  readonly name?: OctetString
  /** Source route, `@a,@b`. */
  readonly route?: OctetString
  readonly mailbox?: OctetString
  readonly host?: OctetString
}

/** The ENVELOPE of a message. `sender` and `replyTo` default to `from`. RFC 9051 section 7.5.2. */
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

/** The octets from `start` up to but not including `end`. */
export interface OctetRange {
  readonly start: number
  readonly end: number
}
