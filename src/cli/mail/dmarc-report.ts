import { type Command, Option } from 'commander'
import type { ItemOf } from '../../api/operation-types.ts'
import { type DmarcReportDefect, dmarcReportDefects } from '../../core/config/schema/mail-authentication.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { note, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { printSent } from './tls-report.ts'

interface DmarcReportOptions extends ApiOptions {
  readonly domain?: string
  readonly send?: boolean
  readonly defect?: DmarcReportDefect
}

/** Adds `sealpost dmarc-report`. */
export function addDmarcReport(program: Command): void {
  withApi(program.command('dmarc-report'))
    .option('--domain <domain>', 'only this policy domain')
    .option('--send', 'send reports to the domains that request them, and delete the sent results')
    .addOption(
      new Option('--defect <defect>', 'with --send: a deliberate defect of the reports').choices([
        ...dmarcReportDefects,
      ]),
    )
    .addOption(sharedOptions.json)
    .action((options: DmarcReportOptions) => (options.send ? send(options) : show(options)))
}

async function show(options: DmarcReportOptions): Promise<void> {
  const { items } = await callApi(options, 'dmarcReports.list', { domain: options.domain })
  if (options.json) return print(JSON.stringify(items))
  if (items.length === 0)
    return note('No results: set mail.authentication.check: on-arrival and mail.authentication.reports.')
  printTable(['DAY', 'DOMAIN', 'FROM', 'SOURCE', 'COUNT', 'DKIM', 'SPF', 'DISPOSITION'], items.flatMap(rowsOf))
}

const rowsOf = ({ day, domain, rows }: ItemOf<'dmarcReports.list'>): string[][] =>
  rows.map(({ headerFrom, sourceIp, count, dkim, spf, disposition }) => [
    day,
    domain,
    headerFrom,
    sourceIp,
    String(count),
    dkim,
    spf,
    disposition,
  ])

async function send({ domain, defect, ...options }: DmarcReportOptions): Promise<void> {
  const { reports } = await callApi(options, 'dmarcReports.send', { domain, defect })
  printSent(reports, options.json === true)
}
