/** A reply in which the servers may differ. Codes are regular expressions for the whole code. */
export interface AllowedDifference {
  readonly command: RegExp
  /** Only during a mail transaction. */
  readonly inTransaction?: true
  readonly reference: RegExp
  readonly ours: RegExp
  /** Why our reply is right, with its source. */
  readonly reason: string
}

/** The reviewed list. An entry that never occurs fails the test. */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    command: /^(?:EXPN|ETRN|TURN)\b/,
    reference: /^500$/,
    ours: /^502$/,
    reason: 'RFC 5321 section 4.2.4: a command that is known but not implemented is answered with 502',
  },
  {
    command: /^(?:RSET|QUIT|DATA) x$/,
    reference: /^(?:250|221|354|503)$/,
    ours: /^501$/,
    reason: 'RFC 5321 section 4.1.1: a command without parameters is rejected with 501 if it has one',
  },
  {
    command: /^AUTH$/,
    reference: /^504$/,
    ours: /^501$/,
    reason: 'RFC 4954 section 4: the mechanism is mandatory; without one, the syntax is wrong',
  },
  {
    command: /^AUTH\b/,
    inTransaction: true,
    reference: /^(?:235|334|501|504|535)$/,
    ours: /^503$/,
    reason: 'RFC 4954 section 4: AUTH during a mail transaction must be rejected with 503',
  },
  {
    command: /^(?:MAIL FROM|RCPT TO):<"a b"@/,
    reference: /^501$/,
    ours: /^250$/,
    reason: 'RFC 5321 section 4.1.2: a quoted local part may contain spaces',
  },
  {
    command: /^MAIL FROM:<Postmaster>/,
    reference: /^501$/,
    ours: /^250$/,
    reason:
      'RFC 5321 section 4.1.1.3 defines <Postmaster> only for RCPT; ours accepts it as a sender, too, like Postfix',
  },
  {
    command: /^(?:MAIL FROM|RCPT TO):<alice@-lab\.test>/,
    reference: /^250$/,
    ours: /^501$/,
    reason: 'RFC 5321 section 4.1.2: a domain label does not begin with a hyphen',
  },
  {
    command: / X-UNKNOWN=1$/,
    reference: /^250$/,
    ours: /^555$/,
    reason: 'RFC 5321 section 4.1.1.11: an unknown parameter is rejected with 555',
  },
  {
    command: / =1$/,
    reference: /^250$/,
    ours: /^501$/,
    reason: 'RFC 5321 section 4.1.2: a parameter keyword has at least one letter or digit',
  },
]

const LINE_ENDS = 'RFC 5321 section 2.3.8: a bare LF is content. Ours keeps it as CRLF, against SMTP smuggling'

/** Contents that the servers may keep differently, by case, with the reason. */
export const allowedContent: Readonly<Record<string, string>> = {
  'a dot that is not stuffed': 'RFC 5321 section 4.5.2: a leading dot is removed if other characters follow',
  'a bare LF': LINE_ENDS,
  'smuggling with LF dot LF': LINE_ENDS,
  'smuggling with LF dot CRLF': LINE_ENDS,
  'smuggling with CRLF dot LF': `${LINE_ENDS}; and section 4.5.2 as above`,
}
