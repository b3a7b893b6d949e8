import { protocolRows } from '../protocols/index.ts'
import type { Endpoint, EndpointReport, Finding, Outcome } from '../types.ts'
import { describe } from './summary.ts'

const marks: Readonly<Record<Outcome, string>> = { pass: 'pass', fail: 'FAIL', warn: 'warn', 'not-applicable': '-' }

/** The findings of one endpoint under its name, a line a check. */
export function table({ endpoint, findings }: EndpointReport): string {
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
