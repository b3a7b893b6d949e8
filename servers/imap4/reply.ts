/** What a tagged reply can say. RFC 9051 section 7.1. */
export type ReplyStatus = 'OK' | 'NO' | 'BAD'

/** The end of a command that went well: what the tagged OK says. */
export interface Done {
  readonly text: string
  /** Response code without its brackets, `APPENDUID 1 2`. */
  readonly code?: string
}

/** The tagged OK of a command. */
export const done = (text: string, code?: string): Done => (code === undefined ? { text } : { text, code })

/**
 * The one error of the IMAP4 sessions: what cannot or may not be done (`NO`), or is no command (`BAD`).
 * Shown to the client as it is; everything else that is thrown is an internal error.
 */
export class ImapError extends Error {
  override readonly name = 'ImapError'
  readonly status: 'NO' | 'BAD'
  readonly code: string | undefined
  constructor(status: 'NO' | 'BAD', text: string, code?: string, options?: ErrorOptions) {
    super(text, options)
    this.status = status
    this.code = code
  }
}

/** The operation failed. Codes: RFC 5530 section 3. */
export const no = (text: string, code?: string): ImapError => new ImapError('NO', text, code)

/** The client broke the grammar or the states. */
export const bad = (text: string, code?: string): ImapError => new ImapError('BAD', text, code)

/** A reply line, or an untagged status response with the tag `*`. */
export function replyLine(tag: string, status: ReplyStatus | 'BYE' | 'PREAUTH', text: string, code?: string): string {
  return code === undefined ? `${tag} ${status} ${text}\r\n` : `${tag} ${status} [${code}] ${text}\r\n`
}
