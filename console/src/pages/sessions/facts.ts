import type { OutputOf } from '../../api/client.ts'
import type { Session } from './types.ts'

export type Handshake = OutputOf<'sessions.handshake'>

/** Returns whether something was refused, or the session failed. */
export const hasFailed = ({ refusals, endCause }: Session): boolean =>
  refusals.length > 0 || endCause === 'internal error' || endCause === 'handshake failed'

/** The document that defines the codes and commands of each protocol. */
const standards: Readonly<Record<string, string>> = {
  smtp: 'https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3',
  pop3: 'https://www.rfc-editor.org/rfc/rfc1939#section-5',
  imap4: 'https://www.rfc-editor.org/rfc/rfc9051#section-7.1',
  nntp: 'https://www.rfc-editor.org/rfc/rfc3977#section-3.2',
  http: 'https://www.rfc-editor.org/rfc/rfc9110#section-15',
}

/** The status code or word that begins a reply, for its link to the standard. */
const codes: Readonly<Record<string, RegExp>> = {
  smtp: /^\d{3}(?=[ -]|$)/,
  nntp: /^\d{3}(?= |$)/,
  pop3: /^(?:\+OK|-ERR)/,
  imap4: /(?<=^\S+ )(?:OK|NO|BAD|BYE|PREAUTH)\b/,
  http: /(?<=^HTTP\/1\.1 )\d{3}/,
}

/** A reply, split around its code. `url` is the section of the standard that defines codes. */
interface SplitReply {
  readonly before: string
  readonly code: string
  readonly after: string
  readonly url: string
}

/** Splits a reply around its code. Returns undefined where there is none. */
export function splitReply(protocol: string, text: string): SplitReply | undefined {
  const [found, url] = [codes[protocol]?.exec(text), standards[protocol]]
  if (!found || url === undefined) return undefined
  const [code] = found
  return { before: text.slice(0, found.index), code, after: text.slice(found.index + code.length), url }
}

/** Returns the verb of a command, for `when.verb` of a fault. */
export function verbOf(protocol: string, line: string): string | undefined {
  const words = line.trim().split(/\s+/)
  const verb = (protocol === 'imap4' ? words[1] : words[0])?.toUpperCase()
  return verb && /^[A-Z]{2,20}$/.test(verb) ? verb : undefined
}
