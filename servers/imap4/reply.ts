import { isPrintable } from '../../src/core/text/printable.ts'
import type { OctetString } from '../../src/mail/format/types.ts'
import { utf8Octets } from './wire/text.ts'

/** The result of a successful command: the content of its tagged OK. */
export interface CommandResult {
  /** Response code without its brackets: `APPENDUID 1 2`. */
  readonly code?: string
  /** Default: `NAME completed`. */
  readonly text?: string
  /** Runs once the tagged reply is written (STARTTLS, COMPRESS). */
  readonly after?: () => Promise<void> | void
}

/** Creates the result of a successful command. */
export const ok = (code?: string, text?: string): CommandResult => ({
  ...(code === undefined ? {} : { code }),
  ...(text === undefined ? {} : { text }),
})

/**
 * The one error type of IMAP4 sessions. The client sees its text and code: a tagged NO for a command that failed, a
 * tagged BAD for one that broke the protocol, an untagged BYE for an error that ends the session. RFC 9051 section 7.1.
 */
export class ImapError extends Error {
  override readonly name = 'ImapError'
  readonly status: 'NO' | 'BAD' | 'BYE'
  readonly code: string | undefined
  constructor(status: 'NO' | 'BAD' | 'BYE', text: string, code?: string, options?: ErrorOptions) {
    super(text, options)
    this.status = status
    this.code = code
  }
}

/** Creates the error of a command that failed. Codes: RFC 5530 section 3. */
export const no = (text: string, code?: string): ImapError => new ImapError('NO', text, code)

/** Creates the error of a command that is malformed or not allowed in this state. */
export const bad = (text: string, code?: string): ImapError => new ImapError('BAD', text, code)

/** Creates the error that ends the session. RFC 9051 section 7.1.5. */
export const bye = (text: string, code?: string): ImapError => new ImapError('BYE', text, code)

/**
 * Formats a status response as one line. Replaces control characters by `?`, because the text may quote the client.
 * Characters outside ASCII are sent as UTF-8 if `utf8`, else as `?`. The tag is `*` for untagged responses.
 * RFC 9051 section 9, `text`.
 */
export function statusResponse(
  tag: string,
  status: 'OK' | ImapError['status'],
  { text, code }: { readonly text: string; readonly code?: string | undefined },
  utf8 = false,
): OctetString {
  const shown = utf8 ? utf8Octets(text.replace(/[\p{Cc}\p{Cs}]/gu, '?')) : ascii(text)
  return code === undefined ? `${tag} ${status} ${shown}\r\n` : `${tag} ${status} [${ascii(code)}] ${shown}\r\n`
}

const ascii = (text: string): string => (isPrintable(text) ? text : text.replace(/[^\x20-\x7e]/gu, '?'))
