import {
  type CheckOutcome,
  type EndpointReport,
  type ReportLine,
  reportJson,
  reportLines,
  summarize,
} from '../../checks/verify/index.ts'
import { print } from '../shared/output.ts'

const styles: Partial<Record<CheckOutcome, 'red' | 'yellow' | 'green'>> = { fail: 'red', warn: 'yellow', pass: 'green' }

/** Prints a line in the colour of its outcome. */
export function printLine({ text, outcome }: ReportLine, prefix = ''): void {
  print(prefix + text, outcome && styles[outcome])
}

/** Prints the findings and, as the last line, the verdict. */
export function printReport(reports: readonly EndpointReport[], { verbose = false }: { verbose?: boolean }): void {
  for (const report of reports) for (const line of reportLines(report, verbose)) printLine(line)
  printVerdict(reports)
}

/** Prints whether the servers passed, and how many findings there are. */
export function printVerdict(reports: readonly EndpointReport[], prefix = ''): void {
  const { ok, verdict } = summarize(reports)
  printLine({ text: verdict, outcome: ok ? 'pass' : 'fail' }, prefix)
}

/** Prints the findings as one JSON value, with further facts about the run. */
export function printJson(reports: readonly EndpointReport[], more: object = {}): void {
  print(JSON.stringify({ ...more, ...reportJson(reports) }))
}
