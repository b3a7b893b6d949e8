import { readFileSync, writeFileSync } from 'node:fs'
import { type LegacySuite, legacySuites } from '../../../../src/tls/legacy/suites.ts'
import { type OldTlsForm, oldTlsForms } from './dialogs.ts'
import type { Minimum } from './old-lab.ts'
import { type OfferedVersion, peers } from './peers.ts'

/** The result of one client in one case. */
export interface InteropResult {
  readonly peer: string
  readonly version: OfferedVersion
  readonly suite: LegacySuite
  readonly form: OldTlsForm
  readonly minimum: Minimum
  readonly accepted: boolean
}

const docFile = new URL('../../../../docs/old-clients.md', import.meta.url)
const BEGIN =
  '<!-- interop: begin (SEALPOST_LONG=1 SEALPOST_WRITE_DOCS=1 npx vitest run test/tls/legacy/interop) -->\n\n'
const END = '\n<!-- interop: end -->'

const versionTitles: Readonly<Record<OfferedVersion, string>> = {
  TLSv1: 'TLS 1.0',
  SSLv3: 'SSL 3.0',
  SSLv2Hello: 'SSL 2.0 hello',
}

/** Returns the table of docs/old-clients.md: one row per suite and version, one column per client. */
export function tableOf(findings: readonly InteropResult[]): string {
  const titles = ['Suite', 'Bits', 'Version', ...peers.map(({ name }) => name), '128 bits not required', 'required']
  const rows = legacySuites.flatMap((suite) =>
    (Object.keys(versionTitles) as OfferedVersion[]).flatMap((version) => {
      const of = findings.filter((finding) => finding.suite === suite && finding.version === version)
      if (of.length === 0) return []
      const cells = peers.map(({ name }) =>
        formsOf(of.filter(({ peer, minimum }) => peer === name && minimum === 'off')),
      )
      const verdicts = (['off', '128'] as const).map((minimum) => verdict(of.filter((one) => one.minimum === minimum)))
      return [[`\`${suite.name}\``, String(suite.keyBits), versionTitles[version], ...cells, ...verdicts]]
    }),
  )
  return markdown(titles, rows)
}

function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`
  return [titles, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('')
}

function formsOf(findings: readonly InteropResult[]): string {
  const accepted = oldTlsForms.filter((form) => findings.some((finding) => finding.form === form && finding.accepted))
  if (findings.length === 0) return '–'
  return accepted.length === oldTlsForms.length ? 'all four' : accepted.join(', ') || 'none'
}

function verdict(findings: readonly InteropResult[]): string {
  const accepted = findings.filter((finding) => finding.accepted).length
  if (accepted === findings.length) return 'accepted'
  return accepted === 0 ? 'refused' : `${accepted} of ${findings.length} accepted`
}

export function tableInDocs(): string {
  const text = readFileSync(docFile, 'utf8')
  return text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END))
}

export function writeTableToDocs(table: string): void {
  const text = readFileSync(docFile, 'utf8')
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)]
  writeFileSync(docFile, text.slice(0, from) + table + text.slice(to))
}
