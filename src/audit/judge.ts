import type { SessionRecord } from '../sessions/types.ts'
import type { AuditResult, BadPort, Expectation, Seen, Verdict } from './types.ts'

/** What a client did, before it is judged. */
export interface Outcome {
  readonly accepted: boolean
  readonly detail: string
}

const verdicts: Readonly<Record<Expectation, { readonly accepted: Verdict; readonly refused: Verdict }>> = {
  accept: { accepted: 'safe', refused: 'unable' },
  refuse: { accepted: 'unsafe', refused: 'safe' },
  careful: { accepted: 'lax', refused: 'safe' },
}

/** @param outcome undefined: it was not tried */
export function judged(
  { name, protocol, form, expectation }: BadPort,
  outcome: Outcome | undefined,
  sessions: readonly SessionRecord[],
): AuditResult {
  const row = { name, protocol, form, expectation, sessions: sessions.map(seen) }
  if (!outcome) return { ...row, accepted: false, verdict: 'untested', detail: `its host name does not resolve here` }
  const { accepted, detail } = outcome
  return { ...row, accepted, detail, verdict: verdicts[expectation][accepted ? 'accepted' : 'refused'] }
}

const seen = ({ user, tls, refusals }: SessionRecord): Seen => ({
  refusals,
  ...(user === undefined ? {} : { user }),
  ...(tls ? { tls: { version: tls.version, cipher: tls.cipher } } : {}),
})

/** What the lab saw, in words. */
export function sessionsText(sessions: readonly Seen[]): string {
  if (sessions.length === 0) return 'no connection'
  return sessions
    .map(({ user, tls, refusals }) => {
      const channel = tls ? tls.version : 'in clear'
      return [channel, ...(user === undefined ? [] : [`logged on as ${user}`]), ...refusals].join(', ')
    })
    .join('; ')
}
