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
  constructor(...place: ResultPlace) {
    super(place, { key: 'tls-results', contentOf: daySessions, sum: sumOf, subtract: withoutSent })
  }
}

function daySessions({ policyType, policyStrings, mxHosts, failure }: TlsResult, policyDomain: string): DaySessions {
  const policy = {
    policyType,
    policyDomain,
    policyStrings: policyStrings.slice(0, MAX_POLICY_STRINGS).map(cut),
    mxHosts: mxHosts.slice(0, MAX_MX_HOSTS),
    successfulSessions: failure ? 0 : 1,
    failedSessions: failure ? 1 : 0,
    failures: failure ? [{ ...cutFailure(failure), failedSessions: 1 }] : [],
  }
  return { policies: [policy] }
}

function sumOf(all: readonly DaySessions[]): DaySessions {
  const found: TlsPolicyReport[] = []
  for (const policy of all.flatMap(({ policies }) => policies)) {
    const index = found.findIndex((one) => isSame(one, policy))
    const known = found[index]
    if (known) found[index] = plus(known, policy)
    else if (found.length < MAX_POLICIES) found.push(policy)
  }
  return { policies: found }
}

const plus = (known: TlsPolicyReport, more: TlsPolicyReport): TlsPolicyReport => ({
  ...known,
  mxHosts: [...new Set([...known.mxHosts, ...more.mxHosts])].slice(0, MAX_MX_HOSTS),
  successfulSessions: known.successfulSessions + more.successfulSessions,
  failedSessions: known.failedSessions + more.failedSessions,
  failures: more.failures.reduce(withFailure, known.failures),
})

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

function withFailure(failures: readonly TlsFailureDetails[], failure: TlsFailureDetails): readonly TlsFailureDetails[] {
  const index = failures.findIndex((one) => failureKey(one) === failureKey(failure))
  const known = failures[index]
  if (known) return failures.with(index, { ...known, failedSessions: known.failedSessions + failure.failedSessions })
  return failures.length >= MAX_FAILURES ? failures : [...failures, failure]
}
