import { DailyResults, type DayOf, type ResultPlace } from '../daily-results.ts'
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

/** The sessions of one day with the mail hosts of a domain. */
interface DaySessions {
  readonly policies: readonly TlsPolicyReport[]
}
export type DayResults = DayOf<DaySessions>

/** Policies of a domain. Sessions under more are not counted. */
const MAX_POLICIES = 10
/** Different failures of a policy. More are only counted. */
const MAX_FAILURES = 100
/** Lines of a policy, and its hosts. */
const MAX_POLICY_STRINGS = 100
const MAX_MX_HOSTS = 50
/** Characters of a line of a policy, and of each text of a failure: the other side chooses them. */
const MAX_TEXT = 1000

/** The results of outgoing sessions by policy domain and day. */
export class TlsResults extends DailyResults<TlsResult, DaySessions> {
  constructor(...[memory, clock]: ResultPlace) {
    super(memory, clock, { key: 'tls-results', add: withResult, subtract: withoutSent })
  }
}

const withResult = (known: DaySessions | undefined, result: TlsResult, domain: string): DaySessions => ({
  policies: withSession(known?.policies ?? [], domain, result),
})

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

function withoutSent({ policies }: DaySessions, sent: DaySessions): DaySessions | undefined {
  const left = policies
    .map((policy) =>
      minus(
        policy,
        sent.policies.find((one) => isSame(one, policy)),
      ),
    )
    .filter(({ successfulSessions, failedSessions }) => successfulSessions + failedSessions > 0)
  return left.length === 0 ? undefined : { policies: left }
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
