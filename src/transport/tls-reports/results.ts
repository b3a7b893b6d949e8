import { OneAtATime } from '../../core/async/one-at-a-time.ts'
import type { Clock } from '../../core/time/clock.ts'
import type { PolicyType, TlsFailureDetails, TlsPolicyReport } from './types.ts'

type NewFailure = Omit<TlsFailureDetails, 'failedSessions'>
type Policy = Pick<TlsPolicyReport, 'policyType' | 'policyStrings'>

/** One session, or an attempt that found no policy or host. */
export interface TlsResult {
  readonly domain: string
  readonly policyType: PolicyType
  readonly policyStrings: readonly string[]
  readonly mxHosts: readonly string[]
  /** Absent: the session was as the policy demands. */
  readonly failure?: NewFailure
}

/** Keeps texts by key: the state of the message store. */
interface ResultMemory {
  getState(key: string): Promise<string | undefined>
  setState(key: string, value: string | undefined): Promise<void>
}

/** The results of one domain on one day. */
export interface DayResults {
  readonly domain: string
  /** The day in UTC, as `2026-01-31`. */
  readonly day: string
  readonly policies: readonly TlsPolicyReport[]
}

const KEY = 'tls-results'
const DAY_MS = 86_400_000
/** Days that are kept. A report is about one of them. */
const MAX_DAYS = 7
/** Domains of a day, and policies of each. Sessions of more are not counted. */
const MAX_DOMAINS = 1000
const MAX_POLICIES = 10
/** Different failures of a policy. More are only counted. */
const MAX_FAILURES = 100
/** Lines of a policy, and its hosts. */
const MAX_POLICY_STRINGS = 100
const MAX_MX_HOSTS = 50
/** Characters of a line of a policy, and of each text of a failure: the other side chooses them. */
const MAX_TEXT = 1000
/** Characters of all results. Sessions that would add to more are not counted. */
const MAX_CHARS = 4 * 1024 * 1024

/** The results of outgoing sessions by policy domain and day, kept in the state of the message store. */
export class TlsResults {
  readonly #memory: ResultMemory
  readonly #clock: Clock
  readonly #writes = new OneAtATime()

  constructor(memory: ResultMemory, clock: Clock) {
    this.#memory = memory
    this.#clock = clock
  }

  /** Counts results. */
  add(results: readonly TlsResult[]): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    return this.#writes.run(async () => {
      const now = this.#clock.now()
      const oldest = dayOf(now - (MAX_DAYS - 1) * DAY_MS)
      let days: readonly DayResults[] = (await this.#read()).filter(({ day }) => day >= oldest)
      for (const result of results) days = withResult(days, dayOf(now), result)
      const text = JSON.stringify(days)
      if (text.length <= MAX_CHARS) await this.#memory.setState(KEY, text)
    })
  }

  /** Returns the results, the latest day first. @param domain returns only the results of one domain */
  async list(domain?: string): Promise<readonly DayResults[]> {
    const days = (await this.#writes.run(() => this.#read())).toReversed()
    return domain === undefined ? days : days.filter((one) => one.domain === domain.toLowerCase())
  }

  /** Forgets results that were sent. Those that were counted since they were listed stay. */
  delete(sent: DayResults): Promise<void> {
    return this.#writes.run(async () => {
      const kept = (await this.#read()).flatMap((one) => withoutSent(one, sent))
      await this.#memory.setState(KEY, kept.length === 0 ? undefined : JSON.stringify(kept))
    })
  }

  async #read(): Promise<readonly DayResults[]> {
    return JSON.parse((await this.#memory.getState(KEY)) ?? '[]') as readonly DayResults[]
  }
}

/** Returns the day of a time in UTC. RFC 8460 section 4.1. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Returns the first and the last moment of a day, in milliseconds since the epoch. */
export function timesOf(day: string): { readonly startsAt: number; readonly endsAt: number } {
  const startsAt = Date.parse(`${day}T00:00:00Z`)
  return { startsAt, endsAt: startsAt + DAY_MS - 1000 }
}

function withResult(days: readonly DayResults[], day: string, result: TlsResult): readonly DayResults[] {
  const domain = result.domain.toLowerCase()
  const index = days.findIndex((one) => one.domain === domain && one.day === day)
  if (index >= 0) {
    const found = days[index] as DayResults
    return days.with(index, { ...found, policies: withSession(found.policies, domain, result) })
  }
  if (days.filter((one) => one.day === day).length >= MAX_DOMAINS) return days
  return [...days, { domain, day, policies: withSession([], domain, result) }]
}

function withSession(
  policies: readonly TlsPolicyReport[],
  domain: string,
  { policyType, policyStrings: strings, mxHosts, failure }: TlsResult,
): readonly TlsPolicyReport[] {
  const policyStrings = strings.slice(0, MAX_POLICY_STRINGS).map(cut)
  const index = policies.findIndex((one) => isSame(one, { policyType, policyStrings }))
  if (index < 0 && policies.length >= MAX_POLICIES) return policies
  const counts = { successfulSessions: 0, failedSessions: 0, failures: [] }
  const known = policies[index] ?? { policyType, policyDomain: domain, policyStrings, mxHosts: [], ...counts }
  const changed: TlsPolicyReport = {
    ...known,
    mxHosts: [...new Set([...known.mxHosts, ...mxHosts])].slice(0, MAX_MX_HOSTS),
    successfulSessions: known.successfulSessions + (failure ? 0 : 1),
    failedSessions: known.failedSessions + (failure ? 1 : 0),
    failures: failure ? withFailure(known.failures, cutFailure(failure)) : known.failures,
  }
  return index >= 0 ? policies.with(index, changed) : [...policies, changed]
}

const isSame = (a: Policy, b: Policy): boolean =>
  a.policyType === b.policyType && JSON.stringify(a.policyStrings) === JSON.stringify(b.policyStrings)

function withoutSent(results: DayResults, sent: DayResults): readonly DayResults[] {
  if (results.domain !== sent.domain || results.day !== sent.day) return [results]
  const policies = results.policies
    .map((policy) =>
      minus(
        policy,
        sent.policies.find((one) => isSame(one, policy)),
      ),
    )
    .filter(({ successfulSessions, failedSessions }) => successfulSessions + failedSessions > 0)
  return policies.length === 0 ? [] : [{ ...results, policies }]
}

function minus(policy: TlsPolicyReport, sent: TlsPolicyReport | undefined): TlsPolicyReport {
  if (!sent) return policy
  const failures = policy.failures.map((failure) => {
    const known = sent.failures.find((one) => failureKey(one) === failureKey(failure))
    return { ...failure, failedSessions: failure.failedSessions - (known?.failedSessions ?? 0) }
  })
  return {
    ...policy,
    successfulSessions: policy.successfulSessions - sent.successfulSessions,
    failedSessions: policy.failedSessions - sent.failedSessions,
    failures: failures.filter(({ failedSessions }) => failedSessions > 0),
  }
}

const cut = (text: string): string => text.slice(0, MAX_TEXT)

const cutFailure = (failure: NewFailure): NewFailure => ({
  ...failure,
  ...Object.fromEntries(Object.entries(failure).map(([key, text]) => [key, text && cut(text)])),
})

const failureKey = ({ failedSessions: _, ...rest }: Partial<TlsFailureDetails>): string =>
  JSON.stringify(Object.entries(rest).sort())

function withFailure(failures: readonly TlsFailureDetails[], failure: NewFailure): readonly TlsFailureDetails[] {
  const index = failures.findIndex((one) => failureKey(one) === failureKey(failure))
  const known = failures[index]
  if (known) return failures.with(index, { ...known, failedSessions: known.failedSessions + 1 })
  return failures.length >= MAX_FAILURES ? failures : [...failures, { ...failure, failedSessions: 1 }]
}
