import type { Endpoint, EndpointReport, Finding, Outcome } from '../types.ts'

/** What all findings come to. */
export interface Summary {
  readonly ok: boolean
  readonly counts: Readonly<Record<Outcome, number>>
  /** The first line of a report: that every promise is kept, or which is broken. */
  readonly verdict: string
}

export function summarize(reports: readonly EndpointReport[]): Summary {
  const all = reports.flatMap(({ endpoint, findings }) => findings.map((finding) => ({ endpoint, finding })))
  const count = (outcome: Outcome): number => all.filter(({ finding }) => finding.outcome === outcome).length
  const counts = {
    pass: count('pass'),
    fail: count('fail'),
    warn: count('warn'),
    'not-applicable': count('not-applicable'),
  }
  const broken = all.filter(({ finding }) => finding.outcome === 'fail')
  const [first] = broken
  if (first)
    return {
      ok: false,
      counts,
      verdict: broken.map(({ endpoint, finding }) => line(endpoint, finding))[0] + more(broken.length),
    }
  if (counts.pass === 0) return { ok: false, counts, verdict: 'broken: nothing answers, so nothing could be verified' }
  const warnings = counts.warn === 0 ? '' : `, ${counts.warn} warning${counts.warn === 1 ? '' : 's'}`
  return { ok: true, counts, verdict: `all promises kept: ${counts.pass} checks passed${warnings}` }
}

const more = (count: number): string => (count > 1 ? ` (and ${count - 1} more)` : '')

const line = (endpoint: Endpoint, { title, words }: Finding): string =>
  `broken: ${describe(endpoint)}: ${title}: ${words}`

/** `Default SMTP Virtual Server, port 3025`. */
export const describe = ({ title, port }: Endpoint): string => `${title}, port ${port}`
