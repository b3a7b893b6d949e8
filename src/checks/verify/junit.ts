import { xml, xmlDocument } from '../../core/text/xml.ts'
import { describe } from './report.ts'
import type { EndpointReport, Finding } from './types.ts'

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
