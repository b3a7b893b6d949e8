import type { Command } from 'commander'
import type { ItemOf, OutputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { exitStatus } from '../shared/failure.ts'
import { note, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

interface TlsReportOptions extends ApiOptions {
  readonly domain?: string
  readonly send?: boolean
}

/** Adds `sealpost tls-report`. */
export function addTlsReport(program: Command): void {
  withApi(program.command('tls-report'))
    .option('--domain <domain>', 'only this recipient domain')
    .option('--send', 'send reports to the domains that request them, and delete the sent results')
    .addOption(sharedOptions.json)
    .action((options: TlsReportOptions) => (options.send ? send(options) : show(options)))
}

async function show(options: TlsReportOptions): Promise<void> {
  const { items } = await callApi(options, 'tlsReports.list', { domain: options.domain })
  if (options.json) return print(JSON.stringify(items))
  if (items.length === 0) return note('No results: no connector with route: dns has sent mail.')
  printTable(['DAY', 'DOMAIN', 'POLICY', 'GOOD', 'FAILED', 'FAILURES'], items.flatMap(rowsOf))
}

const rowsOf = ({ day, domain, policies }: ItemOf<'tlsReports.list'>): string[][] =>
  policies.map(({ policyType, successfulSessions, failedSessions, failures }) => [
    day,
    domain,
    policyType,
    String(successfulSessions),
    String(failedSessions),
    failures.map((one) => `${one.resultType} (${one.failedSessions})`).join(' '),
  ])

async function send(options: TlsReportOptions): Promise<void> {
  const { reports } = await callApi(options, 'tlsReports.send', { domain: options.domain })
  printSent(reports, options.json === true)
}

/** Prints what became of reports. */
export function printSent(reports: OutputOf<'tlsReports.send'>['reports'], json: boolean): void {
  if (reports.some(({ problem }) => problem !== null)) process.exitCode = exitStatus.failed
  if (json) return print(JSON.stringify(reports))
  if (reports.length === 0) return note('There is nothing to report.')
  const rows = reports.map(({ day, domain, to, problem }) => [day, domain, to ?? '', problem ?? 'sent'])
  printTable(['DAY', 'DOMAIN', 'TO', 'RESULT'], rows)
}
