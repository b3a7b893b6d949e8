import { readFileSync, writeFileSync } from 'node:fs'
import type { Judge } from './judge.ts'
import { kinds, type Offer, type SubjectName, subjects, type Version, versions } from './subjects.ts'

/** The offers that each judge found accepted, by subject. */
export type Findings = ReadonlyMap<SubjectName, Map<Judge, readonly Offer[]>>

const docFile = new URL('../../../../docs/conformance.md', import.meta.url)
const BEGIN =
  '<!-- judges: begin (SEALPOST_LONG=1 SEALPOST_WRITE_DOCS=1 npx vitest run test/tls/negotiation/judges) -->\n\n'
const END = '\n<!-- judges: end -->'

const versionTitles: Readonly<Record<Version, string>> = {
  SSLv2: 'SSL 2.0',
  SSLv3: 'SSL 3.0',
  TLSv1: 'TLS 1.0',
  'TLSv1.1': 'TLS 1.1',
  'TLSv1.2': 'TLS 1.2',
  'TLSv1.3': 'TLS 1.3',
}

/** Returns the table: one row per version and kind of suites, one column per virtual server, and who examined it. */
export function tableOf(judges: readonly Judge[], findings: Findings): string {
  const names = Object.keys(subjects) as SubjectName[]
  const titles = ['Version', 'Suites', ...names.map((name) => subjects[name].title), 'Examined by']
  const rows = versions.flatMap((version) =>
    kinds.flatMap((kind) => {
      const offer: Offer = `${version} ${kind}`
      const able = judges.filter(({ offers }) => offers.includes(offer))
      if (able.length === 0) return []
      const cells = names.map((name) => verdict(able, offer, findings.get(name) ?? new Map()))
      return [[versionTitles[version], kind, ...cells, able.map(({ name }) => name).join(', ')]]
    }),
  )
  const limits = judges.map(({ name, limits }) => `- ${name}: ${limits}.\n`)
  return `${markdown(titles, rows)}\n${limits.join('')}`
}

/** Returns what all say, or who accepts. */
function verdict(judges: readonly Judge[], offer: Offer, found: ReadonlyMap<Judge, readonly Offer[]>): string {
  const accepting = judges.filter((judge) => found.get(judge)?.includes(offer))
  if (accepting.length === 0) return 'refused'
  return accepting.length === judges.length
    ? '**accepted**'
    : `accepted: ${accepting.map(({ name }) => name).join(', ')}`
}

function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [titles, titles.map(() => '---'), ...rows].map(line).join('')
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
