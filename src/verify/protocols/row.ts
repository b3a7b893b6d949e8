import type { Protocol } from '../../config/schema.ts'
import type { Reply } from '../dialog.ts'

/** A way to log on that is tried in clear, with a name and a password that are nobody's. */
interface ClearLogOn {
  readonly name: string
  readonly command: string
  /** Whether the server went into it: asked for the password, or judged it. @param announced capability lines in clear */
  readonly goesInto: (reply: Reply, announced: readonly string[]) => boolean
}

/** What a session says before STARTTLS that it must have forgotten behind it. */
interface StateProbe {
  /** Said in clear; each must be accepted, else there is nothing to forget. */
  readonly before: (facts: StateFacts) => readonly string[] | undefined
  readonly after: (facts: StateFacts) => string
  /** The status of an answer that shows that it is forgotten. */
  readonly forgotten: RegExp
  /** What would have survived. */
  readonly what: string
}

export interface StateFacts {
  readonly user: string | undefined
  readonly password: string | undefined
  readonly newsgroup: string | undefined
}

/** What a client needs to know of a protocol to look at its TLS. */
export interface ProtocolRow {
  readonly protocol: Protocol
  readonly title: string
  readonly greeting: RegExp
  /** A command as it is sent, without its line end. @param n the how manieth it is */
  readonly frame: (command: string, n: number) => string
  readonly isLast: (lines: readonly string[], command: string, n: number) => boolean
  readonly status: (lines: readonly string[]) => string
  readonly code: (status: string) => string
  readonly capabilities: {
    readonly command: string
    readonly startTls: RegExp
    /** Log-on mechanisms, plain commands included (`USER`, `LOGIN`). */
    readonly mechanisms: (lines: readonly string[]) => readonly string[]
  }
  readonly startTls: { readonly command: string; readonly ready: RegExp }
  /** Positive, whatever the command. */
  readonly accepted: RegExp
  readonly clearLogOn: readonly ClearLogOn[]
  /** What is refused in clear beside the log-on, where a secure channel is required. */
  readonly clearUse?: { readonly command: string; readonly refused: RegExp; readonly rule: string }
  /** What is put behind STARTTLS in the same segment: nothing may answer it. */
  readonly injected: { readonly command: string; readonly answered: (reply: Reply) => boolean }
  readonly state?: StateProbe
  readonly quit: string
}

/** A name and a password that are nobody's. */
export const NOBODY = 'sealpost-verify'
export const NO_PASSWORD = 'not-a-password'
/** SASL PLAIN of them. RFC 4616 section 2. */
export const nobodyPlain = Buffer.from(`\0${NOBODY}\0${NO_PASSWORD}`).toString('base64')

export const lastOf = (lines: readonly string[]): string => lines.at(-1) ?? ''
export const firstOf = (lines: readonly string[]): string => lines[0] ?? ''
export const isIn = (...codes: readonly string[]): ((reply: Reply) => boolean) => {
  const known = new Set(codes)
  return ({ code }) => known.has(code)
}

/** Words of the capability line that begins with `name`. */
export function wordsOf(lines: readonly string[], name: RegExp): string[] {
  return lines.flatMap((line) => {
    const match = name.exec(line)
    return match ? line.slice(match[0].length).trim().split(/\s+/).filter(Boolean) : []
  })
}
