import { channelWithoutTls } from '../../core/sessions/describe.ts'
import { xml, xmlDocument } from '../../core/text/xml.ts'
import type { AuditResult, ControlResult, SessionSummary, Verdict } from './types.ts'

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
    .map((result) => {
      const { name, protocol, form, expectation, verdict } = result
      return [verdict, name, protocol, form, expectation, resultText(result)]
    })
}

/** Returns the results as text, a line for each, and their counts. */
export function auditText(results: readonly AuditResult[]): string {
  const rows = auditRows(results)
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => [...widths.map((width, at) => row[at]?.padEnd(width)), row.at(-1)].join('  '))
  return `${[...lines, countsText(results)].join('\n')}\n`
}

/** Describes how many results have each verdict: `3 safe, 1 unsafe, …`. */
export const countsText = (results: readonly AuditResult[]): string =>
  Object.entries(counts(results))
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(', ')

export const auditHeading = ['VERDICT', 'SERVER', 'PROTOCOL', 'TLS', 'A SAFE CLIENT WOULD', 'RESULT'] as const

/** Formats results as JUnit XML: one test per port; unsafe and unable are failures. */
export function auditJunit(results: readonly AuditResult[]): string {
  const { unsafe, unable, untested } = counts(results)
  const cases = results.flatMap((result) => {
    const { name, protocol, form, verdict } = result
    const open = `    <testcase classname="${protocol}.${form}" name="${xml(name)}"`
    const text = xml(resultText(result))
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

/** Returns a line for each control run that failed: its protocol and form were not tested. */
export const failedControls = (controls: readonly ControlResult[]): string[] =>
  controls
    .filter(({ succeeded }) => !succeeded)
    .map(({ protocol, form, detail }) => `not tested: ${protocol} ${form}: the control run failed: ${detail}`)

/** Describes a result: `sent in clear text: LOGIN; exit status 1: Error: … (TLSv1.3, logged on as alice)`. */
export const resultText = ({ reason, detail, sessions }: AuditResult): string =>
  `${[...new Set([reason, detail])].join('; ')} (${sessionsText(sessions)})`

/** Describes the recorded sessions. */
function sessionsText(sessions: readonly SessionSummary[]): string {
  if (sessions.length === 0) return 'no connection'
  return sessions
    .map(({ user, tls, refusals, endCause }) => {
      const channel = tls ? tls.version : channelWithoutTls(endCause)
      return [channel, ...(user === undefined ? [] : [`logged on as ${user}`]), ...refusals].join(', ')
    })
    .join('; ')
}
