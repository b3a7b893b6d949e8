import type { OutputOf } from '../../api/client.ts'

/** A session as the API describes it. Times are milliseconds since the epoch. */
export interface Session {
  readonly id: string
  readonly protocol: string
  readonly virtualServer: string
  readonly remoteAddress: string
  readonly remotePort: number
  /** The proxy that the client came by. */
  readonly proxy?: { readonly address: string; readonly port: number }
  readonly localAddress: string
  readonly localPort: number
  readonly startedAt: number
  readonly endedAt?: number
  readonly endCause?: string
  readonly user?: string
  readonly refusals: readonly string[]
  readonly summary: string
  /** Whether its traffic can be downloaded. */
  readonly captured: boolean
  readonly hello?: { readonly serverName?: string; readonly ja4?: string }
  readonly tls?: {
    readonly version: string
    readonly cipher: string
    readonly bits: number
    readonly keyExchange?: string
    readonly serverName?: string
    readonly alpn?: string
    readonly resumed: boolean
    readonly certificate?: { readonly friendlyName: string; readonly thumbprint: string }
    readonly clientCertificate?: { readonly subject: string; readonly verified: boolean; readonly error?: string }
  }
}

/** One entry of a transcript. */
export type Entry = { readonly at: number; readonly encrypted: boolean } & (
  | { readonly kind: 'line'; readonly direction: 'in' | 'out'; readonly text: string }
  | { readonly kind: 'octets'; readonly direction: 'in' | 'out'; readonly octets: number }
  | { readonly kind: 'note'; readonly text: string }
)

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
export interface SplitReply {
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

/** Commands of which a fault can be made: those that the lab knows as `when.verb`. */
export function verbOf(protocol: string, line: string): string | undefined {
  const words = line.trim().split(/\s+/)
  const verb = (protocol === 'imap4' ? words[1] : words[0])?.toUpperCase()
  return verb && /^[A-Z]{2,20}$/.test(verb) ? verb : undefined
}
