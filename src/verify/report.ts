import { xml, xmlDocument } from '../common/xml.ts'
import { protocolRows } from './protocols.ts'
import type { CheckOutcome, Endpoint, EndpointReport, Finding } from './types.ts'

/** The summary of all findings. */
export interface Summary {
  readonly ok: boolean
  readonly counts: Readonly<Record<CheckOutcome, number>>
  /** The first line of a report: that all promises are kept, or which one is broken. */
  readonly verdict: string
}

export function summarize(reports: readonly EndpointReport[]): Summary {
  const all = reports.flatMap(({ endpoint, findings }) => findings.map((finding) => ({ endpoint, finding })))
  const count = (outcome: CheckOutcome): number => all.filter(({ finding }) => finding.outcome === outcome).length
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
  if (counts.pass === 0) return { ok: false, counts, verdict: 'broken: no port answers, so nothing could be verified' }
  const warnings = counts.warn === 0 ? '' : `, ${counts.warn} warning${counts.warn === 1 ? '' : 's'}`
  return { ok: true, counts, verdict: `all promises kept: ${counts.pass} checks passed${warnings}` }
}

const more = (count: number): string => (count > 1 ? ` (and ${count - 1} more)` : '')

const line = (endpoint: Endpoint, { title, words }: Finding): string =>
  `broken: ${describe(endpoint)}: ${title}: ${words}`

/** Returns the title and port of an endpoint: `Default SMTP Virtual Server, port 3025`. */
export const describe = ({ title, port }: Endpoint): string => `${title}, port ${port}`

const marks: Readonly<Record<CheckOutcome, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  warn: 'warn',
  'not-applicable': '-',
}

/** Formats the findings of one endpoint, one line per check, under its name. */
export function findingsTable({ endpoint, findings }: EndpointReport): string {
  const width = Math.max(0, ...findings.map(({ title }) => title.length))
  return [heading(endpoint), ...findings.map((finding) => `  ${row(finding, width)}`)].join('\n')
}

export function row({ outcome, title, words }: Finding, width = 0): string {
  return `${marks[outcome].padEnd(4)}  ${title.padEnd(width)}  ${words}`
}

function heading(endpoint: Endpoint): string {
  const { title, startTls } = protocolRows[endpoint.protocol]
  return `${describe(endpoint)} (${title} at ${endpoint.host}, ${endpoint.implicitTls ? 'implicit TLS' : startTls.command})`
}

/** Formats reports as JUnit XML for CI systems: a test suite per endpoint, a test case per check. */
export function verifyJunit(reports: readonly EndpointReport[]): string {
  return xmlDocument(['<testsuites name="sealpost verify">', ...reports.map(suite), '</testsuites>'])
}

function suite({ endpoint, findings }: EndpointReport): string {
  const count = (outcome: Finding['outcome']): number => findings.filter((one) => one.outcome === outcome).length
  const name = xml(describe(endpoint))
  return [
    `  <testsuite name="${name}" tests="${findings.length}" failures="${count('fail')}" skipped="${count('not-applicable')}">`,
    ...findings.map((finding) => testCase(name, finding)),
    '  </testsuite>',
  ].join('\n')
}

const bodies: Readonly<Record<Finding['outcome'], (words: string) => string>> = {
  pass: (words) => `<system-out>${words}</system-out>`,
  warn: (words) => `<system-out>warning: ${words}</system-out>`,
  fail: (words) => `<failure message="${words}"/>`,
  'not-applicable': (words) => `<skipped message="${words}"/>`,
}

const testCase = (className: string, { check, outcome, words }: Finding): string =>
  `    <testcase classname="${className}" name="${xml(check)}">${bodies[outcome](xml(words))}</testcase>`
