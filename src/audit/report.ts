import { xml, xmlDocument } from '../common/xml.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { AuditResult, BadPort, Expectation, SessionSummary, Verdict } from './types.ts'

export const counts = (results: readonly AuditResult[]): Record<Verdict, number> => {
  const all: Record<Verdict, number> = { safe: 0, unsafe: 0, lax: 0, unable: 0, untested: 0 }
  for (const { verdict } of results) all[verdict]++
  return all
}

/** Returns rows for a table, the worst verdicts first. */
export function auditRows(results: readonly AuditResult[]): string[][] {
  const order: readonly Verdict[] = ['unsafe', 'lax', 'unable', 'untested', 'safe']
  return [...results]
    .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
    .map(({ name, protocol, form, expectation, verdict, detail, sessions }) => [
      verdict,
      name,
      protocol,
      form,
      expectation,
      `${detail} (${sessionsText(sessions)})`,
    ])
}
export const auditHeading = ['VERDICT', 'SERVER', 'PROTOCOL', 'TLS', 'A SAFE CLIENT WOULD', 'RESULT'] as const

/** Formats results as JUnit XML: one test per port; unsafe and unable are failures. */
export function auditJunit(results: readonly AuditResult[]): string {
  const { unsafe, unable, untested } = counts(results)
  const cases = results.flatMap((result) => {
    const { name, protocol, form, verdict, detail, sessions } = result
    const open = `    <testcase classname="${protocol}.${form}" name="${xml(name)}"`
    const text = xml(`${detail} (${sessionsText(sessions)})`)
    if (verdict === 'untested') return [`${open}>`, `      <skipped message="${text}"/>`, '    </testcase>']
    if (verdict === 'safe') return [`${open}/>`]
    if (verdict === 'lax') return [`${open}>`, `      <system-out>lax: ${text}</system-out>`, '    </testcase>']
    return [`${open}>`, `      <failure type="${verdict}" message="${text}"/>`, '    </testcase>']
  })
  return xmlDocument([
    '<testsuites>',
    `  <testsuite name="sealpost audit" tests="${results.length}" failures="${unsafe + unable}" skipped="${untested}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
  ])
}

/** How a client's run against a server ended. */
export interface ClientResult {
  readonly accepted: boolean
  readonly detail: string
}

const verdicts: Readonly<Record<Expectation, { readonly accepted: Verdict; readonly refused: Verdict }>> = {
  accept: { accepted: 'safe', refused: 'unable' },
  refuse: { accepted: 'unsafe', refused: 'safe' },
  careful: { accepted: 'lax', refused: 'safe' },
}

/** Returns the verdict on a client. @param outcome undefined if the client was not run */
export function judge(
  { name, protocol, form, expectation }: BadPort,
  outcome: ClientResult | undefined,
  sessions: readonly SessionRecord[],
): AuditResult {
  const row = { name, protocol, form, expectation, sessions: sessions.map(summaryOf) }
  if (!outcome)
    return { ...row, accepted: false, verdict: 'untested', detail: 'its host name does not resolve on this machine' }
  const { accepted, detail } = outcome
  return { ...row, accepted, detail, verdict: verdicts[expectation][accepted ? 'accepted' : 'refused'] }
}

const summaryOf = ({ user, tls, refusals }: SessionRecord): SessionSummary => ({
  refusals,
  ...(user === undefined ? {} : { user }),
  ...(tls ? { tls: { version: tls.version, cipher: tls.cipher } } : {}),
})

/** Describes the recorded sessions. */
function sessionsText(sessions: readonly SessionSummary[]): string {
  if (sessions.length === 0) return 'no connection'
  return sessions
    .map(({ user, tls, refusals }) => {
      const channel = tls ? tls.version : 'clear text'
      return [channel, ...(user === undefined ? [] : [`logged on as ${user}`]), ...refusals].join(', ')
    })
    .join('; ')
}
