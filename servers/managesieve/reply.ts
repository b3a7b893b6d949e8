import type { Connection } from '../../src/net/connection.ts'

/** The response codes of RFC 5804 section 1.3. */
export type ResponseCode =
  | 'ACTIVE'
  | 'ALREADYEXISTS'
  | 'AUTH-TOO-WEAK'
  | 'ENCRYPT-NEEDED'
  | 'NONEXISTENT'
  | 'QUOTA/MAXSCRIPTS'
  | 'QUOTA/MAXSIZE'
  | 'TRYLATER'
  | `REFERRAL ${string}`
  | `SASL ${string}`
  | `TAG ${string}`

/** Codes that say that a client is refused, and not that its command is wrong. The record of the session lists them. */
const REFUSALS = /^(?:AUTH-TOO-WEAK|ENCRYPT-NEEDED|QUOTA|REFERRAL|TRYLATER)/

/** The one error type of ManageSieve sessions: a `NO` or `BYE` with this message as its text. */
export class ManageSieveError extends Error {
  override readonly name = 'ManageSieveError'
  readonly code: ResponseCode | undefined
  /** Whether the session ends. */
  readonly isLast: boolean
  readonly isRefusal: boolean
  constructor(
    message: string,
    code?: ResponseCode,
    options: ErrorOptions & { readonly isLast?: boolean; readonly isRefusal?: boolean } = {},
  ) {
    super(message, options)
    this.code = code
    this.isLast = options.isLast ?? false
    this.isRefusal = options.isRefusal ?? REFUSALS.test(code ?? '')
  }
}

/** The reply of a command: `OK`, with a text for people, data lines before it, or a change of the connection after it. */
export interface ManageSieveReply {
  readonly text: string
  readonly code?: ResponseCode | undefined
  readonly lines?: readonly string[]
  readonly afterwards?: () => Promise<void>
}

/** The longest quoted string. RFC 5804 section 4, `quoted` */
export const MAX_QUOTED_OCTETS = 1024

/** Writes a string: quoted, or as a literal if it is long or has line ends. RFC 5804 section 4, `string` and `literal-s2c` */
export function stringOf(text: string): string {
  const octets = Buffer.byteLength(text)
  return octets > MAX_QUOTED_OCTETS || /[\r\n\0]/.test(text)
    ? `{${octets}}\r\n${text}`
    : `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

export function sendReply(connection: Connection, { text, code, lines = [] }: ManageSieveReply): void {
  connection.write([...lines, statusLine('OK', text, code)].map((line) => `${line}\r\n`).join(''))
}

export function sendError(connection: Connection, { message, code, isLast }: ManageSieveError): void {
  connection.write(`${statusLine(isLast ? 'BYE' : 'NO', message, code)}\r\n`)
}

/** Returns a response of RFC 5804 section 1.2. */
export const statusLine = (status: 'OK' | 'NO' | 'BYE', text: string, code?: ResponseCode): string =>
  `${status}${code === undefined ? '' : ` (${code})`} ${stringOf(text)}`
