import { xml, xmlDocument } from '../common/xml.ts'
import { sessionsText } from './judge.ts'
import type { AuditResult, Verdict } from './types.ts'

export const counts = (results: readonly AuditResult[]): Record<Verdict, number> => {
  const all: Record<Verdict, number> = { safe: 0, unsafe: 0, lax: 0, unable: 0, untested: 0 }
  for (const { verdict } of results) all[verdict]++
  return all
}

/** Rows for a table, what matters first. */
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
export const auditHeading = ['VERDICT', 'SERVER', 'PROTOCOL', 'TLS', 'A SAFE CLIENT WOULD', 'WHAT CAME OF IT'] as const

/** JUnit XML: one test a port; unsafe, and refusing what is good, are failures. */
export function junit(results: readonly AuditResult[]): string {
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
