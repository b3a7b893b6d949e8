import type { OutputOf } from '../../api/client.ts'

export type Job = OutputOf<'jobs.get'>
export type JobSummary = OutputOf<'jobs.list'>['items'][number]
export type Target = OutputOf<'audit.targets'>['items'][number]

export type Outcome = 'pass' | 'fail' | 'warn' | 'not-applicable'

/** A check's finding at a port. */
export interface Finding {
  readonly check: string
  readonly title: string
  readonly outcome: Outcome
  readonly words: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** A port that a verify examines. */
export interface Endpoint {
  /** Name of the virtual server, or the host. */
  readonly name: string
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly implicitTls: boolean
  readonly checks: readonly Finding[]
}

export type Verdict = 'safe' | 'unsafe' | 'lax' | 'unable' | 'untested'

/** How a client behaved with a server of an audit. */
export interface AuditResult {
  readonly name: string
  readonly meaning: string
  readonly protocol: string
  readonly form: 'starttls' | 'implicit'
  readonly expectation: 'accept' | 'refuse' | 'careful'
  readonly verdict: Verdict
  readonly reason: string
  readonly detail: string
  readonly sessions: readonly { readonly transcript: readonly string[]; readonly refusals: readonly string[] }[]
}

/** Returns the findings of a verify, also of one that is not done. */
export const endpointsOf = ({ result, partial }: Job): readonly Endpoint[] =>
  ((result ?? partial ?? {}) as { readonly endpoints?: readonly Endpoint[] }).endpoints ?? []

export const auditResultsOf = ({ result }: Job): readonly AuditResult[] =>
  ((result ?? {}) as { readonly results?: readonly AuditResult[] }).results ?? []

/** Returns how TLS begins on a port, as its users say it. */
export const formText = (implicitTls: boolean, protocol: string): string =>
  implicitTls ? 'TLS' : protocol === 'http' ? 'HTTP' : protocol === 'pop3' ? 'STLS' : 'STARTTLS'
